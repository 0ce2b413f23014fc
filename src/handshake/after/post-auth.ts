import { HandshakeType as H } from '../../wire/enums.ts';
import { encodeMessage, type MessageOf } from '../../wire/messages.ts';
import { authenticate } from '../client/auth.ts';
import { readCertificateRequest } from '../client/checks.ts';
import { certificateRequest, encodeCertificateRequest, receiveClient } from '../server/auth.ts';
import type { Established } from '../shared/established.ts';
import { checkFinished, peerFacts } from '../shared/finish.ts';
import type { ClientEndpoint, ServerEndpoint } from '../terms/endpoint.ts';
import type { Facts } from '../terms/facts.ts';
import { emit, type RecordLayer } from '../terms/record-layer.ts';
import { expect, type Script } from '../terms/script.ts';

/** Answers a CertificateRequest that a server sends after the handshake, RFC 9846 §4.7.2. */
export function* answerCertificateRequest(
  endpoint: ClientEndpoint,
  established: Established,
  message: MessageOf<typeof H.certificate_request>,
): Script<void> {
  const request = readCertificateRequest(message, false);
  const context = message.body.certificateRequestContext;
  const transcript = established.transcript.fork();
  transcript.add(message.raw);
  // RFC 9846 §4.7.2: the messages are consecutive. They are gathered, as the signature may take its time.
  const flight: Uint8Array[] = [];
  const { records } = endpoint;
  const later: RecordLayer = { ...records, send: (part) => void flight.push(part) };
  yield* authenticate({ ...endpoint, records: later }, transcript, request, context, established.clientCertificateType);
  emit(later, transcript, encodeMessage(H.finished, { verifyData: records.verifyData('write', transcript.hash()) }));
  for (const part of flight) records.send(part);
}

/**
 * Asks the client for a certificate after the handshake, RFC 9846 §4.7.2.
 * @param done receives the facts as they stand then, also where the client has no certificate and need not have one
 */
export function* requestCertificate(
  endpoint: ServerEndpoint,
  established: Established,
  done: (facts: Facts) => void,
): Script<void> {
  const { records, config } = endpoint;
  const request = certificateRequest(config);
  // RFC 9846 §4.4.2: unpredictable, so that a client cannot sign an answer in advance.
  const context = config.provider.random(16);
  const transcript = established.transcript.fork();
  emit(records, transcript, encodeCertificateRequest(config, context, request));
  const client = yield* receiveClient(endpoint, transcript, context, request, established.clientCertificateType);
  const finished = yield* expect(H.finished);
  checkFinished(endpoint, 'client', records.verifyData('read', transcript.hash()), finished.body);
  const { facts } = established;
  done({ ...facts, ...peerFacts(client, undefined), peer: client?.peer, peerSignatureScheme: client?.scheme });
}
