import type { Custody } from '../../crypto/custody.ts';
import type { CipherSuite, KeyShare } from '../../crypto/provider.ts';
import { Transcript } from '../../keys/transcript.ts';
import { MAX_HOST_NAME } from '../../limits.ts';
import type { CertificateType } from '../../session/session.ts';
import { CertificateTypeId, ExtensionType, HandshakeType, OCSP, ProtocolVersion } from '../../wire/enums.ts';
import {
  type Extension,
  type ExtensionValues,
  hostNameList,
  readExtensions,
  writeExtensions,
} from '../../wire/extensions.ts';
import { type ClientHello, encodeMessage } from '../../wire/messages.ts';
import { acceptedCompressions } from '../proof/compression.ts';
import { advertisedSchemes } from '../proof/schemes.ts';
import { addGrease, isGrease, shuffle } from '../shared/grease.ts';
import { binderOf, bindersLength, pskModeIds, withTruncated } from '../shared/psk.ts';
import { maxFragmentCode } from '../shared/record-limits.ts';
import type { ClientConfig } from '../terms/config.ts';
import { enabledGroups, enabledSuites, groupById, shareGroups } from '../terms/enabled.ts';
import { ask, type Script } from '../terms/script.ts';
import { earlySuite, gatherPsks, type OfferedPsk, pskIdentity } from './psk.ts';

/** A ClientHello as sent, with what is needed to judge the answer to it. */
export interface Offer {
  readonly hello: ClientHello;
  /** The whole message, as it enters the transcript. */
  readonly message: Uint8Array;
  readonly extensions: ExtensionValues['CH'];
  /** Extension types sent: only these may be answered (RFC 9846 §4.3). */
  readonly types: ReadonlySet<number>;
  readonly shares: readonly KeyShare[];
  /** In the order of their identities. */
  readonly psks: readonly OfferedPsk[];
  /** The suite of the 0-RTT data that follows; undefined: none does. */
  readonly early: CipherSuite | undefined;
}

/** The first ClientHello, RFC 9846 §4.2.2. */
export function* firstOffer(config: ClientConfig, custody: Custody): Script<Offer> {
  const { provider } = config;
  const psks = yield* gatherPsks(config, custody);
  const early = earlySuite(config, psks);
  const shares: KeyShare[] = [];
  for (const group of shareGroups(config)) shares.push(custody.hold(yield* ask('keyShare', { group })));
  const draft: ClientHello = {
    legacyVersion: ProtocolVersion.TLS12,
    random: provider.random(32),
    // Appendix E.4: not empty in compatibility mode, so that the flight looks like a TLS 1.2 resumption.
    legacySessionId: config.middleboxCompatibility === false ? new Uint8Array(0) : provider.random(32),
    cipherSuites: enabledSuites(config).map((suite) => suite.id),
    legacyCompressionMethods: new Uint8Array(1),
    extensions: draftExtensions(config, shares, early !== undefined),
  };
  return finishOffer(config, { hello: disguise(config, draft), shares, psks, early }, undefined);
}

/**
 * The second ClientHello: the first with one new share, the cookie, and the PSKs that fit (RFC 9846 §4.2.2).
 * @param transcript up to the HelloRetryRequest
 */
export function* retriedOffer(
  config: ClientConfig,
  first: Offer,
  retry: ExtensionValues['HRR'],
  suite: CipherSuite,
  transcript: Transcript,
  custody: Custody,
): Script<Offer> {
  let { shares } = first;
  // pre_shared_key is made anew, and 0-RTT data is over (RFC 9846 §4.2.2).
  let extensions = without(first.hello.extensions, ExtensionType.pre_shared_key, ExtensionType.early_data);
  if (retry.key_share !== undefined) {
    const group = groupById(config.provider, retry.key_share);
    const share = custody.hold(yield* ask('keyShare', { group }));
    for (const old of shares) old.wipe();
    shares = [share];
    const [replacement] = writeExtensions('CH', { key_share: [{ group: share.group, keyExchange: share.publicKey }] });
    extensions = extensions.map((old) => (old.type === replacement?.type ? replacement : old));
  }
  if (retry.cookie !== undefined) extensions = [...extensions, ...writeExtensions('CH', { cookie: retry.cookie })];
  const [psks, others] = partition(first.psks, (psk) => psk.hash === suite.hash);
  for (const { early } of others) early.wipe();
  return finishOffer(config, { hello: { ...first.hello, extensions }, shares, psks, early: undefined }, transcript);
}

