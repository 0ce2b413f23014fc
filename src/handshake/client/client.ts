import type { Custody } from '../../crypto/custody.ts';
import type { CipherSuite } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { reject } from '../../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../../keys/schedule.ts';
import { Transcript } from '../../keys/transcript.ts';
import type { Limits } from '../../limits.ts';
import type { CertificateType, PskOrigin } from '../../session/session.ts';
import { HandshakeType as H } from '../../wire/enums.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import { encodeMessage } from '../../wire/messages.ts';
import { certificateTypes, type PeerAuthentication, receiveAuthentication } from '../proof/auth.ts';
import {
  applicationSecrets,
  checkFinished,
  type Established,
  factNames,
  handshakeSecrets,
  keptFacts,
  peerFacts,
} from '../shared/finish.ts';
import { originOf } from '../shared/psk.ts';
import { takeRecordLimits } from '../shared/record-limits.ts';
import type { ClientConfig } from '../terms/config.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import { emit, type Wire } from '../terms/wire.ts';
import { authenticate } from './auth.ts';
import {
  type Accepted,
  acceptServerHello,
  checkAgainstRetry,
  checkClientCertificateType,
  checkEarlyAccepted,
  checkEncryptedExtensions,
  checkRetry,
  checkServerCertificateType,
  checkSuite,
  isRetry,
  readCertificateRequest,
} from './checks.ts';
import { firstOffer, type Offer, retriedOffer } from './offer.ts';
import { confirmPeer } from './psk.ts';

/** The client's handshake, RFC 9846 §4 and Appendix A.1, top to bottom. */
export function* clientHandshake(
  wire: Wire,
  config: ClientConfig,
  limits: Limits,
  custody: Custody,
): Script<Established> {
  let offer = yield* firstOffer(config, custody);
  const earlyOffered = offer.early !== undefined;
  wire.send(offer.message);
  if (offer.early !== undefined) beginEarlyData(wire, offer, offer.early);
  let hello = yield* expect(H.server_hello);
  let transcript = startTranscript(offer, checkSuite(config, offer, hello.body));
  const retried = isRetry(hello.body);
  if (retried) {
    const suite = checkSuite(config, offer, hello.body);
    const retry = checkRetry(offer, hello.body);
    wire.checkAligned();
    if (offer.early !== undefined) refuseEarlyData(wire);
    // RFC 9846 §4.1: ClientHello1 becomes message_hash.
    transcript = transcript.intoRetry();
    transcript.add(hello.raw);
    const first = hello.body;
    offer = yield* retriedOffer(config, offer, retry, suite, transcript, custody);
    if (offer.hello.legacySessionId.length > 0) wire.changeCipherSpec();
    emit(wire, transcript, offer.message);
    hello = yield* expect(H.server_hello);
    checkAgainstRetry(first, retry, hello.body);
  }
  const accepted = acceptServerHello(config, offer, hello.body);
  transcript.add(hello.raw);

  const shared = accepted.exchange && (yield* ask('agree', accepted.exchange));
  const origin = accepted.psk && originOf(accepted.psk, accepted.psk.session);
  const early = accepted.psk?.early ?? EarlySecret.from(accepted.suite.hash);
  const keys = custody.hold(early.intoHandshake(shared));
  const keyed = { offer, accepted, origin, transcript, keys, retried, earlyOffered };
  return yield* encryptedHandshake(wire, config, limits, keyed, custody);
}

/** A handshake that has its keys. */
interface Keyed {
  readonly offer: Offer;
  readonly accepted: Accepted;
  readonly origin: PskOrigin | undefined;
  readonly transcript: Transcript;
  readonly keys: HandshakeSecret;
  readonly retried: boolean;
  /** With the first ClientHello. */
  readonly earlyOffered: boolean;
}

