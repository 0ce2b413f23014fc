import { equal } from '../bytes/equal.ts';
import type { CipherSuite, KeyShare } from '../crypto/provider.ts';
import { reject } from '../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../keys/schedule.ts';
import { PendingTranscript, type Transcript } from '../keys/transcript.ts';
import type { Limits } from '../limits.ts';
import { ExtensionType, HandshakeType as H, NamedGroup, nameOf, ProtocolVersion } from '../wire/enums.ts';
import { type ExtensionValues, readExtensions } from '../wire/extensions.ts';
import { encodeMessage, helloRetryRequestRandom, type MessageOf, type ServerHello } from '../wire/messages.ts';
import {
  type Authentication,
  chooseAuthentication,
  type PeerAuthentication,
  receiveAuthentication,
  sendAuthentication,
  sendEmptyCertificate,
} from './auth.ts';
import type { ClientConfig, Facts } from './config.ts';
import { applicationSecrets, checkFinished, type Established, factNames, handshakeSecrets } from './finish.ts';
import { enabledSuites, firstOffer, type Offer, retriedOffer } from './offer.ts';
import { ask, expect, type Script } from './script.ts';
import { emit, type Wire } from './wire.ts';

/** A ServerHello that passed the checks of RFC 9846 §4.2.3. */
interface Accepted {
  readonly suite: CipherSuite;
  readonly share: KeyShare;
  readonly peerShare: Uint8Array;
}

/** The client's handshake, RFC 9846 §4 and Appendix A.1, top to bottom. */
export function* clientHandshake(wire: Wire, config: ClientConfig, limits: Limits): Script<Established> {
  let offer = yield* firstOffer(config);
  try {
    wire.send(offer.message);
    let hello = yield* expect(H.server_hello);
    let transcript = startTranscript(offer, checkSuite(config, offer, hello.body));
    const retried = isRetry(hello.body);
    if (retried) {
      const retry = checkRetry(offer, hello.body);
      // RFC 9846 §4.1: ClientHello1 becomes message_hash.
      transcript = transcript.intoRetry();
      transcript.add(hello.raw);
      const first = hello.body;
      offer = yield* retriedOffer(config, offer, retry);
      if (offer.hello.legacySessionId.length > 0) wire.changeCipherSpec();
      emit(wire, transcript, offer.message);
      hello = yield* expect(H.server_hello);
      checkAgainstRetry(first, retry, hello.body);
    }
    const accepted = acceptServerHello(config, offer, hello.body);
    transcript.add(hello.raw);

    const shared = yield* ask('agree', { share: accepted.share, peer: accepted.peerShare });
    const keys = EarlySecret.from(accepted.suite.hash).intoHandshake(shared);
    try {
      return yield* encryptedHandshake(wire, config, limits, offer, accepted, transcript, keys, retried);
    } finally {
      keys.wipe();
    }
  } finally {
    for (const share of offer.shares) share.wipe();
  }
}

/** EncryptedExtensions to both Finished: everything after ServerHello is protected (RFC 9846 §2). */
function* encryptedHandshake(
  wire: Wire,
  config: ClientConfig,
  limits: Limits,
  offer: Offer,
  { suite, share }: Accepted,
  transcript: Transcript,
  keys: HandshakeSecret,
  helloRetryRequest: boolean,
): Script<Established> {
  const { random } = offer.hello;
  const secrets = handshakeSecrets(wire, keys, random, transcript.hash());
  wire.protect('read', suite, secrets.server);
  if (offer.hello.legacySessionId.length > 0) wire.changeCipherSpec();
  wire.protect('write', suite, secrets.client);

  const encrypted = yield* expect(H.encrypted_extensions);
  const alpn = checkEncryptedExtensions(offer, encrypted.body.extensions);
  transcript.add(encrypted.raw);

  let next = yield* expect(H.certificate_request, H.certificate);
  let request: ExtensionValues['CR'] | undefined;
  if (next.type === H.certificate_request) {
    request = readCertificateRequest(next);
    transcript.add(next.raw);
    next = yield* expect(H.certificate);
  }
  const server = yield* receiveServer(config, limits, offer, transcript, next);

  const finished = yield* expect(H.finished);
  checkFinished('server', suite, secrets.server, transcript, finished.body);
  transcript.add(finished.raw);
  const upToServerFinished = transcript.hash();

  const authentication = request && (yield* authenticate(wire, config, transcript, request));
  const localFinished = verifyData(suite.hash, secrets.client, transcript.hash());
  const message = encodeMessage(H.finished, { verifyData: localFinished });
  emit(wire, transcript, message);

  const main = keys.intoMain();
  const { client, server: serverTraffic, exporter } = applicationSecrets(wire, main, random, upToServerFinished);
  main.wipe();
  wire.protect('read', suite, serverTraffic);
  wire.protect('write', suite, client);
  const facts: Facts = {
    role: 'client',
    ...factNames(config.provider, suite, share.group),
    alpn,
    serverName: config.serverName,
    peerSignatureScheme: server.scheme,
    localSignatureScheme: authentication?.scheme,
    peerSignatureSchemes: request?.signature_algorithms ?? [],
    peer: server.peer,
    localChain: authentication?.credential.chain,
    helloRetryRequest,
    resumed: false,
    localFinished,
    peerFinished: finished.body.verifyData,
  };
  return { facts, exporter };
}

