import { equal, equalOrAbsent } from '../../bytes/equal.ts';
import type { CipherSuite, KeyShare } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import type { CertificateType } from '../../session/session.ts';
import { ExtensionType, type HandshakeType as H, NamedGroup, nameOf, ProtocolVersion } from '../../wire/enums.ts';
import { type Extension, type ExtensionValues, readExtensions } from '../../wire/extensions.ts';
import { helloRetryRequestRandom, type MessageOf, type ServerHello } from '../../wire/messages.ts';
import { checkCompressions } from '../proof/compression.ts';
import { typesOf } from '../proof/credentials.ts';
import type { ClientSettings } from '../terms/settings.ts';
import type { Offer } from './offer.ts';
import type { OfferedPsk } from './psk.ts';

/** A ServerHello that passed the checks of RFC 9846 §4.2.3. */
export interface Accepted {
  readonly suite: CipherSuite;
  readonly psk: OfferedPsk | undefined;
  /** Absent where a PSK is used alone. */
  readonly exchange: { readonly share: KeyShare; readonly peer: Uint8Array } | undefined;
}

/** Whether a ServerHello is a HelloRetryRequest (RFC 9846 §4.2.4); what follows then is in retry.ts. */
export function isRetry(hello: ServerHello): boolean {
  return equal(hello.random, helloRetryRequestRandom);
}

/**
 * Checks the fields that ServerHello and HelloRetryRequest share, once for each that comes: version, session id,
 * compression method and suite (RFC 9846 §4.2.3, §4.2.4).
 * @returns the suite that the server selected
 */
export function checkSharedFields(config: ClientSettings, offer: Offer, hello: ServerHello): CipherSuite {
  checkVersion(hello);
  if (hello.legacyVersion !== ProtocolVersion.TLS12) {
    reject('ERR_TLS_WRONG_VERSION', 'protocol_version', 'legacy_version of the ServerHello is not 0x0303');
  }
  if (!equal(hello.legacySessionIdEcho, offer.hello.legacySessionId)) {
    reject('ERR_TLS_SESSION_ID_MISMATCH', 'illegal_parameter', 'the server did not echo legacy_session_id');
  }
  if (hello.legacyCompressionMethod !== 0) {
    const alert = config.boringsslChecks && isRetry(hello) ? 'decode_error' : 'illegal_parameter';
    reject('ERR_TLS_LEGACY_FIELD', alert, 'the server chose a compression method');
  }
  const suite = config.suites.find((candidate) => candidate.id === hello.cipherSuite);
  if (suite === undefined || !offer.hello.cipherSuites.includes(hello.cipherSuite)) {
    reject('ERR_TLS_WRONG_CIPHER', 'illegal_parameter', 'the server chose a cipher suite that was not offered');
  }
  return suite;
}

/** A ServerHello without supported_versions is one of TLS 1.2 or older (RFC 9846 §4.2.3, §4.3.1). */
function checkVersion(hello: ServerHello): void {
  const extension = hello.extensions.find((candidate) => candidate.type === ExtensionType.supported_versions);
  if (extension === undefined) {
    const tail = hello.random.subarray(24);
    if (downgradeSentinels.some((sentinel) => equal(sentinel, tail))) {
      reject('ERR_TLS_DOWNGRADE', 'illegal_parameter', 'the server signals that the handshake was downgraded');
    }
    reject(
      'ERR_TLS_UNSUPPORTED_PROTOCOL',
      'protocol_version',
      'the server has no TLS 1.3, and opentls speaks nothing older',
    );
  }
  const { supported_versions: version } = readExtensions('SH', [extension]);
  if (version !== ProtocolVersion.TLS13) {
    reject('ERR_TLS_WRONG_VERSION', 'illegal_parameter', 'the server selected a version that was not offered');
  }
}

/**
 * Checks the key share and the PSK that the server selected (RFC 9846 §4.3.8, §4.3.11).
 * @param suite that {@link checkSharedFields} found in the same ServerHello
 */
export function acceptServerHello(
  config: ClientSettings,
  offer: Offer,
  hello: ServerHello,
  suite: CipherSuite,
): Accepted {
  const { key_share: entry, pre_shared_key: index } = readExtensions('SH', hello.extensions, offer.types);
  const psk = index === undefined ? undefined : selectedPsk(offer, index, suite);
  const { pskModes } = config;
  if (psk === undefined && config.requirePsk) {
    reject('ERR_TLS_PSK_REQUIRED', 'missing_extension', 'the server selected none of the PSKs');
  }
  if (entry === undefined) {
    if (psk === undefined || !pskModes.includes('psk_ke')) {
      // RFC 9846 §4.3.11: a PSK may do without a key_share, but only in the mode psk_ke.
      const alert = psk === undefined ? 'missing_extension' : 'illegal_parameter';
      reject('ERR_TLS_MISSING_KEY_SHARE', alert, 'the ServerHello has no key_share');
    }
    return { suite, psk, exchange: undefined };
  }
  if (psk !== undefined && !pskModes.includes('psk_dhe_ke')) {
    reject('ERR_TLS_PSK', 'illegal_parameter', 'the ServerHello has a key_share, in a PSK mode that has none');
  }
  const share = offer.shares.find((candidate) => candidate.group === entry.group);
  if (share === undefined) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `the server answered in ${groupName(entry.group)}, not offered`);
  }
  return { suite, psk, exchange: { share, peer: entry.keyExchange } };
}