/** EncryptedExtensions to both Finished: everything after ServerHello is protected (RFC 9846 §2). */
function* encryptedHandshake(
  wire: Wire,
  config: ClientConfig,
  limits: Limits,
  keyed: Keyed,
  custody: Custody,
): Script<Established> {
  const { offer, accepted, transcript, keys } = keyed;
  const { suite, psk } = accepted;
  const { random } = offer.hello;
  const secrets = handshakeSecrets(wire, custody, keys, random, transcript.hash());
  wire.protect('read', suite, custody.give(secrets.server));
  if (offer.hello.legacySessionId.length > 0) wire.changeCipherSpec();
  // 0-RTT data may go on until the server's Finished; until its fate is known, the key stays.
  if (offer.early === undefined) wire.protect('write', suite, custody.give(secrets.client));

  const encrypted = yield* expect(H.encrypted_extensions);
  const { values, alpn } = checkEncryptedExtensions(config, offer, encrypted.body.extensions);
  transcript.add(encrypted.raw);
  const earlyAccepted = values.early_data === true;
  if (earlyAccepted) checkEarlyAccepted(offer, accepted, alpn);
  if (offer.early !== undefined) wire.earlyDecided(earlyAccepted);
  if (offer.early !== undefined && !earlyAccepted) wire.protect('write', suite, custody.give(secrets.client));

  takeRecordLimits(wire, config, values);
  // The data that was not refused yet was for the peer of then; the data to come is for the peer of now.
  if (offer.early !== undefined && !earlyAccepted) yield* confirmPeer(config, psk?.session);
  const server =
    psk === undefined
      ? yield* receiveServer(config, limits, offer, transcript, checkServerCertificateType(config, values))
      : undefined;
  const finished = yield* expect(H.finished);
  checkFinished(config, 'server', verifyData(suite.hash, secrets.server, transcript.hash()), finished.body);
  transcript.add(finished.raw);
  const main = custody.hold(keys.intoMain());
  const {
    client,
    server: serverTraffic,
    exporter,
  } = applicationSecrets(wire, custody, main, random, transcript.hash());
  wire.protect('read', suite, custody.give(serverTraffic));
  if (earlyAccepted) endEarlyData(wire, transcript, suite, custody.give(secrets.client));

  const request = server?.request;
  const ownType = checkClientCertificateType(config, values);
  const authentication = request && (yield* authenticate(wire, config, transcript, request, noContext, ownType));
  const localFinished = verifyData(suite.hash, secrets.client, transcript.hash());
  emit(wire, transcript, encodeMessage(H.finished, { verifyData: localFinished }));

  wire.protect('write', suite, custody.give(client));
  const resumption = custody.hold(main.intoResumption(transcript.hash()));
  const facts = keptFacts({
    ...clientFacts(config, keyed, server),
    alpn,
    localSignatureScheme: authentication?.scheme,
    localChain: authentication?.credential.chain,
    earlyData: !keyed.earlyOffered ? 'none' : earlyAccepted ? 'accepted' : 'rejected',
    localFinished,
    peerFinished: finished.body.verifyData,
  });
  return {
    facts,
    exporter: custody.give(exporter),
    resumption: custody.give(resumption),
    origin: keyed.origin,
    transcript,
    clientCertificateType: ownType,
    afterwards: undefined,
  };
}

/** What the server has shown, or what its PSK stands for. */
function clientFacts(
  config: ClientConfig,
  { accepted, origin, retried }: Keyed,
  server: ServerAuthentication | undefined,
) {
  const { suite, psk, exchange } = accepted;
  const { session } = psk ?? {};
  return {
    role: 'client',
    ...factNames(config.provider, suite, exchange?.share.group),
    serverName: config.serverName,
    peerSignatureScheme: server?.scheme,
    peerSignatureSchemes: server?.request?.signature_algorithms ?? [],
    peer: server?.peer ?? psk?.peer,
    ...peerFacts(server, session),
    helloRetryRequest: retried,
    postHandshakeAuth: false,
    resumed: session !== undefined,
    ticketAgeSkew: undefined,
    externalPsk: origin?.identity,
    authenticatedAt: session?.authenticatedAt ?? (config.now ?? Date.now)(),
  } as const;
}

/** 0-RTT data is protected with keys of the PSK alone (RFC 9846 §4.3.10, §7.1). */
function beginEarlyData(wire: Wire, offer: Offer, suite: CipherSuite): void {
  const [psk] = offer.psks;
  if (psk?.session === undefined) return;
  const { random, legacySessionId } = offer.hello;
  const upToClientHello = startTranscript(offer, suite).hash();
  const secret = psk.early.clientEarlyTraffic(upToClientHello);
  const exporter = psk.early.earlyExporter(upToClientHello);
  wire.log('CLIENT_EARLY_TRAFFIC_SECRET', random, secret);
  wire.log('EARLY_EXPORTER_SECRET', random, exporter.secret);
  if (legacySessionId.length > 0) wire.changeCipherSpec();
  wire.protect('write', suite, secret);
  wire.allowEarlyWrite(psk.session.maxEarlyDataSize, exporter);
}

/** A HelloRetryRequest refuses 0-RTT data (RFC 9846 §4.3.10). */
function refuseEarlyData(wire: Wire): void {
  wire.earlyDecided(false);
  wire.unprotectWrite();
}

/** EndOfEarlyData is the last message under the early key (RFC 9846 §4.6). */
function endEarlyData(wire: Wire, transcript: Transcript, suite: CipherSuite, secret: Secret<'c hs traffic'>): void {
  wire.endEarlyWrite();
  emit(wire, transcript, encodeMessage(H.end_of_early_data, {}));
  wire.protect('write', suite, secret);
}

interface ServerAuthentication extends PeerAuthentication {
  readonly request: ExtensionValues['CR'] | undefined;
}

/** CertificateRequest, if any, to CertificateVerify. Not with a PSK: that authenticates (RFC 9846 §4.4.2). */
function* receiveServer(
  config: ClientConfig,
  limits: Limits,
  offer: Offer,
  transcript: Transcript,
  certificateType: CertificateType,
): Script<ServerAuthentication> {
  let next = yield* expect(H.certificate_request, ...certificateTypes(config));
  let request: ExtensionValues['CR'] | undefined;
  if (next.type === H.certificate_request) {
    request = readCertificateRequest(next, true);
    transcript.add(next.raw);
    next = yield* expect(...certificateTypes(config));
  }
  const expected = {
    peer: 'server',
    serverName: config.serverName,
    context: new Uint8Array(0),
    offered: offer.types,
    acceptable: offer.extensions.signature_algorithms ?? [],
    certificateType,
  } as const;
  const server = yield* receiveAuthentication(config, limits, transcript, expected, next);
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

const noContext = new Uint8Array(0);
