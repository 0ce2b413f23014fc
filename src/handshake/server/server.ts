import { equal } from '../../bytes/equal.ts';
import type { Custody } from '../../crypto/custody.ts';
import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../../keys/schedule.ts';
import { messageHash, Transcript } from '../../keys/transcript.ts';
import type { Limits } from '../../limits.ts';
import type { CertificateType } from '../../session/session.ts';
import { HandshakeType as H, ProtocolVersion } from '../../wire/enums.ts';
import { encodeMessage } from '../../wire/messages.ts';
import { type PeerAuthentication, sendAuthentication } from '../proof/auth.ts';
import {
  type Authentication,
  chooseAuthentication,
  chooseInForce,
  refuseCredentials,
  typesOf,
} from '../proof/credentials.ts';
import {
  applicationSecrets,
  checkFinished,
  type Established,
  factNames,
  handshakeSecrets,
  keptFacts,
  peerFacts,
} from '../shared/finish.ts';
import { agreeRecordLimits } from '../shared/record-limits.ts';
import { issueTickets } from '../shared/tickets.ts';
import type { ServerConfig } from '../terms/config.ts';
import type { Credential } from '../terms/credential.ts';
import { groupById } from '../terms/enabled.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import { emit, type Wire } from '../terms/wire.ts';
import { acceptableToClient, certificateRequest, encodeCertificateRequest, receiveClient } from './auth.ts';
import { checkCanSign, type Hello, receiveHello } from './client-hello.ts';
import { type Answered, encodeEncryptedExtensions, encodeHello, encodeRetry } from './messages.ts';
import {
  type Admission,
  admitsEarlyData,
  bindPsk,
  type FoundPsk,
  findExternal,
  findPsk,
  refusePsks,
  type SelectedPsk,
  sharesMode,
} from './psk.ts';
import { openRetry, type RetriedHello, sealRetry } from './retry.ts';
import { checkRetriedHello, chooseGroup, type GroupChoice, retriedShare, sharedSuites } from './select.ts';

/** What the ClientHello led to, before any key exists. */
interface Negotiated {
  readonly hello: Hello;
  readonly suite: CipherSuite;
  /** Absent where a PSK is used alone. */
  readonly exchange: { readonly group: Group; readonly peer: Uint8Array } | undefined;
  readonly psk: SelectedPsk | undefined;
  readonly transcript: Transcript;
  readonly retried: boolean;
  /** With the first ClientHello; the second never brings any (RFC 9846 §4.2.2). */
  readonly earlyOffered: boolean;
}

/** What is agreed on once the protocol's own choices stand. */
interface Terms extends Answered {
  /** Absent where a PSK authenticates. */
  readonly authentication: Authentication | undefined;
}

/** The server's handshake, RFC 9846 §4 and Appendix A.2, top to bottom. */
export function* serverHandshake(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  custody: Custody,
): Script<Established> {
  const { negotiated, early, credentials } = yield* negotiate(wire, config, limits, custody);
  const { hello, suite, exchange, psk, transcript } = negotiated;
  const terms = yield* agreeTerms(config, credentials, negotiated);
  if (terms.earlyAccepted) takeEarlyData(wire, hello, suite, early, transcript, psk?.state?.maxEarlyDataSize ?? 0);

  const answer = exchange && (yield* ask('encapsulate', exchange));
  if (answer !== undefined) custody.hold(answer.shared);
  const serverHello = encodeHello(config.provider.random(32), hello, suite, {
    ...(psk !== undefined && { pre_shared_key: psk.index }),
    ...(exchange && answer && { key_share: { group: exchange.group.id, keyExchange: answer.publicKey } }),
    supported_versions: ProtocolVersion.TLS13,
  });
  emit(wire, transcript, serverHello);
  if (!negotiated.retried) disguise(wire, config, hello);
  const keys = custody.hold(early.intoHandshake(answer?.shared));
  return yield* encryptedHandshake(wire, config, limits, negotiated, terms, keys, custody);
}

/**
 * From the first ClientHello to the last. What is left of them when it is done is what {@link Negotiated} has: a
 * stranger who then says nothing is waited for with no more than that.
 */
function* negotiate(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  custody: Custody,
): Script<{
  readonly negotiated: Negotiated;
  readonly early: EarlySecret;
  readonly credentials: readonly Credential[];
}> {
  if (config.retryCookies !== undefined) wire.expectRetriedHello(config.earlyData?.maxSize ?? 0);
  const { hello, raw } = yield* receiveHello(config, limits);
  const retried = openRetry(config, hello);
  const credentials = yield* chooseCredentials(config, hello);
  const plan = yield* choose(config, hello, credentials, retried);
  const early = custody.hold(plan.psk?.early ?? EarlySecret.from(plan.suite.hash));
  const negotiated =
    retried === undefined
      ? yield* exchangeHellos(wire, config, limits, hello, raw, plan)
      : continueRetry(config, hello, raw, plan, retried);
  return { negotiated, early, credentials };
}