/** The PSK that the server selected: one that was offered, of the hash of the suite (RFC 9846 §4.3.11). */
function selectedPsk(offer: Offer, index: number, suite: CipherSuite): OfferedPsk {
  const psk = offer.psks[index];
  if (psk === undefined) {
    reject('ERR_TLS_UNKNOWN_PSK', 'illegal_parameter', `the server selected PSK ${index}, which was not offered`);
  }
  if (psk.hash !== suite.hash) {
    reject('ERR_TLS_PSK_HASH', 'illegal_parameter', 'the server selected a PSK that is not of the hash of its suite');
  }
  return psk;
}

/** @returns the values of EncryptedExtensions, and the ALPN protocol that the server chose, if any */
export function checkEncryptedExtensions(
  config: ClientSettings,
  offer: Offer,
  extensions: readonly Extension[],
): { readonly values: ExtensionValues['EE']; readonly alpn: Uint8Array | undefined } {
  if (config.boringsslChecks && extensions.some(({ type }) => type === ExtensionType.key_share)) {
    reject('ERR_TLS_UNEXPECTED_EXTENSION', 'unsupported_extension', 'key_share does not belong in EncryptedExtensions');
  }
  const values = readExtensions('EE', extensions, offer.types);
  const chosen = values.application_layer_protocol_negotiation;
  if (chosen === undefined) return { values, alpn: undefined };
  const [protocol] = chosen;
  if (protocol === undefined || chosen.length !== 1) {
    reject('ERR_TLS_INVALID_ALPN', 'decode_error', 'the server must choose one ALPN protocol (RFC 7301 §3.1)');
  }
  const offered = offer.extensions.application_layer_protocol_negotiation ?? [];
  if (!config.allowUnknownAlpn && !offered.some((candidate) => equal(candidate, protocol))) {
    reject('ERR_TLS_INVALID_ALPN', 'illegal_parameter', 'the server chose an ALPN protocol that was not offered');
  }
  return { values, alpn: protocol };
}

/** RFC 9846 §4.3.10: 0-RTT data was sent under the first PSK, with its suite and its ALPN protocol. */
export function checkEarlyAccepted(offer: Offer, { suite, psk }: Accepted, alpn: Uint8Array | undefined): void {
  const session = psk === offer.psks[0] ? psk?.session : undefined;
  if (session === undefined) {
    reject('ERR_TLS_EARLY_DATA', 'illegal_parameter', '0-RTT data was accepted without the PSK that it was sent under');
  }
  if (session.suite !== suite.id) {
    reject('ERR_TLS_EARLY_DATA_CIPHER', 'illegal_parameter', '0-RTT data was accepted under another cipher suite');
  }
  if (!equalOrAbsent(session.alpn, alpn)) {
    reject('ERR_TLS_EARLY_DATA_ALPN', 'illegal_parameter', '0-RTT data was accepted for another ALPN protocol');
  }
}

/**
 * The server's certificate type: one that the client offered, or X.509 where the extension is absent (RFC 7250 §4.2).
 */
export function checkServerCertificateType(config: ClientSettings, values: ExtensionValues['EE']): CertificateType {
  const [type] = typesOf(values.server_certificate_type === undefined ? undefined : [values.server_certificate_type]);
  if (type === undefined || !config.peerCertificateTypes.includes(type)) {
    reject(
      'ERR_TLS_WRONG_CERTIFICATE_TYPE',
      'unsupported_certificate',
      'the server has no certificate of a type we take',
    );
  }
  return type;
}

/** The type of the client's own certificate, should the server ask for one (RFC 7250 §4.2). */
export function checkClientCertificateType(config: ClientSettings, values: ExtensionValues['EE']): CertificateType {
  const chosen = values.client_certificate_type;
  if (chosen === undefined) return 'X509';
  const [type] = typesOf([chosen]);
  if (type === undefined || !config.certificateTypes.includes(type)) {
    reject(
      'ERR_TLS_WRONG_CERTIFICATE_TYPE',
      'illegal_parameter',
      'the server wants a certificate of a type we did not offer',
    );
  }
  return type;
}

/** @param inHandshake whether the request belongs to the handshake: its context is empty then (RFC 9846 §4.4.2) */
export function readCertificateRequest(
  message: MessageOf<(typeof H)['certificate_request']>,
  inHandshake: boolean,
): ExtensionValues['CR'] {
  const { certificateRequestContext, extensions } = message.body;
  if (inHandshake && certificateRequestContext.length !== 0) {
    reject('ERR_TLS_DECODE', 'illegal_parameter', 'certificate_request_context is not empty in the handshake');
  }
  const values = readExtensions('CR', extensions);
  if (values.signature_algorithms === undefined) {
    const problem = 'the CertificateRequest has no signature_algorithms';
    reject('ERR_TLS_CERTIFICATE_REQUEST_DECODE', 'missing_extension', problem);
  }
  checkCompressions(values.compress_certificate);
  return values;
}

export function groupName(group: number): string {
  return nameOf(NamedGroup, group);
}

/** RFC 9846 §4.2.3: the last 8 bytes of ServerHello.random for TLS 1.2 and for older. */
const downgradeSentinels: readonly Uint8Array[] = [
  new Uint8Array([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01]),
  new Uint8Array([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x00]),
];
