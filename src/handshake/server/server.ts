import { equal } from '../../bytes/equal.ts';
import { ascii } from '../../bytes/utf8.ts';
import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { ownFault, reject } from '../../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../../keys/schedule.ts';
import type { Transcript } from '../../keys/transcript.ts';
import type { CertificateType } from '../../session/session.ts';
import { HandshakeType as H, ProtocolVersion } from '../../wire/enums.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import { encodeMessage } from '../../wire/messages.ts';
import { type PeerAuthentication, sendAuthentication } from '../proof/auth.ts';
import { chooseInForce, refuseCredentials, typesOf } from '../proof/credentials.ts';
import type { Established } from '../shared/established.ts';
import {
  applicationSecrets,
  checkFinished,
  factNames,
  handshakeSecrets,
  keptFacts,
  peerFacts,
} from '../shared/finish.ts';
import { nothingShared } from '../shared/nothing-shared.ts';
import { agreeRecordLimits } from '../shared/record-limits.ts';
import { issueTickets } from '../shared/tickets.ts';
import { type Credential, certificateTypeOf } from '../terms/credential.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import type { Facts } from '../terms/facts.ts';
import { emit } from '../terms/record-layer.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';
import { acceptableToClient, certificateRequest, encodeCertificateRequest, receiveClient } from './auth.ts';
import { checkCanSign, type Hello, receiveHello } from './client-hello.ts';
import { encodeEncryptedExtensions, encodeHello, type ServerParameters, sendChangeCipherSpec } from './messages.ts';
import { planHandshake } from './plan.ts';
import { admitsEarlyData, bindPsk, type SelectedPsk, sharesMode } from './psk.ts';
import { lastHello, openRetry } from './retry.ts';

/** What the hello messages led to, before any key exists. */
interface Negotiated {
  readonly hello: Hello;
  readonly suite: CipherSuite;
  /** Undefined where a PSK is used alone. */
  readonly exchange: { readonly group: Group; readonly peer: Uint8Array } | undefined;
  readonly psk: SelectedPsk | undefined;
  /** Up to the last ClientHello. */
  readonly transcript: Transcript;
  readonly retried: boolean;
  /** Whether the first ClientHello offered 0-RTT data; the second never does (RFC 9846 §4.2.2). */
  readonly earlyOffered: boolean;
}

/** The server's handshake, RFC 9846 §4 and Appendix A.2, top to bottom. */
export function* serverHandshake(endpoint: ServerEndpoint): Script<Established> {
  const { records, config, custody } = endpoint;
  const { negotiated, early, credentials } = yield* negotiate(endpoint);
  const { hello, suite, exchange, psk, transcript } = negotiated;
  const parameters = yield* agreeParameters(endpoint, credentials, negotiated);
  if (parameters.earlyAccepted) takeEarlyData(endpoint, negotiated, early);

  const answer = exchange && (yield* ask('encapsulate', exchange));
  if (answer !== undefined) custody.hold(answer.shared);
  const serverHello = encodeHello(config.provider.random(32), hello, suite, {
    ...(psk !== undefined && { pre_shared_key: psk.index }),
    ...(exchange && answer && { key_share: { group: exchange.group.id, keyExchange: answer.publicKey } }),
    supported_versions: ProtocolVersion.TLS13,
  });
  emit(records, transcript, serverHello);
  if (!negotiated.retried) sendChangeCipherSpec(endpoint, hello);
  const keys = custody.hold(early.intoHandshake(answer?.shared));
  return yield* encryptedHandshake(endpoint, negotiated, parameters, keys);
}

/**
 * From the first ClientHello to the last. Its result is all that is kept of them: the server may then wait for a client
 * that has proved nothing.
 */
function* negotiate(endpoint: ServerEndpoint): Script<{
  readonly negotiated: Negotiated;
  readonly early: EarlySecret;
  readonly credentials: readonly Credential[];
}> {
  const { records, config, custody } = endpoint;
  if (config.retryCookies !== undefined) records.expectRetriedHello(config.maxEarlyDataSize);
  const first = yield* receiveHello(endpoint);
  const cookie = openRetry(config, first.hello);
  const credentials = yield* chooseCredentials(endpoint, first.hello);
  const plan = yield* planHandshake(endpoint, first.hello, credentials, cookie);
  const { suite, choice } = plan;
  const early = custody.hold(plan.psk?.early ?? EarlySecret.from(suite.hash));
  const {
    hello,
    raw,
    share,
    before: transcript,
    retried,
    earlyOffered,
  } = yield* lastHello(endpoint, first, plan, cookie);
  const psk = plan.psk && bindPsk(config, plan.psk, hello, transcript, raw);
  transcript.add(raw);
  const exchange = choice && share && { group: choice.group, peer: share.keyExchange };
  return { negotiated: { hello, suite, exchange, psk, transcript, retried, earlyOffered }, early, credentials };
}

