import { equal } from '../bytes/equal.ts';
import type { CipherSuite } from '../crypto/provider.ts';
import { reject, TlsError } from '../errors.ts';
import { EarlySecret, type HandshakeSecret, verifyData } from '../keys/schedule.ts';
import { Transcript } from '../keys/transcript.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType as H, ProtocolVersion } from '../wire/enums.ts';
import { type ExtensionValues, writeExtensions } from '../wire/extensions.ts';
import { encodeMessage, helloRetryRequestRandom, type ServerHello } from '../wire/messages.ts';
import {
  type Authentication,
  chooseAuthentication,
  type PeerAuthentication,
  receiveAuthentication,
  sendAuthentication,
} from './auth.ts';
import type { Facts, ServerConfig } from './config.ts';
import { applicationSecrets, checkFinished, type Established, factNames, handshakeSecrets } from './finish.ts';
import { advertisedSchemes } from './schemes.ts';
import { ask, expect, type Script } from './script.ts';
import { type Choice, checkRetriedHello, choose, type Hello, readClientHello } from './select.ts';
import { emit, type Wire } from './wire.ts';

/** What the ClientHello led to, before any key exists. */
interface Negotiated extends Choice {
  readonly hello: Hello;
  readonly peerShare: Uint8Array;
  readonly transcript: Transcript;
  readonly retried: boolean;
}

/** What is chosen by the application, once the protocol's own choices stand. */
interface Terms {
  readonly authentication: Authentication;
  readonly alpn: Uint8Array | undefined;
}

/** The server's handshake, RFC 9846 §4 and Appendix A.2, top to bottom. */
export function* serverHandshake(wire: Wire, config: ServerConfig, limits: Limits): Script<Established> {
  const negotiated = yield* negotiate(wire, config, limits);
  const { hello, suite, group, transcript } = negotiated;
  const terms = yield* agreeTerms(config, hello);

  const { publicKey, shared } = yield* ask('encapsulate', { group, peer: negotiated.peerShare });
  const serverHello = encodeHello(config.provider.random(32), hello, suite, {
    key_share: { group: group.id, keyExchange: publicKey },
    supported_versions: ProtocolVersion.TLS13,
  });
  emit(wire, transcript, serverHello);
  if (!negotiated.retried && hello.body.legacySessionId.length > 0) wire.changeCipherSpec();

  const keys = EarlySecret.from(suite.hash).intoHandshake(shared);
  try {
    return yield* encryptedHandshake(wire, config, limits, negotiated, terms, keys);
  } finally {
    keys.wipe();
  }
}

/** One or two ClientHellos (RFC 9846 §4.2.4). */
function* negotiate(wire: Wire, config: ServerConfig, limits: Limits): Script<Negotiated> {
  const first = yield* expect(H.client_hello);
  const hello = readClientHello(first.body, limits);
  if (hello.extensions.cookie !== undefined) {
    reject('ERR_TLS_COOKIE', 'illegal_parameter', 'a cookie in the first ClientHello (RFC 9846 §4.3.2)');
  }
  const choice = choose(config, hello);
  let transcript = Transcript.from(choice.suite.hash);
  transcript.add(first.raw);
  if (choice.share !== undefined) {
    return { ...choice, hello, peerShare: choice.share.keyExchange, transcript, retried: false };
  }

  const cookie = config.retryCookie?.();
  transcript = transcript.intoRetry();
  emit(wire, transcript, encodeRetry(hello, choice, cookie));
  if (hello.body.legacySessionId.length > 0) wire.changeCipherSpec();

  const second = yield* expect(H.client_hello);
  const retriedHello = readClientHello(second.body, limits);
  const share = checkRetriedHello(hello, retriedHello, choice, cookie);
  transcript.add(second.raw);
  return { ...choice, hello: retriedHello, peerShare: share.keyExchange, transcript, retried: true };
}

/** Certificate and ALPN: the application may take its time over both. */
function* agreeTerms(config: ServerConfig, hello: Hello): Script<Terms> {
  const { chooseCredentials, credentials = [] } = config;
  const chosen =
    chooseCredentials && (yield* ask('chooseCredentials', { hello: hello.view, choose: chooseCredentials }));
  const authentication = chooseAuthentication(chosen ?? credentials, hello.view.signatureSchemes);
  if (authentication === undefined) {
    reject(
      'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME',
      'handshake_failure',
      'no certificate fits the signature schemes of the client',
    );
  }
  return { authentication, alpn: yield* chooseAlpn(config, hello) };
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
  if (chosen === undefined) {
    reject('ERR_TLS_NO_APPLICATION_PROTOCOL', 'no_application_protocol', 'no ALPN protocol in common');
  }
  return chosen;
}