/** RFC 9846 Appendix E.4 */
function disguise(wire: Wire, config: ServerConfig, { body }: Hello): void {
  if (body.legacySessionId.length > 0 || config.alwaysChangeCipherSpec === true) wire.changeCipherSpec();
}

function* chooseCredentials(config: ServerConfig, hello: Hello): Script<readonly Credential[]> {
  const { chooseCredentials: choose, credentials = [] } = config;
  const chosen = choose && (yield* ask('chooseCredentials', { hello: hello.view, choose }));
  return chosen ?? credentials;
}

/** What is taken of the first ClientHello. */
interface Plan {
  readonly suite: CipherSuite;
  /** Absent where the PSK is used alone. */
  readonly choice: GroupChoice | undefined;
  readonly psk: FoundPsk | undefined;
}

function admissionOf(config: ServerConfig, hello: Hello, credentials: readonly Credential[]): Admission {
  const byCertificate =
    config.preferCertificate === true && chooseAuthentication(credentials, acceptableToClient(hello));
  const pskAlone = config.findPsk !== undefined && credentials.length === 0;
  return { byPsk: !byCertificate, otherwise: !pskAlone };
}

/** Suite, PSK and group. */
function* choose(
  config: ServerConfig,
  hello: Hello,
  credentials: readonly Credential[],
  retried: RetriedHello | undefined,
): Script<Plan> {
  const suites = sharedSuites(config, hello).filter(({ id }) => retried === undefined || retried.suite === id);
  const choice = retried === undefined ? chooseGroup(config, hello) : retriedChoice(config, hello, retried.group);
  const withExchange = choice !== undefined && sharesMode(config, hello, 'psk_dhe_ke');
  const usable = withExchange || sharesMode(config, hello, 'psk_ke');
  const admission = admissionOf(config, hello, credentials);
  const external = usable && admission.byPsk ? yield* findExternal(config, hello, suites) : undefined;
  const suite = suites.find(({ hash }) => external === undefined || hash.name === external.psk.hash) ?? suites[0];
  if (suite === undefined) return reject('ERR_TLS_NO_SHARED_CIPHER', 'handshake_failure', 'no cipher suite in common');
  const psk = usable ? yield* findPsk(config, hello, suite, external, admission) : undefined;
  if (psk === undefined && !admission.otherwise) refusePsks(config, hello, usable);
  if (psk !== undefined && !withExchange) return { suite, choice: undefined, psk };
  if (choice === undefined) reject('ERR_TLS_NO_SHARED_GROUP', 'handshake_failure', 'no key exchange group in common');
  return { suite, choice, psk };
}

/** Where the group needs it, there is a second ClientHello (RFC 9846 §4.2.4). */
function* exchangeHellos(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  hello: Hello,
  message: Uint8Array,
  { suite, choice, psk: found }: Plan,
): Script<Negotiated> {
  const earlyOffered = hello.extensions.early_data === true;
  let transcript = Transcript.from(suite.hash);
  if (choice === undefined) {
    const psk = found && bindPsk(config, found, hello, transcript, message);
    transcript.add(message);
    return { hello, suite, exchange: undefined, psk, transcript, retried: false, earlyOffered };
  }
  const { group } = choice;
  let { share } = choice;
  let last = { hello, message };
  if (share === undefined) {
    // At once, as a client without a PSK that is known would hear of it.
    if (found !== undefined) bindPsk(config, found, hello, transcript, message);
    transcript.add(message);
    wire.checkAligned();
    const state = { suite: suite.id, group: group.id, earlyOffered: Number(earlyOffered), hash: transcript.hash() };
    const cookie = sealRetry(config, state);
    transcript = transcript.intoRetry();
    emit(wire, transcript, encodeRetry(hello, suite, group, cookie));
    disguise(wire, config, hello);
    if (cookie !== undefined) wire.retrySent();
    if (earlyOffered) wire.skipEarlyData(config.earlyData?.maxSize ?? 0);
    const second = yield* receiveHello(config, limits);
    last = { hello: second.hello, message: second.raw };
    share = checkRetriedHello(hello, last.hello, group, cookie);
  }
  const psk = found && bindPsk(config, found, last.hello, transcript, last.message);
  transcript.add(last.message);
  const exchange = { group, peer: share.keyExchange };
  return { hello: last.hello, suite, exchange, psk, transcript, retried: last.message !== message, earlyOffered };
}

