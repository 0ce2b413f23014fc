import { concat } from '../bytes/concat.ts';
import { equal } from '../bytes/equal.ts';
import { utf8 } from '../bytes/utf8.ts';
import type { CryptoProvider, SignatureVerifier } from '../crypto/provider.ts';
import { type AlertName, type CertificateErrorCode, reject, TlsError } from '../errors.ts';
import type { Transcript, TranscriptHash } from '../keys/transcript.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType, nameOf, SignatureScheme } from '../wire/enums.ts';
import { readExtensions } from '../wire/extensions.ts';
import { type Certificate, encodeMessage } from '../wire/messages.ts';
import { DerError } from '../x509/der.ts';
import type { VerifiedPeer } from '../x509/verify.ts';
import type { ChainRefusal, ChainRequest, CommonConfig, Credential, Role } from './config.ts';
import { isHandshakeScheme, schemeFitsKey, verifierFor } from './schemes.ts';
import { ask, expect, type Script } from './script.ts';
import { emit, type Wire } from './wire.ts';

/** A credential with the scheme that both sides know. */
export interface Authentication {
  readonly credential: Credential;
  readonly scheme: number;
}

/** The first credential that can sign as the peer wants (RFC 9846 §4.5.1.2); the peer's order chooses the scheme. */
export function chooseAuthentication(
  credentials: readonly Credential[],
  peerSchemes: readonly number[],
): Authentication | undefined {
  for (const credential of credentials) {
    const able = credential.signer.schemes;
    const scheme = peerSchemes.find((offered) => isHandshakeScheme(offered) && able.includes(offered));
    if (scheme !== undefined) return { credential, scheme };
  }
  return undefined;
}

/** Certificate and CertificateVerify, RFC 9846 §4.5.1 and §4.5.2. */
export function* sendAuthentication(
  wire: Wire,
  transcript: Transcript,
  role: Role,
  authentication: Authentication,
): Script<void> {
  const { credential, scheme } = authentication;
  const certificateList = credential.chain.map((certData) => ({ certData, extensions: [] }));
  emit(
    wire,
    transcript,
    encodeMessage(HandshakeType.certificate, { certificateRequestContext: none, certificateList }),
  );
  const message = signedContent(role, transcript.hash());
  const signature = yield* ask('sign', { signer: credential.signer, scheme, message });
  emit(wire, transcript, encodeMessage(HandshakeType.certificate_verify, { algorithm: scheme, signature }));
}

/** A client without a fitting certificate answers with an empty list (RFC 9846 §4.5.1). */
export function sendEmptyCertificate(wire: Wire, transcript: Transcript): void {
  const body: Certificate = { certificateRequestContext: none, certificateList: [] };
  emit(wire, transcript, encodeMessage(HandshakeType.certificate, body));
}

export interface ReceivedCertificate {
  readonly body: Certificate;
  readonly raw: Uint8Array;
}

export interface PeerAuthentication {
  readonly peer: VerifiedPeer;
  /** As presented. */
  readonly chain: readonly Uint8Array[];
  readonly scheme: number;
}

/**
 * The peer's Certificate (already received, not empty) and its CertificateVerify.
 * @param offered extension types that we allowed in the peer's CertificateEntry
 * @param acceptable the schemes we advertised
 */
export function* receiveAuthentication(
  config: CommonConfig,
  limits: Limits,
  transcript: Transcript,
  request: Omit<ChainRequest, 'chain'>,
  certificate: ReceivedCertificate,
  offered: ReadonlySet<number>,
  acceptable: readonly number[],
): Script<PeerAuthentication> {
  const chain = readCertificateList(certificate.body, limits, offered);
  transcript.add(certificate.raw);
  const verified = yield* verifyChain(config, { ...request, chain });

  const verify = yield* expect(HandshakeType.certificate_verify);
  const { algorithm: scheme, signature } = verify.body;
  const verifier = checkScheme(config.provider, scheme, acceptable, verified);
  const message = signedContent(request.peer, transcript.hash());
  const spki = leafOf(verified).spki;
  if (!(yield* ask('verifySignature', { verifier, spki, message, signature }))) {
    reject('ERR_TLS_BAD_SIGNATURE', 'decrypt_error', `the ${request.peer}'s CertificateVerify does not verify`);
  }
  transcript.add(verify.raw);
  return { peer: verified, chain, scheme };
}

/** The alert that tells the peer why its certificate was refused (RFC 9846 §6.2). */
export function certificateAlert(code: CertificateErrorCode): AlertName {
  return certificateAlerts[code] ?? 'certificate_unknown';
}