function* receiveServer(
  config: ClientConfig,
  limits: Limits,
  offer: Offer,
  transcript: Transcript,
  certificate: MessageOf<typeof H.certificate>,
): Script<PeerAuthentication> {
  if (certificate.body.certificateList.length === 0) {
    reject('ERR_TLS_EMPTY_CERTIFICATE', 'decode_error', 'the server sent an empty Certificate (RFC 9846 §4.5.1.3)');
  }
  const identity = { peer: 'server', serverName: config.serverName } as const;
  const acceptable = offer.extensions.signature_algorithms ?? [];
  return yield* receiveAuthentication(config, limits, transcript, identity, certificate, offer.types, acceptable);
}

/** Answers a CertificateRequest, with an empty Certificate where nothing fits (RFC 9846 §4.5.1). */
function* authenticate(
  wire: Wire,
  config: ClientConfig,
  transcript: Transcript,
  request: ExtensionValues['CR'],
): Script<Authentication | undefined> {
  const chosen = chooseAuthentication(config.credentials ?? [], request.signature_algorithms ?? []);
  if (chosen === undefined) sendEmptyCertificate(wire, transcript);
  else yield* sendAuthentication(wire, transcript, 'client', chosen);
  return chosen;
}

function isRetry(hello: ServerHello): boolean {
  return equal(hello.random, helloRetryRequestRandom);
}

/** What ServerHello and HelloRetryRequest have in common, checked before anything else (RFC 9846 §4.2.3, §4.2.4). */
function checkSuite(config: ClientConfig, offer: Offer, hello: ServerHello): CipherSuite {
  checkVersion(hello);
  if (hello.legacyVersion !== ProtocolVersion.TLS12) {
    reject('ERR_TLS_WRONG_VERSION', 'protocol_version', 'legacy_version of the ServerHello is not 0x0303');
  }
  if (!equal(hello.legacySessionIdEcho, offer.hello.legacySessionId)) {
    reject('ERR_TLS_SESSION_ID_MISMATCH', 'illegal_parameter', 'the server did not echo legacy_session_id');
  }
  if (hello.legacyCompressionMethod !== 0) {
    reject('ERR_TLS_COMPRESSION', 'illegal_parameter', 'the server chose a compression method');
  }
  const suite = enabledSuites(config).find((candidate) => candidate.id === hello.cipherSuite);
  if (suite === undefined || !offer.hello.cipherSuites.includes(hello.cipherSuite)) {
    reject('ERR_TLS_WRONG_CIPHER', 'illegal_parameter', 'the server chose a cipher suite that was not offered');
  }
  return suite;
}

/** supported_versions decides; without it the server speaks TLS 1.2 or older (RFC 9846 §4.2.3, §4.3.1). */
function checkVersion(hello: ServerHello): void {
  const extension = hello.extensions.find((candidate) => candidate.type === ExtensionType.supported_versions);
  if (extension === undefined) {
    const tail = hello.random.subarray(24);
    if (downgradeSentinels.some((sentinel) => equal(sentinel, tail))) {
      reject('ERR_TLS_DOWNGRADE', 'illegal_parameter', 'the server signals that the handshake was downgraded');
    }
    reject('ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version', 'the server does not speak TLS 1.3');
  }
  const { supported_versions: version } = readExtensions('SH', [extension]);
  if (version !== ProtocolVersion.TLS13) {
    reject('ERR_TLS_WRONG_VERSION', 'illegal_parameter', 'the server selected a version that was not offered');
  }
}

