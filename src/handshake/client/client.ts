import type { CipherSuite } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { reject } from '../../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../../keys/schedule.ts';
import { Transcript } from '../../keys/transcript.ts';
import type { PskOrigin } from '../../session/session.ts';
import { HandshakeType as H } from '../../wire/enums.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import { encodeMessage } from '../../wire/messages.ts';
import { certificateMessageTypes, type PeerAuthentication, receiveAuthentication } from '../proof/auth.ts';
import type { Authentication } from '../proof/credentials.ts';
import type { Established } from '../shared/established.ts';
import {
  applicationSecrets,
  checkFinished,
  factNames,
  handshakeSecrets,
  keptFacts,
  peerFacts,
} from '../shared/finish.ts';
import { originOf } from '../shared/psk.ts';
import { takeRecordLimits } from '../shared/record-limits.ts';
import type { ClientEndpoint } from '../terms/endpoint.ts';
import type { Facts } from '../terms/facts.ts';
import { emit } from '../terms/record-layer.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import type { ClientSettings } from '../terms/settings.ts';
import { authenticate } from './auth.ts';
import {
  type Accepted,
  acceptServerHello,
  checkClientCertificateType,
  checkEarlyAccepted,
  checkEncryptedExtensions,
  checkServerCertificateType,
  checkSharedFields,
  isRetry,
  readCertificateRequest,
} from './checks.ts';
import { firstOffer, type Offer } from './offer.ts';
import { confirmServer } from './psk.ts';
import { answerRetry } from './retry.ts';

/** The client's handshake, RFC 9846 §4 and Appendix A.1, top to bottom. */
export function* clientHandshake(endpoint: ClientEndpoint): Script<Established> {
  const { records, config, custody } = endpoint;
  const first = yield* firstOffer(endpoint);
  records.send(first.message);
  if (first.early !== undefined) beginEarlyData(endpoint, first, first.early);
  const answer = yield* expect(H.server_hello);
  const suite = checkSharedFields(config, first, answer.body);
  const start = startTranscript(first, suite);
  const retried = isRetry(answer.body);
  const { offer, hello, transcript } = retried
    ? yield* answerRetry(endpoint, first, answer, suite, start)
    : { offer: first, hello: answer, transcript: start };
  const accepted = acceptServerHello(config, offer, hello.body, suite);
  transcript.add(hello.raw);

  const shared = accepted.exchange && (yield* ask('agree', accepted.exchange));
  const origin = accepted.psk && originOf(accepted.psk, accepted.psk.session);
  const early = accepted.psk?.early ?? EarlySecret.from(accepted.suite.hash);
  const keys = custody.hold(early.intoHandshake(shared));
  const earlyOffered = first.early !== undefined;
  return yield* encryptedHandshake(endpoint, { offer, accepted, origin, transcript, keys, retried, earlyOffered });
}

/** What the hello messages led to. */
interface Negotiated {
  readonly offer: Offer;
  readonly accepted: Accepted;
  /** The external PSK in use, or the one that the resumed session goes back to. */
  readonly origin: PskOrigin | undefined;
  readonly transcript: Transcript;
  readonly keys: HandshakeSecret;
  readonly retried: boolean;
  /** Whether the first ClientHello offered 0-RTT data. */
  readonly earlyOffered: boolean;
}

/** EncryptedExtensions to both Finished: every message after ServerHello is protected (RFC 9846 §2). */
function* encryptedHandshake(endpoint: ClientEndpoint, negotiated: Negotiated): Script<Established> {
  const { records, config, custody } = endpoint;
  const { offer, accepted, transcript, keys } = negotiated;
  const { suite, psk } = accepted;
  const { random, legacySessionId } = offer.hello;
  const secrets = handshakeSecrets(endpoint, keys, random, transcript.hash());
  records.protect('read', suite, custody.give(secrets.server));
  if (legacySessionId.length > 0) records.changeCipherSpec();
  // 0-RTT data may be written under its own key until EncryptedExtensions refuses it, or EndOfEarlyData ends it.
  if (offer.early === undefined) records.protect('write', suite, custody.give(secrets.client));

  const parameters = yield* receiveServerParameters(endpoint, negotiated, secrets.client);
  const { values, earlyAccepted } = parameters;
  // RFC 9846 §4.4.2: a PSK authenticates the server, without a certificate.
  const server = psk === undefined ? yield* receiveServer(endpoint, offer, transcript, values) : undefined;
  const finished = yield* expect(H.finished);
  checkFinished(endpoint, 'server', verifyData(suite.hash, secrets.server, transcript.hash()), finished.body);
  transcript.add(finished.raw);
  const main = custody.hold(keys.intoMain());
  const application = applicationSecrets(endpoint, main, random, transcript.hash());
  records.protect('read', suite, custody.give(application.server));
  if (earlyAccepted) endEarlyData(endpoint, transcript, suite, custody.give(secrets.client));

  const certificateType = checkClientCertificateType(config, values);
  const authentication =
    server?.request && (yield* authenticate(endpoint, transcript, server.request, noContext, certificateType));
  const localFinished = verifyData(suite.hash, secrets.client, transcript.hash());
  emit(records, transcript, encodeMessage(H.finished, { verifyData: localFinished }));
  records.protect('write', suite, custody.give(application.client));
  const resumption = custody.hold(main.intoResumption(transcript.hash()));
  const finishes = { localFinished, peerFinished: finished.body.verifyData };
  return {
    facts: keptFacts({ ...clientFacts(config, negotiated, parameters, server, authentication), ...finishes }),
    exporter: custody.give(application.exporter),
    resumption: custody.give(resumption),
    origin: negotiated.origin,
    transcript,
    clientCertificateType: certificateType,
    afterwards: undefined,
  };
}

