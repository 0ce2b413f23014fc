import type { CryptoProvider, Group, KeyShare } from '../crypto/provider.ts';
import { misuse } from '../errors.ts';
import { CipherSuiteId, HandshakeType, NamedGroup, ProtocolVersion } from '../wire/enums.ts';
import { type ExtensionValues, hostNameList, readExtensions, writeExtensions } from '../wire/extensions.ts';
import { type ClientHello, encodeMessage } from '../wire/messages.ts';
import type { ClientConfig, CommonConfig } from './config.ts';
import { advertisedSchemes } from './schemes.ts';
import { ask, type Script } from './script.ts';

/** A ClientHello as sent, with what is needed to judge the answer to it. */
export interface Offer {
  readonly hello: ClientHello;
  /** The whole message, as it enters the transcript. */
  readonly message: Uint8Array;
  readonly extensions: ExtensionValues['CH'];
  /** Extension types sent: only these may be answered (RFC 9846 §4.3). */
  readonly types: ReadonlySet<number>;
  readonly shares: readonly KeyShare[];
}

/** The first ClientHello, RFC 9846 §4.2.2. */
export function* firstOffer(config: ClientConfig): Script<Offer> {
  const { provider } = config;
  const groups = enabledGroups(config);
  const shares: KeyShare[] = [];
  for (const group of shareGroups(config, groups)) shares.push(yield* ask('keyShare', { group }));
  const draft: ClientHello = {
    legacyVersion: ProtocolVersion.TLS12,
    random: provider.random(32),
    // Appendix E.4: not empty in compatibility mode, so that the flight looks like a TLS 1.2 resumption.
    legacySessionId: config.middleboxCompatibility === false ? new Uint8Array(0) : provider.random(32),
    cipherSuites: enabledSuites(config).map((suite) => suite.id),
    legacyCompressionMethods: new Uint8Array(1),
    extensions: writeExtensions('CH', {
      ...(config.serverName !== undefined && { server_name: hostNameList(config.serverName) }),
      supported_groups: groups.map((group) => group.id),
      signature_algorithms: advertisedSchemes(provider, config.signatureSchemes),
      ...(config.alpn !== undefined &&
        config.alpn.length > 0 && { application_layer_protocol_negotiation: config.alpn }),
      supported_versions: [ProtocolVersion.TLS13],
      key_share: shares.map((share) => ({ group: share.group, keyExchange: share.publicKey })),
    }),
  };
  return finishOffer(config, draft, shares);
}

/** The second ClientHello: the first with one new share, and the cookie (RFC 9846 §4.2.2). */
export function* retriedOffer(config: ClientConfig, first: Offer, retry: ExtensionValues['HRR']): Script<Offer> {
  let { shares } = first;
  let extensions = first.hello.extensions;
  if (retry.key_share !== undefined) {
    const group = groupById(config.provider, retry.key_share);
    const share = yield* ask('keyShare', { group });
    for (const old of shares) old.wipe();
    shares = [share];
    const [replacement] = writeExtensions('CH', { key_share: [{ group: share.group, keyExchange: share.publicKey }] });
    extensions = extensions.map((old) => (old.type === replacement?.type ? replacement : old));
  }
  if (retry.cookie !== undefined) extensions = [...extensions, ...writeExtensions('CH', { cookie: retry.cookie })];
  return finishOffer(config, { ...first.hello, extensions }, shares);
}

/** The suites this side may use, best first. */
export function enabledSuites(config: CommonConfig): CryptoProvider['suites'] {
  const { suites } = config.provider;
  // CCM only on demand: it is slow, and CCM_8 has a short tag.
  return pick(suites, config.suites) ?? suites.filter((suite) => suite.id < CipherSuiteId.TLS_AES_128_CCM_SHA256);
}

/** The groups this side may use, best first. */
export function enabledGroups(config: CommonConfig): readonly Group[] {
  return pick(config.provider.groups, config.groups) ?? config.provider.groups;
}

export function groupById(provider: CryptoProvider, id: number): Group {
  const group = provider.groups.find((candidate) => candidate.id === id);
  return group ?? misuse('ERR_TLS_CONFIG', `the provider ${provider.name} has no group ${id}`);
}

function finishOffer(config: ClientConfig, draft: ClientHello, shares: readonly KeyShare[]): Offer {
  const hello = config.shapeClientHello?.(draft) ?? draft;
  return {
    hello,
    message: encodeMessage(HandshakeType.client_hello, hello),
    extensions: readExtensions('CH', hello.extensions),
    types: new Set(hello.extensions.map((extension) => extension.type)),
    shares,
  };
}

/** One post-quantum hybrid and one classical share: no peer of today then needs a HelloRetryRequest. */
function shareGroups(config: ClientConfig, groups: readonly Group[]): readonly Group[] {
  if (config.keyShares !== undefined) return pick(groups, config.keyShares) ?? [];
  const hybrid = groups.find((group) => hybridGroups.has(group.id));
  const classical = groups.find((group) => !hybridGroups.has(group.id));
  // RFC 9846 §4.3.8: shares in the order of supported_groups.
  return groups.filter((group) => group === hybrid || group === classical);
}

function pick<T extends { readonly id: number }>(known: readonly T[], wanted?: readonly number[]): T[] | undefined {
  return wanted?.flatMap((id) => known.filter((candidate) => candidate.id === id));
}

const hybridGroups: ReadonlySet<number> = new Set([
  NamedGroup.X25519MLKEM768,
  NamedGroup.SecP256r1MLKEM768,
  NamedGroup.SecP384r1MLKEM1024,
]);