function* verifyChain(config: CommonConfig, request: ChainRequest): Script<VerifiedPeer> {
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  if (!verdict.ok) return refuse(verdict);
  // The proof must be about the chain that was sent, whoever made it.
  const [leaf] = request.chain;
  if (leaf === undefined || !equal(leafOf(verdict.peer).raw, leaf)) {
    throw new TlsError('ERR_TLS_INTERNAL', 'verifyChain answered for another certificate', {
      alert: 'internal_error',
      blame: 'local',
    });
  }
  return verdict.peer;
}

function refuse(refusal: ChainRefusal): never {
  throw new TlsError(refusal.code, refusal.reason, { alert: certificateAlert(refusal.code), cause: refusal.cause });
}

function readCertificateList(body: Certificate, limits: Limits, offered: ReadonlySet<number>): Uint8Array[] {
  if (body.certificateRequestContext.length !== 0) {
    reject('ERR_TLS_DECODE', 'illegal_parameter', 'certificate_request_context is not empty in the handshake');
  }
  if (body.certificateList.length > limits.chainLength) {
    throw new TlsError('CERT_CHAIN_TOO_LONG', `a chain of ${body.certificateList.length} certificates is too long`, {
      alert: 'bad_certificate',
    });
  }
  return body.certificateList.map((entry) => {
    readExtensions('CT', entry.extensions, offered);
    return entry.certData;
  });
}

/** RFC 9846 §4.5.2: one that we advertised, of the kind that the certificate's key can make and may make. */
function checkScheme(
  provider: CryptoProvider,
  scheme: number,
  acceptable: readonly number[],
  peer: VerifiedPeer,
): SignatureVerifier {
  const leaf = leafOf(peer);
  const verifier = verifierFor(provider, scheme);
  const fits = reading(() => schemeFitsKey(scheme, leaf.publicKey));
  if (verifier === undefined || !isHandshakeScheme(scheme) || !acceptable.includes(scheme) || !fits) {
    const name = nameOf(SignatureScheme, scheme);
    reject('ERR_TLS_WRONG_SIGNATURE_SCHEME', 'illegal_parameter', `CertificateVerify is made with ${name}`);
  }
  // RFC 9846 §4.5.1.2: digitalSignature must be set if the extension is there at all.
  if (reading(() => leaf.keyUsage?.has('digitalSignature')) === false) {
    reject('ERR_TLS_KEY_USAGE', 'illegal_parameter', 'the key of the certificate is not for digital signatures');
  }
  return verifier;
}

/** Parts of a certificate are parsed when they are first used; a chain that nobody verified may be malformed. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return reject('ERR_TLS_CERTIFICATE_DECODE', 'bad_certificate', `the certificate is malformed: ${error.message}`);
  }
}

function leafOf(peer: VerifiedPeer): VerifiedPeer['certificates'][number] {
  const [leaf] = peer.certificates;
  return leaf ?? reject('ERR_TLS_INTERNAL', 'internal_error', 'a verified peer without a certificate');
}

/** RFC 9846 §4.5.2: 64 spaces, the context string, a zero byte, the transcript hash. */
function signedContent(signer: Role, hash: TranscriptHash): Uint8Array {
  return concat([utf8(`${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`), hash]);
}

const none: Uint8Array = new Uint8Array(0);

/** RFC 9846 §6.2 describes each; what it does not name is certificate_unknown. */
const certificateAlerts: { readonly [C in CertificateErrorCode]?: AlertName } = {
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_ca',
  CERT_UNTRUSTED: 'unknown_ca',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  CERT_REVOKED: 'certificate_revoked',
  INVALID_PURPOSE: 'unsupported_certificate',
  UNSUPPORTED_SIGNATURE_ALGORITHM: 'unsupported_certificate',
  CERT_SIGNATURE_FAILURE: 'bad_certificate',
  INVALID_CERTIFICATE: 'bad_certificate',
  INVALID_CA: 'bad_certificate',
  INVALID_EXTENSION: 'bad_certificate',
  PATH_LENGTH_EXCEEDED: 'bad_certificate',
  CERT_CHAIN_TOO_LONG: 'bad_certificate',
  CERT_REJECTED: 'bad_certificate',
  HOSTNAME_MISMATCH: 'bad_certificate',
  CA_MD_TOO_WEAK: 'bad_certificate',
  CA_KEY_TOO_SMALL: 'bad_certificate',
  EE_KEY_TOO_SMALL: 'bad_certificate',
};