/** What EncryptedExtensions say, RFC 9846 §4.4.1. */
interface ServerParameters {
  readonly values: ExtensionValues['EE'];
  readonly alpn: Uint8Array | undefined;
  readonly earlyAccepted: boolean;
}

/**
 * Receives EncryptedExtensions, and acts on what they say of 0-RTT data and of record sizes.
 * @param secret the key to write with where 0-RTT data is refused
 */
function* receiveServerParameters(
  endpoint: ClientEndpoint,
  { offer, accepted, transcript }: Negotiated,
  secret: Secret<'c hs traffic'>,
): Script<ServerParameters> {
  const { records, config, custody } = endpoint;
  const encrypted = yield* expect(H.encrypted_extensions);
  const { values, alpn } = checkEncryptedExtensions(config, offer, encrypted.body.extensions);
  transcript.add(encrypted.raw);
  const earlyAccepted = values.early_data === true;
  if (earlyAccepted) checkEarlyAccepted(offer, accepted, alpn);
  if (offer.early !== undefined) records.earlyDecided(earlyAccepted);
  const refused = offer.early !== undefined && !earlyAccepted;
  if (refused) records.protect('write', accepted.suite, custody.give(secret));
  takeRecordLimits(endpoint, values);
  // The verdict before the ClientHello was for 0-RTT data. The server has refused that data: later data needs a verdict.
  if (refused) yield* confirmServer(endpoint, accepted.psk?.session);
  return { values, alpn, earlyAccepted };
}

/** The facts of the handshake, but for the Finished messages. */
function clientFacts(
  config: ClientSettings,
  { accepted, origin, retried, earlyOffered }: Negotiated,
  { alpn, earlyAccepted }: ServerParameters,
  server: ServerAuthentication | undefined,
  authentication: Authentication | undefined,
): Omit<Facts, 'localFinished' | 'peerFinished'> {
  const { suite, psk, exchange } = accepted;
  const { session } = psk ?? {};
  return {
    role: 'client',
    ...factNames(config.provider, suite, exchange?.share.group),
    alpn,
    serverName: config.serverName,
    peerSignatureScheme: server?.scheme,
    localSignatureScheme: authentication?.scheme,
    peerSignatureSchemes: server?.request?.signature_algorithms ?? [],
    peer: server?.peer ?? psk?.peer,
    ...peerFacts(server, session),
    localChain: authentication?.credential.chain,
    helloRetryRequest: retried,
    postHandshakeAuth: false,
    resumed: session !== undefined,
    ticketAgeSkew: undefined,
    externalPsk: origin?.identity,
    earlyData: !earlyOffered ? 'none' : earlyAccepted ? 'accepted' : 'rejected',
    authenticatedAt: session?.authenticatedAt ?? config.now(),
  };
}

/** Lets 0-RTT data be written, protected with a key of the PSK alone (RFC 9846 §4.3.10, §7.1). */
function beginEarlyData({ records }: ClientEndpoint, offer: Offer, suite: CipherSuite): void {
  const [psk] = offer.psks;
  if (psk?.session === undefined) return;
  const { random, legacySessionId } = offer.hello;
  const upToClientHello = startTranscript(offer, suite).hash();
  const secret = psk.early.clientEarlyTraffic(upToClientHello);
  const exporter = psk.early.earlyExporter(upToClientHello);
  records.log('CLIENT_EARLY_TRAFFIC_SECRET', random, secret);
  records.log('EARLY_EXPORTER_SECRET', random, exporter.secret);
  if (legacySessionId.length > 0) records.changeCipherSpec();
  records.protect('write', suite, secret);
  records.allowEarlyWrite(psk.session.maxEarlyDataSize, exporter);
}

/** EndOfEarlyData is the last message under the early key (RFC 9846 §4.6). */
function endEarlyData(
  { records }: ClientEndpoint,
  transcript: Transcript,
  suite: CipherSuite,
  secret: Secret<'c hs traffic'>,
): void {
  records.endEarlyWrite();
  emit(records, transcript, encodeMessage(H.end_of_early_data, {}));
  records.protect('write', suite, secret);
}

interface ServerAuthentication extends PeerAuthentication {
  readonly request: ExtensionValues['CR'] | undefined;
}

/** Receives the server's CertificateRequest, if any, its Certificate and its CertificateVerify. */
function* receiveServer(
  endpoint: ClientEndpoint,
  offer: Offer,
  transcript: Transcript,
  parameters: ExtensionValues['EE'],
): Script<ServerAuthentication> {
  const { config } = endpoint;
  const certificateType = checkServerCertificateType(config, parameters);
  let next = yield* expect(H.certificate_request, ...certificateMessageTypes(endpoint));
  let request: ExtensionValues['CR'] | undefined;
  if (next.type === H.certificate_request) {
    request = readCertificateRequest(next, true);
    transcript.add(next.raw);
    next = yield* expect(...certificateMessageTypes(endpoint));
  }
  const expected = {
    peer: 'server',
    serverName: config.serverName,
    context: noContext,
    offered: offer.types,
    acceptable: offer.extensions.signature_algorithms ?? [],
    certificateType,
  } as const;
  const server = yield* receiveAuthentication(endpoint, transcript, expected, next);
  if (server === undefined) {
    reject('ERR_TLS_EMPTY_CERTIFICATE', 'decode_error', 'the server sent an empty Certificate (RFC 9846 §4.5.1.3)');
  }
  return { ...server, request };
}

function startTranscript(offer: Offer, suite: CipherSuite): Transcript {
  const transcript = Transcript.from(suite.hash);
  transcript.add(offer.message);
  return transcript;
}

/** certificate_request_context in the handshake (RFC 9846 §4.4.2). */
const noContext = new Uint8Array(0);