/** RFC 9846 §4.2.4 and §4.3.8: it must change something, and only to what we said we can do. */
function checkRetry(offer: Offer, hello: ServerHello): ExtensionValues['HRR'] {
  const cookieAllowed = new Set([...offer.types, ExtensionType.cookie]);
  const retry = readExtensions('HRR', hello.extensions, cookieAllowed);
  const { key_share: group, cookie } = retry;
  if (group === undefined && cookie === undefined) {
    reject('ERR_TLS_EMPTY_HELLO_RETRY_REQUEST', 'illegal_parameter', 'the HelloRetryRequest asks for no change');
  }
  if (group === undefined) return retry;
  if (!offer.extensions.supported_groups?.includes(group)) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `${groupName(group)} was asked for but not offered`);
  }
  if (offer.shares.some((share) => share.group === group)) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `a share for ${groupName(group)} was sent already`);
  }
  return retry;
}

function checkAgainstRetry(retryHello: ServerHello, retry: ExtensionValues['HRR'], hello: ServerHello): void {
  if (isRetry(hello)) reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', 'a second HelloRetryRequest');
  checkVersion(hello);
  if (hello.cipherSuite !== retryHello.cipherSuite) {
    reject('ERR_TLS_WRONG_CIPHER', 'illegal_parameter', 'the cipher suite changed after the HelloRetryRequest');
  }
  const share = hello.extensions.find((extension) => extension.type === ExtensionType.key_share);
  const selected = share && readExtensions('SH', [share]).key_share?.group;
  if (retry.key_share !== undefined && selected !== undefined && selected !== retry.key_share) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', 'the group changed after the HelloRetryRequest');
  }
}

function acceptServerHello(config: ClientConfig, offer: Offer, hello: ServerHello): Accepted {
  const suite = checkSuite(config, offer, hello);
  const { key_share: entry } = readExtensions('SH', hello.extensions, offer.types);
  if (entry === undefined) reject('ERR_TLS_MISSING_KEY_SHARE', 'missing_extension', 'the ServerHello has no key_share');
  const share = offer.shares.find((candidate) => candidate.group === entry.group);
  if (share === undefined) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `the server answered in ${groupName(entry.group)}, not offered`);
  }
  return { suite, share, peerShare: entry.keyExchange };
}

function startTranscript(offer: Offer, suite: CipherSuite): Transcript {
  const pending = new PendingTranscript();
  pending.add(offer.message);
  return pending.start(suite.hash);
}

/** @returns the protocol that the server chose by ALPN */
function checkEncryptedExtensions(
  offer: Offer,
  extensions: MessageOf<typeof H.encrypted_extensions>['body']['extensions'],
): Uint8Array | undefined {
  const values = readExtensions('EE', extensions, offer.types);
  if (values.early_data !== undefined) {
    reject('ERR_TLS_UNSOLICITED_EXTENSION', 'unsupported_extension', 'early_data was accepted but not sent');
  }
  const chosen = values.application_layer_protocol_negotiation;
  if (chosen === undefined) return undefined;
  const [protocol] = chosen;
  if (protocol === undefined || chosen.length !== 1) {
    reject('ERR_TLS_INVALID_ALPN', 'decode_error', 'the server must choose one ALPN protocol (RFC 7301 §3.1)');
  }
  const offered = offer.extensions.application_layer_protocol_negotiation ?? [];
  if (!offered.some((candidate) => equal(candidate, protocol))) {
    reject('ERR_TLS_INVALID_ALPN', 'illegal_parameter', 'the server chose an ALPN protocol that was not offered');
  }
  return protocol;
}

function readCertificateRequest(message: MessageOf<typeof H.certificate_request>): ExtensionValues['CR'] {
  const { certificateRequestContext, extensions } = message.body;
  if (certificateRequestContext.length !== 0) {
    reject('ERR_TLS_DECODE', 'illegal_parameter', 'certificate_request_context is not empty in the handshake');
  }
  const values = readExtensions('CR', extensions);
  if (values.signature_algorithms === undefined) {
    reject('ERR_TLS_MISSING_EXTENSION', 'missing_extension', 'the CertificateRequest has no signature_algorithms');
  }
  return values;
}

function groupName(group: number): string {
  return nameOf(NamedGroup, group);
}

/** RFC 9846 §4.2.3: the last 8 bytes of ServerHello.random for TLS 1.2 and for older. */
const downgradeSentinels: readonly Uint8Array[] = [
  new Uint8Array([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01]),
  new Uint8Array([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x00]),
];