function* chooseCredentials({ config }: ServerEndpoint, hello: Hello): Script<readonly Credential[]> {
  const { chooseCredentials: choose, credentials } = config;
  const chosen = choose && (yield* ask('chooseCredentials', { hello: hello.view, choose }));
  return chosen ?? credentials;
}

/** Decides on certificates, ALPN and 0-RTT data; the application may be asked for each. */
function* agreeParameters(
  endpoint: ServerEndpoint,
  credentials: readonly Credential[],
  negotiated: Negotiated,
): Script<ServerParameters> {
  const { config } = endpoint;
  const { hello, suite, psk, retried, earlyOffered } = negotiated;
  if (psk === undefined) checkCanSign(hello);
  const acceptable = acceptableToClient(hello);
  const choice = psk === undefined ? yield* chooseInForce(endpoint, credentials, acceptable) : undefined;
  const authentication = choice?.authentication;
  if (choice !== undefined && authentication === undefined)
    refuseCredentials(credentials, acceptable, choice.passedOver);
  // RFC 9846 §4.4.2: a server that authenticates with a PSK does not send CertificateRequest.
  const asksClient = config.clientCertificate !== 'none' && psk === undefined;
  const clientType = asksClient ? chooseClientType(config, hello) : undefined;
  const alpn = yield* chooseAlpn(config, hello);
  // RFC 9846 §4.3.10: a HelloRetryRequest refuses 0-RTT data.
  const candidate = earlyOffered && !retried ? psk : undefined;
  const earlyAccepted = candidate !== undefined && (yield* admitsEarlyData(config, suite, candidate, alpn));
  const shown =
    authentication?.credential ??
    credentials.find((own) => acceptable.certificateTypes.includes(certificateTypeOf(own)));
  return { authentication, serverType: shown && certificateTypeOf(shown), clientType, alpn, earlyAccepted };
}

/** The first of the server's preferred types that the client can present (RFC 7250 §4.2). */
function chooseClientType(config: ServerSettings, hello: Hello): CertificateType {
  const able = typesOf(hello.extensions.client_certificate_type);
  const type = config.peerCertificateTypes.find((own) => able.includes(own));
  return (
    type ??
    reject(
      'ERR_TLS_WRONG_CERTIFICATE_TYPE',
      'unsupported_certificate',
      'the client has no certificate of a type we take',
    )
  );
}

/** The first of the server's protocols that the client offers; without one the handshake ends (RFC 7301 §3.2). */
function* chooseAlpn(config: ServerSettings, hello: Hello): Script<Uint8Array | undefined> {
  const { alpn: offered } = hello.view;
  const { chooseProtocol, alpn: own } = config;
  if (offered.length === 0 || (chooseProtocol === undefined && own.length === 0)) return undefined;
  const chosen =
    chooseProtocol === undefined
      ? own.find((protocol) => offered.some((candidate) => equal(candidate, protocol)))
      : yield* ask('chooseProtocol', { hello: hello.view, choose: chooseProtocol });
  if (chosen?.length === 0) ownFault('ERR_TLS_INVALID_ALPN', 'config', 'the ALPN protocol chosen is empty');
  if (chosen === undefined) {
    const message = nothingShared('ALPN protocol', offered, ascii, own.map(ascii));
    reject('ERR_TLS_NO_APPLICATION_PROTOCOL', 'no_application_protocol', message);
  }
  return chosen;
}

/** Reads 0-RTT data, up to EndOfEarlyData, with a key of the PSK alone (RFC 9846 §4.3.10, §7.1). */
function takeEarlyData(
  { records }: ServerEndpoint,
  { hello, suite, psk, transcript }: Negotiated,
  early: EarlySecret,
): void {
  const { random } = hello.body;
  const upToClientHello = transcript.hash();
  const secret = early.clientEarlyTraffic(upToClientHello);
  records.log('CLIENT_EARLY_TRAFFIC_SECRET', random, secret);
  records.protect('read', suite, secret);
  const exporter = early.earlyExporter(upToClientHello);
  records.log('EARLY_EXPORTER_SECRET', random, exporter.secret);
  records.takeEarlyData(psk?.state?.maxEarlyDataSize ?? 0, exporter);
}

