import { equal } from '../bytes/equal.ts';
import type { CipherSuite, Group } from '../crypto/provider.ts';
import { reject } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { CertificateTypeId, CipherSuiteId, ExtensionType, ProtocolVersion } from '../wire/enums.ts';
import { type ExtensionValues, hostName, type KeyShareEntry, readExtensions } from '../wire/extensions.ts';
import type { ClientHello } from '../wire/messages.ts';
import { OCSP } from './auth.ts';
import type { ClientHelloView, ServerConfig } from './config.ts';
import { enabledGroups, enabledSuites } from './enabled.ts';

/** A ClientHello that passed the checks that need no choice. */
export interface Hello {
  readonly body: ClientHello;
  readonly extensions: ExtensionValues['CH'];
  /** Extension types received: only these may be answered (RFC 9846 §4.3). */
  readonly types: ReadonlySet<number>;
  readonly view: ClientHelloView;
}

/** RFC 9846 §4.2.2 and §9.2: whether this is a TLS 1.3 ClientHello, and a whole one. */
export function readClientHello(body: ClientHello, config: ServerConfig, limits: Limits): Hello {
  if (body.extensions.length > limits.extensions) {
    reject('ERR_TLS_TOO_MANY_EXTENSIONS', 'decode_error', `${body.extensions.length} extensions are too many`);
  }
  checkVersion(body, config);
  const extensions = readExtensions('CH', body.extensions);
  const types = new Set(body.extensions.map((extension) => extension.type));
  if (body.legacyCompressionMethods.length !== 1 || body.legacyCompressionMethods[0] !== 0) {
    reject('ERR_TLS_COMPRESSION', 'illegal_parameter', 'legacy_compression_methods is not one null method');
  }
  if (body.cipherSuites.length > limits.cipherSuites) {
    reject('ERR_TLS_CLIENT_HELLO_DECODE', 'decode_error', `${body.cipherSuites.length} cipher suites are too many`);
  }
  checkPsk(body, extensions, config);
  checkShares(extensions, limits);
  checkTypes(extensions);
  const view: ClientHelloView = {
    wantsOcsp: extensions.status_request?.statusType === OCSP,
    serverName: checkedName(extensions),
    alpn: extensions.application_layer_protocol_negotiation ?? [],
    suites: body.cipherSuites,
    groups: extensions.supported_groups ?? [],
    signatureSchemes: extensions.signature_algorithms ?? [],
  };
  return { body, extensions, types, view };
}

/** How keys are exchanged. Without `share` the client has to be asked again for the group. */
export interface GroupChoice {
  readonly group: Group;
  readonly share: KeyShareEntry | undefined;
}

/** The suites in common, best first, by the order of the side that `preferOwnOrder` names. */
export function sharedSuites(config: ServerConfig, hello: Hello): readonly CipherSuite[] {
  const chacha = CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256;
  const suites = ranked(config, enabledSuites(config), hello.body.cipherSuites);
  if (config.prioritizeChaCha !== true || hello.body.cipherSuites.find(isKnownSuite) !== chacha) return suites;
  return [...suites.filter(({ id }) => id === chacha), ...suites.filter(({ id }) => id !== chacha)];
}

/** The group, by the same order; undefined where there is none in common. */
export function chooseGroup(config: ServerConfig, hello: Hello): GroupChoice | undefined {
  const groups = levelled(config.equalGroups ?? [], ranked(config, enabledGroups(config), hello.view.groups), hello);
  const shares = hello.extensions.key_share ?? [];
  const [best] = groups;
  if (config.retryForGroup === true && best !== undefined) {
    return { group: best, share: shares.find((entry) => entry.group === best.id) };
  }
  // A group whose share is there saves a round trip over a group that is merely liked better (RFC 9846 §4.3.8).
  for (const group of groups) {
    const share = shares.find((entry) => entry.group === group.id);
    if (share !== undefined) return { group, share };
  }
  return best && { group: best, share: undefined };
}

/** The second ClientHello may differ from the first only as RFC 9846 §4.2.2 lists. */
export function checkRetriedHello(
  first: Hello,
  second: Hello,
  group: Group,
  cookie: Uint8Array | undefined,
): KeyShareEntry {
  const same =
    equal(first.body.random, second.body.random) &&
    equal(first.body.legacySessionId, second.body.legacySessionId) &&
    sameNumbers(first.body.cipherSuites, second.body.cipherSuites) &&
    sameNumbers(first.view.groups, second.view.groups) &&
    sameNumbers(first.view.signatureSchemes, second.view.signatureSchemes) &&
    sameNumbers(pskModesOf(first), pskModesOf(second)) &&
    first.view.serverName === second.view.serverName;
  if (!same) {
    reject('ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter', 'the second ClientHello is not the first one retried');
  }
  checkCookie(second.extensions.cookie, cookie);
  return retriedShare(second, group);
}

/** The share that a HelloRetryRequest asked for. */
export function retriedShare({ extensions }: Hello, group: Group): KeyShareEntry {
  const shares = extensions.key_share ?? [];
  const [share] = shares;
  if (share === undefined || shares.length !== 1 || share.group !== group.id) {
    reject(
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
      'the second ClientHello has not the one share that was asked for',
    );
  }
  return share;
}

/** supported_versions decides; a ClientHello without it is of TLS 1.2 or older (RFC 9846 §4.3.1). */
function checkVersion(body: ClientHello, config: ServerConfig): void {
  const extension = body.extensions.find(({ type }) => type === ExtensionType.supported_versions);
  const versions = extension && readExtensions('CH', [extension]).supported_versions;
  if (!versions?.includes(ProtocolVersion.TLS13)) {
    reject('ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version', 'the client does not offer TLS 1.3');
  }
  if (body.legacyVersion !== ProtocolVersion.TLS12 && config.ignoreLegacyVersion !== true) {
    reject('ERR_TLS_WRONG_VERSION', 'protocol_version', 'legacy_version of the ClientHello is not 0x0303');
  }
}

