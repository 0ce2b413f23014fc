import type { CipherSuite, Group } from '../../crypto/provider.ts';
import type { CertificateType } from '../../session/session.ts';
import { CertificateTypeId, HandshakeType as H, ProtocolVersion } from '../../wire/enums.ts';
import { type ExtensionValues, writeExtensions } from '../../wire/extensions.ts';
import { encodeMessage, helloRetryRequestRandom, type ServerHello } from '../../wire/messages.ts';
import type { ServerConfig } from '../terms/config.ts';
import type { Hello } from './client-hello.ts';

/** What EncryptedExtensions tells of the server's choices. */
export interface Answered {
  /** What the client may know us by, by certificate or by PSK: of the one that is presented, or would be. */
  readonly serverType: CertificateType | undefined;
  /** Of the certificate that the client is asked for; absent: it is not. */
  readonly clientType: CertificateType | undefined;
  readonly alpn: Uint8Array | undefined;
  readonly earlyAccepted: boolean;
}

/** RFC 9846 §4.2.3, §4.2.4: both have the form of a ServerHello. */
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

export function encodeRetry(
  hello: Hello,
  suite: CipherSuite,
  group: Group,
  cookie: Uint8Array | undefined,
): Uint8Array {
  return encodeHello(helloRetryRequestRandom, hello, suite, {
    key_share: group.id,
    ...(cookie !== undefined && { cookie }),
    supported_versions: ProtocolVersion.TLS13,
  });
}

export function encodeEncryptedExtensions(
  config: ServerConfig,
  hello: Hello,
  resumed: boolean,
  { serverType, clientType, alpn, earlyAccepted }: Answered,
  recordLimits: ExtensionValues['EE'],
): Uint8Array {
  const { server_certificate_type, client_certificate_type } = hello.extensions;
  const extra = (config.encryptedExtensions ?? []).filter((extension) => hello.answerable.has(extension.type));
  const own = writeExtensions('EE', {
    ...(alpn !== undefined && { application_layer_protocol_negotiation: [alpn] }),
    // RFC 6066 §3: an empty answer says that the name was used; none where a session is resumed.
    ...(hello.view.serverName !== undefined &&
      !resumed &&
      config.acknowledgeServerName !== false && { server_name: true as const }),
    ...(server_certificate_type && serverType && { server_certificate_type: CertificateTypeId[serverType] }),
    ...(client_certificate_type && clientType && { client_certificate_type: CertificateTypeId[clientType] }),
    ...recordLimits,
    ...(earlyAccepted && { early_data: true as const }),
  });
  const unsaid = own.filter(({ type }) => !extra.some((given) => given.type === type));
  return encodeMessage(H.encrypted_extensions, { extensions: [...extra, ...unsaid] });
}
