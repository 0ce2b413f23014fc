import type { CipherSuite } from '../../crypto/provider.ts';
import type { CertificateType } from '../../session/session.ts';
import { CertificateTypeId, HandshakeType as H, ProtocolVersion } from '../../wire/enums.ts';
import { type ExtensionValues, writeExtensions } from '../../wire/extensions.ts';
import { encodeMessage, helloRetryRequestRandom, type ServerHello } from '../../wire/messages.ts';
import type { Authentication } from '../proof/credentials.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import type { ServerSettings } from '../terms/settings.ts';
import type { Hello } from './client-hello.ts';

/** What the server decides beyond the key exchange: the server parameters of RFC 9846 §2, and its credential. */
export interface ServerParameters {
  /** The server's credential; undefined where a PSK authenticates. */
  readonly authentication: Authentication | undefined;
  /** The type of that credential; where a PSK authenticates, of the credential that the server would have presented. */
  readonly serverType: CertificateType | undefined;
  /** The type of the certificate that the client is asked for; undefined where it is not asked. */
  readonly clientType: CertificateType | undefined;
  readonly alpn: Uint8Array | undefined;
  readonly earlyAccepted: boolean;
}

/** A ServerHello, or a HelloRetryRequest, which has the same form (RFC 9846 §4.2.3, §4.2.4). */
export function encodeHello(
  random: Uint8Array,
  { body }: Hello,
  suite: CipherSuite,
  extensions: ExtensionValues['SH'] | ExtensionValues['HRR'],
): Uint8Array {
  const home = random === helloRetryRequestRandom ? 'HRR' : 'SH';
  const hello: ServerHello = {
    legacyVersion: ProtocolVersion.TLS12,
    random,
    legacySessionIdEcho: body.legacySessionId,
    cipherSuite: suite.id,
    legacyCompressionMethod: 0,
    extensions: writeExtensions(home, extensions),
  };
  return encodeMessage(H.server_hello, hello);
}

/** Sends change_cipher_spec after the first ServerHello or HelloRetryRequest (RFC 9846 Appendix E.4). */
export function sendChangeCipherSpec({ records, config }: ServerEndpoint, { body }: Hello): void {
  if (body.legacySessionId.length > 0 || config.alwaysChangeCipherSpec) records.changeCipherSpec();
}

export function encodeEncryptedExtensions(
  config: ServerSettings,
  hello: Hello,
  resumed: boolean,
  { serverType, clientType, alpn, earlyAccepted }: ServerParameters,
  recordLimits: ExtensionValues['EE'],
): Uint8Array {
  const { server_certificate_type, client_certificate_type } = hello.extensions;
  const extra = config.encryptedExtensions.filter((extension) => hello.answerable.has(extension.type));
  const own = writeExtensions('EE', {
    ...(alpn !== undefined && { application_layer_protocol_negotiation: [alpn] }),
    // RFC 6066 §3: an empty server_name says that the server used the name. It is not sent where a session is resumed.
    ...(hello.view.serverName !== undefined &&
      !resumed &&
      config.acknowledgeServerName && { server_name: true as const }),
    ...(server_certificate_type && serverType && { server_certificate_type: CertificateTypeId[serverType] }),
    ...(client_certificate_type && clientType && { client_certificate_type: CertificateTypeId[clientType] }),
    ...recordLimits,
    ...(earlyAccepted && { early_data: true as const }),
  });
  const unsaid = own.filter(({ type }) => !extra.some((given) => given.type === type));
  return encodeMessage(H.encrypted_extensions, { extensions: [...extra, ...unsaid] });
}