/** The second ClientHello of a client that another connection has asked again: its cookie stands for the first. */
function continueRetry(
  config: ServerConfig,
  hello: Hello,
  message: Uint8Array,
  { suite, choice, psk: found }: Plan,
  { hash, earlyOffered }: RetriedHello,
): Negotiated {
  if (choice?.share === undefined) {
    reject('ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter', 'the second ClientHello is not the first one retried');
  }
  const { group, share } = choice;
  const transcript = Transcript.from(suite.hash);
  transcript.add(messageHash(hash));
  transcript.add(encodeRetry(hello, suite, group, hello.extensions.cookie));
  const psk = found && bindPsk(config, found, hello, transcript, message);
  transcript.add(message);
  const exchange = { group, peer: share.keyExchange };
  return { hello, suite, exchange, psk, transcript, retried: true, earlyOffered: earlyOffered === 1 };
}

function retriedChoice(config: ServerConfig, hello: Hello, id: number): GroupChoice {
  const group = groupById(config.provider, id);
  return { group, share: retriedShare(hello, group) };
}

/** Certificate, ALPN and 0-RTT data: the application may take its time over each. */
function* agreeTerms(config: ServerConfig, credentials: readonly Credential[], negotiated: Negotiated): Script<Terms> {
  const { hello, suite, psk, retried, earlyOffered } = negotiated;
  if (psk === undefined) checkCanSign(hello);
  const acceptable = acceptableToClient(hello);
  const choice = psk === undefined ? yield* chooseInForce(config, credentials, acceptable) : undefined;
  const authentication = choice?.authentication;
  if (choice !== undefined && authentication === undefined)
    refuseCredentials(credentials, acceptable, choice.passedOver);
  const asks = config.clientCertificate === 'optional' || config.clientCertificate === 'required';
  // RFC 9846 §4.4.2: not where a PSK authenticates.
  const clientType = asks && psk === undefined ? chooseClientType(config, hello) : undefined;
  const alpn = yield* chooseAlpn(config, hello);
  // RFC 9846 §4.3.10: never after a HelloRetryRequest.
  const candidate = earlyOffered && !retried ? psk : undefined;
  const earlyAccepted = candidate !== undefined && (yield* admitsEarlyData(config, suite, candidate, alpn));
  const shown =
    authentication?.credential ?? credentials.find((own) => acceptable.certificateTypes.includes(typeOf(own)));
  return { authentication, serverType: shown && typeOf(shown), clientType, alpn, earlyAccepted };
}

/** RFC 7250 §4.2: ours in order of preference, of those that the client can show. */
function chooseClientType(config: ServerConfig, hello: Hello): CertificateType {
  const { peerCertificateTypes = ['X509'] } = config;
  const able = typesOf(hello.extensions.client_certificate_type);
  const type = peerCertificateTypes.find((own) => able.includes(own));
  return (
    type ??
    reject(
      'ERR_TLS_WRONG_CERTIFICATE_TYPE',
      'unsupported_certificate',
      'the client has no certificate of a type we take',
    )
  );
}

/** RFC 7301 §3.2: ours in order of preference; an offer without a match is refused. */
function* chooseAlpn(config: ServerConfig, hello: Hello): Script<Uint8Array | undefined> {
  const { alpn: offered } = hello.view;
  const { chooseProtocol, alpn: own = [] } = config;
  if (offered.length === 0 || (chooseProtocol === undefined && own.length === 0)) return undefined;
  const chosen =
    chooseProtocol === undefined
      ? own.find((protocol) => offered.some((candidate) => equal(candidate, protocol)))
      : yield* ask('chooseProtocol', { hello: hello.view, choose: chooseProtocol });
  if (chosen?.length === 0) reject('ERR_TLS_INVALID_ALPN', 'internal_error', 'the ALPN protocol chosen is empty');
  if (chosen === undefined) {
    reject('ERR_TLS_NO_APPLICATION_PROTOCOL', 'no_application_protocol', 'no ALPN protocol in common');
  }
  return chosen;
}

/** From here to EndOfEarlyData the client writes under keys of the PSK alone (RFC 9846 §4.3.10, §7.1). */
function takeEarlyData(
  wire: Wire,
  hello: Hello,
  suite: CipherSuite,
  early: EarlySecret,
  transcript: Transcript,
  size: number,
): void {
  const { random } = hello.body;
  const upToClientHello = transcript.hash();
  const secret = early.clientEarlyTraffic(upToClientHello);
  wire.log('CLIENT_EARLY_TRAFFIC_SECRET', random, secret);
  wire.protect('read', suite, secret);
  const exporter = early.earlyExporter(upToClientHello);
  wire.log('EARLY_EXPORTER_SECRET', random, exporter.secret);
  wire.takeEarlyData(size, exporter);
}

