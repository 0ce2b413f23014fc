import { reject } from '../../errors.ts';
import { type Limits, MAX_HOST_NAME } from '../../limits.ts';
import { CertificateTypeId, ExtensionType, HandshakeType, OCSP, ProtocolVersion } from '../../wire/enums.ts';
import { type ExtensionValues, hostNameIn, readExtensions, type ServerName } from '../../wire/extensions.ts';
import type { ClientHello } from '../../wire/messages.ts';
import { checkCompressions } from '../proof/compression.ts';
import { type ClientLimits, readClientLimits } from '../shared/record-limits.ts';
import type { ClientHelloView } from '../terms/config.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import { expect, type Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';

/**
 * A ClientHello that passed the checks that depend on no choice of the server. The server keeps it while it waits for a
 * client that has proved nothing yet, so it holds only what the server uses.
 */
export interface Hello {
  readonly body: Omit<ClientHello, 'extensions'>;
  /** Lists of names and identities are cut off where {@link Limits} says. */
  readonly extensions: Omit<ExtensionValues['CH'], 'server_name'>;
  readonly recordLimits: ClientLimits | undefined;
  /** Types of `encryptedExtensions` that the client sent: the server may answer only these (RFC 9846 §4.3). */
  readonly answerable: ReadonlySet<number>;
  /** Bytes of the list of binders, with which the message ends (RFC 9846 §4.3.11.2). */
  readonly bindersLength: number;
  readonly view: ClientHelloView;
}

/** A ClientHello, with the message that goes into the transcript. */
export interface ReceivedHello {
  readonly hello: Hello;
  readonly raw: Uint8Array;
}

/** Receives and checks a ClientHello. */
export function* receiveHello({ config }: ServerEndpoint): Script<ReceivedHello> {
  const { body, raw } = yield* expect(HandshakeType.client_hello);
  return { hello: readClientHello(body, config), raw };
}

/** Checks that this is a ClientHello of TLS 1.3, with all extensions that it needs (RFC 9846 §4.2.2, §9.2). */
function readClientHello(message: ClientHello, config: ServerSettings): Hello {
  const { limits } = config;
  checkVersion(message, config);
  const { extensions: received, ...body } = message;
  const { server_name: names, ...extensions } = readExtensions('CH', received);
  if (body.legacyCompressionMethods.length !== 1 || body.legacyCompressionMethods[0] !== 0) {
    reject('ERR_TLS_COMPRESSION', 'illegal_parameter', 'legacy_compression_methods is not one null method');
  }
  checkPsk(message, extensions, config);
  checkShares(extensions, limits);
  checkTypes(extensions);
  checkCompressions(extensions.compress_certificate);
  const recordLimits = readClientLimits(extensions);
  const serverName = checkedName(names);
  const kept = firstOf(extensions, limits);
  const view: ClientHelloView = {
    wantsOcsp: extensions.status_request?.statusType === OCSP,
    serverName,
    alpn: kept.application_layer_protocol_negotiation ?? [],
    suites: body.cipherSuites,
    groups: extensions.supported_groups ?? [],
    signatureSchemes: extensions.signature_algorithms ?? [],
  };
  const own = new Set(config.encryptedExtensions.map(({ type }) => type));
  const answerable = new Set(received.flatMap(({ type }) => (own.has(type) ? [type] : [])));
  const bindersLength = (extensions.pre_shared_key?.binders ?? []).reduce((sum, { length }) => sum + 1 + length, 2);
  return { body, extensions: kept, recordLimits, answerable, bindersLength, view };
}

/**
 * Cuts off the lists of names and identities. Each entry is a view, whose object takes a hundred times as much memory
 * as the shortest entry has bytes.
 */