/** EncryptedExtensions to the client's Finished (RFC 9846 §2). */
function* encryptedHandshake(
  endpoint: ServerEndpoint,
  negotiated: Negotiated,
  parameters: ServerParameters,
  keys: HandshakeSecret,
): Script<Established> {
  const { records, config, custody } = endpoint;
  const { hello, suite, psk, transcript } = negotiated;
  const { clientType, earlyAccepted } = parameters;
  const { random } = hello.body;
  const secrets = handshakeSecrets(endpoint, keys, random, transcript.hash());
  records.protect('write', suite, custody.give(secrets.server));
  if (!earlyAccepted) records.protect('read', suite, custody.give(secrets.client));
  if (negotiated.earlyOffered && !earlyAccepted && !negotiated.retried) records.skipEarlyData(config.maxEarlyDataSize);

  const request = yield* sendServerParameters(endpoint, negotiated, parameters);
  const localFinished = verifyData(suite.hash, secrets.server, transcript.hash());
  emit(records, transcript, encodeMessage(H.finished, { verifyData: localFinished }));
  const main = custody.hold(keys.intoMain());
  const { client, server, exporter } = applicationSecrets(endpoint, main, random, transcript.hash());
  records.protect('write', suite, custody.give(server));
  if (earlyAccepted) {
    records.allowHalfRoundTrip();
    const end = yield* expect(H.end_of_early_data);
    transcript.add(end.raw);
    records.protect('read', suite, custody.give(secrets.client));
  }

  const peer = request && clientType && (yield* receiveClient(endpoint, transcript, noContext, request, clientType));
  const finished = yield* expect(H.finished);
  checkFinished(endpoint, 'client', verifyData(suite.hash, secrets.client, transcript.hash()), finished.body);
  transcript.add(finished.raw);
  records.protect('read', suite, custody.give(client));
  const finishes = { localFinished, peerFinished: finished.body.verifyData };
  const facts = keptFacts({ ...serverFacts(config, negotiated, parameters, peer), ...finishes });
  const resumption = custody.hold(main.intoResumption(transcript.hash()));
  // RFC 9846 §4.3.9: the server issues no tickets that the client could not use.
  const usable = sharesMode(config, hello, 'psk_dhe_ke') || sharesMode(config, hello, 'psk_ke');
  return {
    facts,
    exporter: custody.give(exporter),
    resumption: custody.give(resumption),
    origin: psk?.origin,
    transcript,
    clientCertificateType: clientType ?? 'X509',
    afterwards: usable ? issueTickets(endpoint, { facts, resumption, origin: psk?.origin }) : undefined,
  };
}

/**
 * Sends EncryptedExtensions, CertificateRequest, Certificate and CertificateVerify (RFC 9846 §4.4, §4.5).
 * @returns the CertificateRequest, if the client is asked for a certificate
 */
function* sendServerParameters(
  endpoint: ServerEndpoint,
  { hello, psk, transcript }: Negotiated,
  parameters: ServerParameters,
): Script<ExtensionValues['CR'] | undefined> {
  const { records, config } = endpoint;
  const { authentication, clientType } = parameters;
  const recordLimits = agreeRecordLimits(endpoint, hello.recordLimits);
  const resumed = psk?.state !== undefined;
  emit(records, transcript, encodeEncryptedExtensions(config, hello, resumed, parameters, recordLimits));
  const request = clientType && certificateRequest(config);
  if (request !== undefined) emit(records, transcript, encodeCertificateRequest(config, noContext, request));
  if (authentication !== undefined) {
    const { extensions, view } = hello;
    const requested = { context: noContext, extensions, wantsOcsp: view.wantsOcsp };
    yield* sendAuthentication(endpoint, transcript, 'server', authentication, requested);
  }
  return request;
}

/** The facts of the handshake, but for the Finished messages. */
function serverFacts(
  config: ServerSettings,
  { hello, suite, exchange, psk, retried, earlyOffered }: Negotiated,
  { authentication, alpn, earlyAccepted }: ServerParameters,
  peer: PeerAuthentication | undefined,
): Omit<Facts, 'localFinished' | 'peerFinished'> {
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
    authenticatedAt: state?.authenticatedAt ?? config.now(),
  };
}

/** certificate_request_context in the handshake (RFC 9846 §4.4.2). */
const noContext = new Uint8Array(0);