/** EncryptedExtensions to the client's Finished (RFC 9846 §2). */
function* encryptedHandshake(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  negotiated: Negotiated,
  terms: Terms,
  keys: HandshakeSecret,
  custody: Custody,
): Script<Established> {
  const { hello, suite, psk, transcript, retried, earlyOffered } = negotiated;
  const { authentication, clientType, earlyAccepted } = terms;
  const { random } = hello.body;
  const secrets = handshakeSecrets(wire, custody, keys, random, transcript.hash());
  wire.protect('write', suite, custody.give(secrets.server));
  if (!earlyAccepted) wire.protect('read', suite, custody.give(secrets.client));
  if (earlyOffered && !earlyAccepted && !retried) wire.skipEarlyData(config.earlyData?.maxSize ?? 0);

  const recordLimits = agreeRecordLimits(wire, config, hello.recordLimits);
  emit(wire, transcript, encodeEncryptedExtensions(config, hello, psk?.state !== undefined, terms, recordLimits));
  const request = clientType && certificateRequest(config);
  if (request !== undefined) emit(wire, transcript, encodeCertificateRequest(config, none, request));
  if (authentication !== undefined) {
    const { extensions } = hello;
    const wishes = { context: none, extensions, wantsOcsp: hello.view.wantsOcsp };
    yield* sendAuthentication(wire, config, transcript, 'server', authentication, wishes);
  }
  const localFinished = verifyData(suite.hash, secrets.server, transcript.hash());
  emit(wire, transcript, encodeMessage(H.finished, { verifyData: localFinished }));

  const main = custody.hold(keys.intoMain());
  const { client, server, exporter } = applicationSecrets(wire, custody, main, random, transcript.hash());
  wire.protect('write', suite, custody.give(server));
  if (earlyAccepted) {
    wire.allowHalfRoundTrip();
    const end = yield* expect(H.end_of_early_data);
    transcript.add(end.raw);
    wire.protect('read', suite, custody.give(secrets.client));
  }

  const peer = request && clientType && (yield* receiveClient(config, limits, transcript, none, request, clientType));
  const finished = yield* expect(H.finished);
  checkFinished(config, 'client', verifyData(suite.hash, secrets.client, transcript.hash()), finished.body);
  transcript.add(finished.raw);
  wire.protect('read', suite, custody.give(client));
  const facts = keptFacts({
    ...serverFacts(config, negotiated, terms, peer),
    localFinished,
    peerFinished: finished.body.verifyData,
  });
  const resumption = custody.hold(main.intoResumption(transcript.hash()));
  // RFC 9846 §4.3.9: none that the client could not use.
  const usable = sharesMode(config, hello, 'psk_dhe_ke') || sharesMode(config, hello, 'psk_ke');
  return {
    facts,
    exporter: custody.give(exporter),
    resumption: custody.give(resumption),
    origin: psk?.origin,
    transcript,
    clientCertificateType: clientType ?? 'X509',
    afterwards: usable ? issueTickets(wire, config, { facts, resumption, origin: psk?.origin }) : undefined,
  };
}

/** What was agreed on, and what the client has shown, or what its PSK stands for. */
function serverFacts(
  config: ServerConfig,
  { hello, suite, exchange, psk, retried, earlyOffered }: Negotiated,
  { authentication, alpn, earlyAccepted }: Terms,
  peer: PeerAuthentication | undefined,
) {
  const { state } = psk ?? {};
  return {
    role: 'server',
    ...factNames(config.provider, suite, exchange?.group.id),
    alpn,
    serverName: hello.view.serverName,
    peerSignatureScheme: peer?.scheme,
    localSignatureScheme: authentication?.scheme,
    peerSignatureSchemes: hello.view.signatureSchemes,
    peer: peer?.peer ?? psk?.peer,
    ...peerFacts(peer, state),
    localChain: authentication?.credential.chain,
    helloRetryRequest: retried,
    postHandshakeAuth: hello.extensions.post_handshake_auth === true,
    resumed: state !== undefined,
    ticketAgeSkew: state === undefined ? undefined : psk?.ageSkew,
    externalPsk: psk?.origin?.identity,
    earlyData: earlyAccepted ? 'accepted' : earlyOffered ? 'rejected' : 'none',
    authenticatedAt: state?.authenticatedAt ?? (config.now ?? Date.now)(),
  } as const;
}

function typeOf({ type = 'X509' }: Credential): CertificateType {
  return type;
}

const none = new Uint8Array(0);