/** RFC 9846 §4.3.9 and §4.3.11: where PSKs stand, and what they need beside them. */
function checkPsk(body: ClientHello, extensions: ExtensionValues['CH'], { boringsslChecks }: ServerConfig): void {
  const { pre_shared_key: offered, psk_key_exchange_modes: modes } = extensions;
  if (offered === undefined) return;
  if (body.extensions.at(-1)?.type !== ExtensionType.pre_shared_key) {
    reject('ERR_TLS_PSK_NOT_LAST', 'illegal_parameter', 'pre_shared_key is not the last extension');
  }
  if (modes === undefined) {
    reject('ERR_TLS_MISSING_EXTENSION', 'missing_extension', 'pre_shared_key without psk_key_exchange_modes');
  }
  if (offered.identities.length !== offered.binders.length) {
    reject('ERR_TLS_PSK', 'illegal_parameter', 'as many binders as identities are needed');
  }
  if (boringsslChecks !== true && offered.binders.some(({ length }) => length < MIN_BINDER)) {
    reject('ERR_TLS_PSK_DECODE', 'decode_error', `a binder of less than ${MIN_BINDER} bytes`);
  }
}

/** RFC 9846 §9.2: a handshake without PSK is signed. */
export function checkCanSign({ extensions }: Hello): void {
  if (extensions.signature_algorithms !== undefined) return;
  reject('ERR_TLS_MISSING_SIGNATURE_ALGORITHMS', 'missing_extension', 'the ClientHello has no signature_algorithms');
}

/** RFC 9846 §9.2 and §4.3.8: what has to be there, and what shares there may be. */
function checkShares(extensions: ExtensionValues['CH'], limits: Limits): void {
  const { key_share: shares, supported_groups: groups, signature_algorithms: schemes } = extensions;
  const psk = extensions.pre_shared_key !== undefined;
  if (psk && groups === undefined && shares === undefined) return;
  if (groups === undefined || shares === undefined || (schemes === undefined && !psk)) {
    const missing = Object.entries({ supported_groups: groups, key_share: shares, signature_algorithms: schemes });
    const names = missing.flatMap(([name, value]) => (value === undefined ? [name] : []));
    const code =
      groups === undefined
        ? 'ERR_TLS_MISSING_GROUPS'
        : shares === undefined
          ? 'ERR_TLS_MISSING_KEY_SHARE'
          : 'ERR_TLS_MISSING_SIGNATURE_ALGORITHMS';
    reject(code, 'missing_extension', `the ClientHello has no ${names.join(', no ')}`);
  }
  const seen = new Set<number>();
  for (const { group } of shares) {
    if (seen.has(group)) reject('ERR_TLS_DUPLICATE_KEY_SHARE', 'illegal_parameter', 'two key shares for one group');
    if (!groups.includes(group)) {
      reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', 'a key share for a group that is not in supported_groups');
    }
    seen.add(group);
  }
  if (shares.length > limits.keyShares) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `${shares.length} key shares are too many`);
  }
}

/** RFC 7250 §4.1: who has nothing to say but X.509 says nothing. */
function checkTypes({ client_certificate_type: client, server_certificate_type: server }: ExtensionValues['CH']): void {
  for (const types of [client, server]) {
    if (types === undefined || types.some((type) => type !== CertificateTypeId.X509)) continue;
    const what = types.length === 0 ? 'is empty' : 'has X.509 alone';
    reject('ERR_TLS_CERTIFICATE_TYPE_DECODE', 'illegal_parameter', `a list of certificate types that ${what}`);
  }
}

/** RFC 6066 §3: one name of a type at most, ASCII, no trailing dot, not an address. */
function checkedName(extensions: ExtensionValues['CH']): string | undefined {
  const hostNames = (extensions.server_name ?? []).filter((name) => name.nameType === 0);
  if (hostNames.length > 1) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'server_name holds more than one host name');
  }
  const bytes = hostNames[0]?.name;
  if (bytes?.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'server_name is not an ASCII host name');
  }
  return hostName(extensions.server_name);
}

function checkCookie(received: Uint8Array | undefined, sent: Uint8Array | undefined): void {
  const matches = sent === undefined ? received === undefined : received !== undefined && equal(sent, received);
  if (!matches) reject('ERR_TLS_COOKIE', 'illegal_parameter', 'the cookie of the HelloRetryRequest did not come back');
}

/** What both sides have, in the order of the side that decides. */
function ranked<T extends { readonly id: number }>(
  config: ServerConfig,
  own: readonly T[],
  peer: readonly number[],
): readonly T[] {
  if (config.preferOwnOrder !== false) return own.filter((candidate) => peer.includes(candidate.id));
  return peer.flatMap((id) => own.filter((candidate) => candidate.id === id));
}

/** The places of `equal` groups stay where they are; who takes which goes by the client's order. */
function levelled(equal: readonly number[], groups: readonly Group[], { view }: Hello): readonly Group[] {
  const rank = ({ id }: Group): number => view.groups.indexOf(id);
  const level = groups.filter(({ id }) => equal.includes(id)).sort((a, b) => rank(a) - rank(b));
  return groups.map((group) => (equal.includes(group.id) ? (level.shift() ?? group) : group));
}

function pskModesOf({ extensions }: Hello): readonly number[] {
  return extensions.psk_key_exchange_modes ?? [];
}

function isKnownSuite(id: number): boolean {
  return Object.values(CipherSuiteId).some((known) => known === id);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** opaque PskBinderEntry<32..255>, RFC 9846 §4.3.11 */
const MIN_BINDER = 32;