function firstOf(extensions: Hello['extensions'], { names, pskIdentities }: Limits): Hello['extensions'] {
  const {
    application_layer_protocol_negotiation: protocols,
    certificate_authorities: authorities,
    pre_shared_key: psks,
  } = extensions;
  return {
    ...extensions,
    ...(protocols && { application_layer_protocol_negotiation: protocols.slice(0, names) }),
    ...(authorities && { certificate_authorities: authorities.slice(0, names) }),
    ...(psks && {
      pre_shared_key: {
        identities: psks.identities.slice(0, pskIdentities),
        binders: psks.binders.slice(0, pskIdentities),
      },
    }),
  };
}

/** A ClientHello without supported_versions is one of TLS 1.2 or older (RFC 9846 §4.3.1). */
function checkVersion(body: ClientHello, config: ServerSettings): void {
  const extension = body.extensions.find(({ type }) => type === ExtensionType.supported_versions);
  const versions = extension && readExtensions('CH', [extension]).supported_versions;
  if (!versions?.includes(ProtocolVersion.TLS13)) {
    reject(
      'ERR_TLS_UNSUPPORTED_PROTOCOL',
      'protocol_version',
      'the client offers no TLS 1.3, and opentls speaks nothing older',
    );
  }
  if (body.legacyVersion !== ProtocolVersion.TLS12 && !config.ignoreLegacyVersion) {
    reject('ERR_TLS_WRONG_VERSION', 'protocol_version', 'legacy_version of the ClientHello is not 0x0303');
  }
}

/** Checks the place of pre_shared_key, and what must come with it (RFC 9846 §4.3.9, §4.3.11). */
function checkPsk(body: ClientHello, extensions: ExtensionValues['CH'], { boringsslChecks }: ServerSettings): void {
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
  if (!boringsslChecks && offered.binders.some(({ length }) => length < MIN_BINDER)) {
    reject('ERR_TLS_PSK_DECODE', 'decode_error', `a binder of less than ${MIN_BINDER} bytes`);
  }
}

/** RFC 9846 §9.2: a handshake without a PSK needs signature_algorithms. */
export function checkCanSign({ extensions }: Hello): void {
  if (extensions.signature_algorithms !== undefined) return;
  reject('ERR_TLS_MISSING_SIGNATURE_ALGORITHMS', 'missing_extension', 'the ClientHello has no signature_algorithms');
}

/**
 * Checks which of supported_groups, key_share and signature_algorithms are there, and the shares (RFC 9846 §9.2,
 * §4.3.8).
 */
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
  if (shares.length > limits.keyShares) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `${shares.length} key shares are too many`);
  }
  const left = new Set(groups);
  for (const { group } of shares) {
    if (left.delete(group)) continue;
    if (groups.includes(group)) {
      reject('ERR_TLS_DUPLICATE_KEY_SHARE', 'illegal_parameter', 'two key shares for one group');
    }
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', 'a key share for a group that is not in supported_groups');
  }
}

/** RFC 7250 §4.1: a client that has X.509 alone does not send the extension. */
function checkTypes({ client_certificate_type: client, server_certificate_type: server }: ExtensionValues['CH']): void {
  for (const types of [client, server]) {
    if (types === undefined || types.some((type) => type !== CertificateTypeId.X509)) continue;
    const what = types.length === 0 ? 'is empty' : 'has X.509 alone';
    reject('ERR_TLS_CERTIFICATE_TYPE_DECODE', 'illegal_parameter', `a list of certificate types that ${what}`);
  }
}

/** RFC 6066 §3: server_name holds one host name at most, in ASCII, without a trailing dot, and not an address. */
function checkedName(names: readonly ServerName[] = []): string | undefined {
  const hostNames = names.filter((name) => name.nameType === 0);
  if (hostNames.length > 1) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'server_name holds more than one host name');
  }
  const bytes = hostNames[0]?.name;
  if (bytes !== undefined && bytes.length > MAX_HOST_NAME) {
    reject('ERR_TLS_EXTENSION_DECODE', 'unrecognized_name', `server_name has ${bytes.length} bytes`);
  }
  if (bytes?.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'server_name is not an ASCII host name');
  }
  return hostNameIn(names);
}
/** opaque PskBinderEntry<32..255>, RFC 9846 §4.3.11 */
const MIN_BINDER = 32;
