import type { Limits } from '../../limits.ts';
import { HandshakeType as H } from '../../wire/enums.ts';
import { encodeMessage, type MessageOf } from '../../wire/messages.ts';
import { authenticate } from '../client/auth.ts';
import { readCertificateRequest } from '../client/checks.ts';
import { certificateRequest, encodeCertificateRequest, receiveClient } from '../server/auth.ts';
import { checkFinished, type Established, peerFacts } from '../shared/finish.ts';
import type { ClientConfig, ServerConfig } from '../terms/config.ts';
import type { Facts } from '../terms/facts.ts';
import { expect, type Script } from '../terms/script.ts';
import { emit, type Wire } from '../terms/wire.ts';

/** A client answers a CertificateRequest after the handshake, RFC 9846 §4.7.2. */
export function* answerCertificateRequest(
  wire: Wire,
  config: ClientConfig,
  established: Established,
  message: MessageOf<typeof H.certificate_request>,
): Script<void> {
  const request = readCertificateRequest(message, false);
  const context = message.body.certificateRequestContext;
  const transcript = established.transcript.fork();
  transcript.add(message.raw);
  // RFC 9846 §4.7.2: consecutive on the wire, however long the signature takes.
  const flight: Uint8Array[] = [];
  const later: Wire = { ...wire, send: (part) => void flight.push(part) };
  yield* authenticate(later, config, transcript, request, context, established.clientCertificateType);
  emit(later, transcript, encodeMessage(H.finished, { verifyData: wire.verifyData('write', transcript.hash()) }));
  for (const part of flight) wire.send(part);
}

/**
 * A server asks for a client certificate after the handshake, RFC 9846 §4.7.2.
 * @param done what is known of the client now: also that it has no certificate, and need not have one
 */
export function* requestCertificate(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  established: Established,
  done: (facts: Facts) => void,
): Script<void> {
  const request = certificateRequest(config);
  // Unpredictable, so that no answer can be made in advance.
  const context = config.provider.random(16);
  const transcript = established.transcript.fork();
  emit(wire, transcript, encodeCertificateRequest(config, context, request));
  const client = yield* receiveClient(config, limits, transcript, context, request, established.clientCertificateType);
  const finished = yield* expect(H.finished);
  checkFinished(config, 'client', wire.verifyData('read', transcript.hash()), finished.body);
  const { facts } = established;
  done({ ...facts, ...peerFacts(client, undefined), peer: client?.peer, peerSignatureScheme: client?.scheme });
}