function draftExtensions(config: ClientConfig, shares: readonly KeyShare[], early: boolean): Extension[] {
  const { provider, serverName, alpn = [], pskModes = ['psk_dhe_ke'], certificateAuthorities = [] } = config;
  const compressions = acceptedCompressions(config);
  const ownTypes = idsOf(ownCertificateTypes(config));
  const peerTypes = idsOf(config.peerCertificateTypes ?? ['X509']);
  return writeExtensions('CH', {
    // Servers refuse a longer one; the certificate is judged by it all the same.
    ...(serverName !== undefined && serverName.length <= MAX_HOST_NAME && { server_name: hostNameList(serverName) }),
    supported_groups: enabledGroups(config).map((group) => group.id),
    signature_algorithms: advertisedSchemes(provider, config.signatureSchemes),
    ...(config.certificateSchemes && { signature_algorithms_cert: config.certificateSchemes }),
    ...(config.requestOcsp && { status_request: { statusType: OCSP, request: new Uint8Array(4) } }),
    ...(config.requestTimestamps && { signed_certificate_timestamp: true as const }),
    ...(certificateAuthorities.length > 0 && { certificate_authorities: certificateAuthorities }),
    ...(ownTypes.length > 0 && { client_certificate_type: ownTypes }),
    ...(peerTypes.length > 0 && { server_certificate_type: peerTypes }),
    ...(compressions.length > 0 && { compress_certificate: compressions }),
    ...(config.maxFragmentLength && { max_fragment_length: maxFragmentCode(config.maxFragmentLength) }),
    ...(config.recordSizeLimit && { record_size_limit: config.recordSizeLimit }),
    ...(config.postHandshakeAuth && { post_handshake_auth: true as const }),
    ...(alpn.length > 0 && { application_layer_protocol_negotiation: alpn }),
    supported_versions: [ProtocolVersion.TLS13],
    // RFC 9846 §4.3.9: it is also what tickets are issued by.
    ...(pskModes.length > 0 && { psk_key_exchange_modes: pskModes.map((mode) => pskModeIds[mode]) }),
    key_share: shares.map((share) => ({ group: share.group, keyExchange: share.publicKey })),
    ...(early && { early_data: true as const }),
  });
}

/** What this client can show: said where it is more than certificates alone (RFC 7250 §4.1). */
export function ownCertificateTypes({ certificateTypes, credentials = [] }: ClientConfig): readonly CertificateType[] {
  return certificateTypes ?? [...new Set(credentials.map(({ type }) => type ?? 'X509'))];
}

function idsOf(types: readonly CertificateType[]): number[] {
  return types.length === 1 && types[0] === 'X509' ? [] : types.map((type) => CertificateTypeId[type]);
}

function disguise(config: ClientConfig, draft: ClientHello): ClientHello {
  const { provider } = config;
  const hello = config.grease === true ? addGrease(provider, draft) : draft;
  if (config.shuffleExtensions === false) return hello;
  return { ...hello, extensions: shuffle(provider, hello.extensions) };
}

function finishOffer(
  config: ClientConfig,
  draft: Pick<Offer, 'hello' | 'shares' | 'psks' | 'early'>,
  transcript: Transcript | undefined,
): Offer {
  const { psks } = draft;
  const shaped = config.shapeClientHello?.(draft.hello) ?? draft.hello;
  const hello = psks.length === 0 ? shaped : withPsks(config, shaped, psks);
  const message = encodeMessage(HandshakeType.client_hello, hello);
  if (psks.length > 0) writeBinders(message, psks, transcript);
  return {
    ...draft,
    hello,
    message,
    extensions: readExtensions('CH', hello.extensions),
    // RFC 8701 §3.1: nobody may answer a reserved one.
    types: new Set(hello.extensions.flatMap(({ type }) => (isGrease(type) ? [] : [type]))),
  };
}

/** RFC 9846 §4.3.11: pre_shared_key comes last; its binders are zero until the message is there to bind to. */
function withPsks(config: ClientConfig, hello: ClientHello, psks: readonly OfferedPsk[]): ClientHello {
  const now = (config.now ?? Date.now)();
  const identities = psks.map((psk) => pskIdentity(psk, now));
  const binders = psks.map(({ hash }) => new Uint8Array(hash.length));
  const offered = writeExtensions('CH', { pre_shared_key: { identities, binders } });
  return { ...hello, extensions: [...without(hello.extensions, ExtensionType.pre_shared_key), ...offered] };
}

function writeBinders(message: Uint8Array, psks: readonly OfferedPsk[], transcript: Transcript | undefined): void {
  const length = bindersLength(psks.map(({ hash }) => hash));
  let offset = message.length - length + 2;
  for (const psk of psks) {
    const truncated = withTruncated(transcript ?? Transcript.from(psk.hash), message, length);
    message.set(binderOf(psk, truncated), offset + 1);
    offset += 1 + psk.hash.length;
  }
}

function without(extensions: readonly Extension[], ...types: readonly number[]): readonly Extension[] {
  return extensions.filter(({ type }) => !types.includes(type));
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