/** EncryptedExtensions to the client's Finished (RFC 9846 §2). */
function* encryptedHandshake(
  wire: Wire,
  config: ServerConfig,
  limits: Limits,
  { hello, suite, group, transcript, retried }: Negotiated,
  { authentication, alpn }: Terms,
  keys: HandshakeSecret,
): Script<Established> {
  const { random } = hello.body;
  const secrets = handshakeSecrets(wire, keys, random, transcript.hash());
  wire.protect('write', suite, secrets.server);
  wire.protect('read', suite, secrets.client);

  emit(wire, transcript, encodeEncryptedExtensions(config, hello, alpn));
  const acceptable = advertisedSchemes(config.provider, config.signatureSchemes);
  const requested = config.clientCertificate === 'optional' || config.clientCertificate === 'required';
  if (requested) emit(wire, transcript, encodeCertificateRequest(acceptable));
  yield* sendAuthentication(wire, transcript, 'server', authentication);
  const localFinished = verifyData(suite.hash, secrets.server, transcript.hash());
  emit(wire, transcript, encodeMessage(H.finished, { verifyData: localFinished }));

  const main = keys.intoMain();
  const { client, server, exporter } = applicationSecrets(wire, main, random, transcript.hash());
  main.wipe();
  wire.protect('write', suite, server);

  const peer = requested ? yield* receiveClient(config, limits, transcript, acceptable) : undefined;
  const finished = yield* expect(H.finished);
  checkFinished('client', suite, secrets.client, transcript, finished.body);
  wire.protect('read', suite, client);
  const facts: Facts = {
    role: 'server',
    ...factNames(config.provider, suite, group.id),
    alpn,
    serverName: hello.view.serverName,
    peerSignatureScheme: peer?.scheme,
    localSignatureScheme: authentication.scheme,
    peerSignatureSchemes: hello.view.signatureSchemes,
    peer: peer?.peer,
    localChain: authentication.credential.chain,
    helloRetryRequest: retried,
    resumed: false,
    localFinished,
    peerFinished: finished.body.verifyData,
  };
  return { facts, exporter };
}

/** The client's Certificate and CertificateVerify; both may be absent where the certificate is optional. */
function* receiveClient(
  config: ServerConfig,
  limits: Limits,
  transcript: Transcript,
  acceptable: readonly number[],
): Script<PeerAuthentication | undefined> {
  const certificate = yield* expect(H.certificate);
  if (certificate.body.certificateList.length > 0) {
    const identity = { peer: 'client', serverName: undefined } as const;
    return yield* receiveAuthentication(config, limits, transcript, identity, certificate, new Set(), acceptable);
  }
  if (config.clientCertificate === 'required') {
    throw new TlsError('ERR_TLS_CERTIFICATE_REQUIRED', 'the client sent no certificate', {
      alert: 'certificate_required',
    });
  }
  transcript.add(certificate.raw);
  return undefined;
}

/** RFC 9846 §4.2.3, §4.2.4: both have the form of a ServerHello. */
function encodeHello(
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

function encodeRetry(hello: Hello, { suite, group }: Choice, cookie: Uint8Array | undefined): Uint8Array {
  return encodeHello(helloRetryRequestRandom, hello, suite, {
    key_share: group.id,
    ...(cookie !== undefined && { cookie }),
    supported_versions: ProtocolVersion.TLS13,
  });
}

function encodeEncryptedExtensions(config: ServerConfig, hello: Hello, alpn: Uint8Array | undefined): Uint8Array {
  const extra = (config.encryptedExtensions ?? []).filter((extension) => hello.types.has(extension.type));
  const own = writeExtensions('EE', {
    ...(alpn !== undefined && { application_layer_protocol_negotiation: [alpn] }),
    // RFC 6066 §3: an empty answer says that the name was used.
    ...(hello.view.serverName !== undefined && { server_name: true as const }),
  });
  return encodeMessage(H.encrypted_extensions, { extensions: [...extra, ...own] });
}

function encodeCertificateRequest(schemes: readonly number[]): Uint8Array {
  return encodeMessage(H.certificate_request, {
    certificateRequestContext: new Uint8Array(0),
    extensions: writeExtensions('CR', { signature_algorithms: schemes }),
  });
}
