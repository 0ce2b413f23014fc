import { TlsError } from '../../errors.ts';
import type { Transcript } from '../../keys/transcript.ts';
import type { CertificateType } from '../../session/session.ts';
import { HandshakeType } from '../../wire/enums.ts';
import { type Extension, type ExtensionValues, writeExtensions } from '../../wire/extensions.ts';
import { encodeMessage } from '../../wire/messages.ts';
import { certificateMessageTypes, type PeerAuthentication, receiveAuthentication } from '../proof/auth.ts';
import { type AcceptableCredentials, typesOf } from '../proof/credentials.ts';
import { greaseExtension } from '../shared/grease.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import { expect, type Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';
import type { Hello } from './client-hello.ts';

/** The extensions of the server's CertificateRequest (RFC 9846 §4.4.2). */
export function certificateRequest(config: ServerSettings): ExtensionValues['CR'] {
  const { certificateAuthorities } = config;
  const compressions = config.decompressors.map(({ id }) => id);
  return {
    signature_algorithms: config.signatureSchemes,
    ...(config.certificateSchemes && { signature_algorithms_cert: config.certificateSchemes }),
    ...(certificateAuthorities.length > 0 && { certificate_authorities: certificateAuthorities }),
    ...(config.requestOcsp && { status_request: true as const }),
    ...(config.requestTimestamps && { signed_certificate_timestamp: true as const }),
    ...(compressions.length > 0 && { compress_certificate: compressions }),
  };
}

export function encodeCertificateRequest(
  config: ServerSettings,
  context: Uint8Array,
  request: ExtensionValues['CR'],
): Uint8Array {
  const extensions = writeExtensions('CR', request);
  return encodeMessage(HandshakeType.certificate_request, {
    certificateRequestContext: context,
    extensions: config.grease ? [greaseExtension(config.provider), ...extensions] : extensions,
  });
}

/** The credentials that a ClientHello accepts of the server. */
export function acceptableToClient({ view, extensions }: Hello): AcceptableCredentials {
  return {
    signer: 'server',
    delegationSchemes: extensions.delegated_credential ?? [],
    schemes: view.signatureSchemes,
    certificateSchemes: extensions.signature_algorithms_cert ?? view.signatureSchemes,
    certificateTypes: typesOf(extensions.server_certificate_type),
    authorities: extensions.certificate_authorities ?? [],
  };
}

/**
 * Receives the client's Certificate and CertificateVerify.
 * @returns undefined where the client sent an empty Certificate, and the configuration does not require one
 * @throws TlsError ERR_TLS_CERTIFICATE_REQUIRED where it does
 */
export function* receiveClient(
  endpoint: ServerEndpoint,
  transcript: Transcript,
  context: Uint8Array,
  request: ExtensionValues['CR'],
  certificateType: CertificateType,
): Script<PeerAuthentication | undefined> {
  const expected = {
    peer: 'client',
    serverName: undefined,
    context,
    offered: new Set(writeExtensions('CR', request).map(({ type }: Extension) => type)),
    acceptable: request.signature_algorithms ?? [],
    certificateType,
  } as const;
  const certificate = yield* expect(...certificateMessageTypes(endpoint));
  const client = yield* receiveAuthentication(endpoint, transcript, expected, certificate);
  if (client === undefined && endpoint.config.clientCertificate === 'required') {
    throw new TlsError('ERR_TLS_CERTIFICATE_REQUIRED', 'the client sent no certificate', {
      alert: 'certificate_required',
    });
  }
  return client;
}
