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
import { addGrease, isGrease, shuffle } from '../shared/grease.ts';
import { binderOf, bindersLength, pskModeIds, withTruncated } from '../shared/psk.ts';
import { maxFragmentCode } from '../shared/record-limits.ts';
import type { ClientEndpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';
import type { ClientSettings } from '../terms/settings.ts';
import { earlySuite, gatherPsks, type OfferedPsk, pskIdentity } from './psk.ts';

/** A ClientHello as sent, with all that the client needs to check the server's answer. */
export interface Offer {
  readonly hello: ClientHello;
  /** The whole message, as it enters the transcript. */
  readonly message: Uint8Array;
  readonly extensions: ExtensionValues['CH'];
  /** Extension types sent: the server may answer only these (RFC 9846 §4.3). */
  readonly types: ReadonlySet<number>;
  readonly shares: readonly KeyShare[];
  /** In the order of their identities. */
  readonly psks: readonly OfferedPsk[];
  /** The suite of the 0-RTT data that follows; undefined where none does. */
  readonly early: CipherSuite | undefined;
}

/** The first ClientHello, RFC 9846 §4.2.2. */
export function* firstOffer(endpoint: ClientEndpoint): Script<Offer> {
  const { config, custody } = endpoint;
  const { provider } = config;
  const psks = yield* gatherPsks(endpoint);
  const early = earlySuite(config, psks);
  const shares: KeyShare[] = [];
  for (const group of config.shareGroups) shares.push(custody.hold(yield* ask('keyShare', { group })));
  const draft: ClientHello = {
    legacyVersion: ProtocolVersion.TLS12,
    random: provider.random(32),
    // RFC 9846 Appendix E.4: not empty in compatibility mode, so that the flight looks like a TLS 1.2 resumption.
    legacySessionId: config.middleboxCompatibility ? provider.random(32) : new Uint8Array(0),
    cipherSuites: config.suites.map((suite) => suite.id),
    legacyCompressionMethods: new Uint8Array(1),
    extensions: draftExtensions(config, shares, early !== undefined),
  };
  return finishOffer(config, { hello: greasedAndShuffled(config, draft), shares, psks, early }, undefined);
}

function draftExtensions(config: ClientSettings, shares: readonly KeyShare[], early: boolean): Extension[] {
  const { serverName, alpn, pskModes, certificateAuthorities } = config;
  const compressions = config.decompressors.map(({ id }) => id);
  const ownTypes = idsOf(config.certificateTypes);
  const peerTypes = idsOf(config.peerCertificateTypes);
  return writeExtensions('CH', {
    // Servers refuse a longer name, so it is not sent. verifyChain gets it all the same.
    ...(serverName !== undefined && serverName.length <= MAX_HOST_NAME && { server_name: hostNameList(serverName) }),
    supported_groups: config.groups.map((group) => group.id),
    signature_algorithms: config.signatureSchemes,
    ...(config.certificateSchemes && { signature_algorithms_cert: config.certificateSchemes }),
    ...(config.requestOcsp && { status_request: { statusType: OCSP, request: new Uint8Array(4) } }),
    ...(config.requestTimestamps && { signed_certificate_timestamp: true as const }),
    ...(certificateAuthorities.length > 0 && { certificate_authorities: certificateAuthorities }),
    ...(ownTypes.length > 0 && { client_certificate_type: ownTypes }),
    ...(peerTypes.length > 0 && { server_certificate_type: peerTypes }),
    ...(compressions.length > 0 && { compress_certificate: compressions }),
    ...(config.maxFragmentLength && { max_fragment_length: maxFragmentCode(config.maxFragmentLength) }),
    ...(config.sendRecordSizeLimit && { record_size_limit: config.recordSizeLimit }),
    ...(config.postHandshakeAuth && { post_handshake_auth: true as const }),
    ...(alpn.length > 0 && { application_layer_protocol_negotiation: alpn }),
    supported_versions: [ProtocolVersion.TLS13],
    // RFC 9846 §4.3.9: a server issues tickets for these modes only, so they are sent without a PSK, too.
    ...(pskModes.length > 0 && { psk_key_exchange_modes: pskModes.map((mode) => pskModeIds[mode]) }),
    key_share: shares.map((share) => ({ group: share.group, keyExchange: share.publicKey })),
    ...(early && { early_data: true as const }),
  });
}

/** CertificateType values; none where X.509 is the only one, as that goes without saying (RFC 7250 §4.1). */
function idsOf(types: readonly CertificateType[]): number[] {
  return types.length === 1 && types[0] === 'X509' ? [] : types.map((type) => CertificateTypeId[type]);
}

function greasedAndShuffled(config: ClientSettings, draft: ClientHello): ClientHello {
  const { provider } = config;
  const hello = config.grease ? addGrease(provider, draft) : draft;
  if (!config.shuffleExtensions) return hello;
  return { ...hello, extensions: shuffle(provider, hello.extensions) };
}

/**
 * Adds the PSKs and their binders to a ClientHello, and encodes it.
 * @param transcript up to the HelloRetryRequest; undefined for the first ClientHello
 */
export function finishOffer(
  config: ClientSettings,
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
    // RFC 8701 §3.1: the server may not answer a reserved extension.
    types: new Set(hello.extensions.flatMap(({ type }) => (isGrease(type) ? [] : [type]))),
  };
}

/** RFC 9846 §4.3.11: pre_shared_key comes last. Its binders are zero until {@link writeBinders} has the message. */
function withPsks({ now }: ClientSettings, hello: ClientHello, psks: readonly OfferedPsk[]): ClientHello {
  const sentAt = now();
  const identities = psks.map((psk) => pskIdentity(psk, sentAt));
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

export function without(extensions: readonly Extension[], ...types: readonly number[]): readonly Extension[] {
  return extensions.filter(({ type }) => !types.includes(type));
}
