import { concat } from '../../bytes/concat.ts';
import { equal } from '../../bytes/equal.ts';
import { utf8 } from '../../bytes/utf8.ts';
import type { CryptoProvider, SignatureVerifier } from '../../crypto/provider.ts';
import { ownFault, reject, TlsError } from '../../errors.ts';
import type { Transcript, TranscriptHash } from '../../keys/transcript.ts';
import type { CertificateType } from '../../session/session.ts';
import { HandshakeType, nameOf, OCSP, SignatureScheme } from '../../wire/enums.ts';
import { type Extension, type ExtensionValues, readExtensions, writeExtensions } from '../../wire/extensions.ts';
import { type Certificate, encodeMessage, type MessageOf } from '../../wire/messages.ts';
import { DerError } from '../../x509/asn1/der.ts';
import { parseCertificate } from '../../x509/certificate/certificate.ts';
import { showCertificate } from '../../x509/certificate/display.ts';
import type { KeyUsage } from '../../x509/certificate/extensions.ts';
import { type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import type { ChainRefusal, ChainRequest } from '../terms/config.ts';
import type { Credential, Role } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import { emit } from '../terms/record-layer.ts';
import { isHandshakeScheme, schemeFitsKey, verifierFor } from '../terms/schemes.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import type { Settings } from '../terms/settings.ts';
import { certificateAlert } from './alerts.ts';
import { acceptedCompressions, compressCertificate, decompressCertificate } from './compression.ts';
import type { Authentication } from './credentials.ts';

/** What the peer's ClientHello or CertificateRequest says of our Certificate message. */
export interface RequestedCertificate {
  /** certificate_request_context to send back; empty in the handshake (RFC 9846 §4.5.1). */
  readonly context: Uint8Array;
  readonly extensions: Pick<
    ExtensionValues['CH'] & ExtensionValues['CR'],
    'signed_certificate_timestamp' | 'compress_certificate'
  >;
  /** Whether the peer asked for an OCSP response. */
  readonly wantsOcsp: boolean;
}

/** Certificate and CertificateVerify, RFC 9846 §4.5.1 and §4.5.2. */
export function* sendAuthentication(
  endpoint: Endpoint,
  transcript: Transcript,
  role: Role,
  { credential, scheme }: Authentication,
  requested: RequestedCertificate,
): Script<void> {
  const certificateList = credential.chain.map((certData, i) => ({
    certData,
    extensions: i === 0 ? leafExtensions(credential, requested) : [],
  }));
  const body: Certificate = { certificateRequestContext: requested.context, certificateList };
  const plain = encodeMessage(HandshakeType.certificate, body, capacityFor(credential));
  const accepted = requested.extensions.compress_certificate ?? [];
  emit(endpoint.records, transcript, yield* compressCertificate(endpoint, accepted, plain));
  const message = signedContent(role, transcript.hash());
  const signature = yield* ask('sign', { signer: credential.signer, scheme, message });
  emit(endpoint.records, transcript, encodeMessage(HandshakeType.certificate_verify, { algorithm: scheme, signature }));
}

/** Bytes that surely hold the Certificate message: the chain, what is stapled to it, and 256 for the rest. */
function capacityFor({ chain, ocspResponse, timestamps }: Credential): number {
  const parts = [...chain, ocspResponse, timestamps];
  return parts.reduce((sum, part) => sum + (part?.length ?? 0), 256);
}

/** A client without a fitting certificate answers with an empty list (RFC 9846 §4.5.1). */
export function sendEmptyCertificate({ records }: Endpoint, transcript: Transcript, context: Uint8Array): void {
  const body: Certificate = { certificateRequestContext: context, certificateList: [] };
  emit(records, transcript, encodeMessage(HandshakeType.certificate, body));
}

/** What a peer's Certificate is checked against: what this endpoint has offered or asked for. */
export interface ExpectedCertificate {
  /** The role of the peer. */
  readonly peer: Role;
  readonly serverName: string | undefined;
  /** The certificate_request_context that must come back. */
  readonly context: Uint8Array;
  /** Extension types that its CertificateEntry may have, since this endpoint sent them (RFC 9846 §4.3). */
  readonly offered: ReadonlySet<number>;
  /** The signature schemes that this endpoint advertised. */
  readonly acceptable: readonly number[];
  readonly certificateType: CertificateType;
}

export interface PeerAuthentication extends Pick<ChainRequest, 'chain' | 'ocspResponse' | 'timestamps'> {
  readonly peer: VerifiedPeer;
  readonly certificateType: CertificateType;
  readonly scheme: number;
}

export type CertificateMessage =
  | MessageOf<typeof HandshakeType.certificate>
  | MessageOf<typeof HandshakeType.compressed_certificate>;

/** The message types that a Certificate may come as: compressed ones where this endpoint accepts any (RFC 8879 §4). */
export function certificateMessageTypes(
  endpoint: Endpoint,
): readonly (typeof HandshakeType.certificate | typeof HandshakeType.compressed_certificate)[] {
  const { certificate, compressed_certificate } = HandshakeType;
  return acceptedCompressions(endpoint).length > 0 ? [certificate, compressed_certificate] : [certificate];
}

/**
 * Checks the peer's Certificate, and receives its CertificateVerify.
 * @param received the Certificate message; added to the transcript here
 * @returns undefined for an empty Certificate, which only a client may send
 */
export function* receiveAuthentication(
  endpoint: Endpoint,
  transcript: Transcript,
  expected: ExpectedCertificate,
  received: CertificateMessage,
): Script<PeerAuthentication | undefined> {
  const { config } = endpoint;
  const certificate =
    received.type === HandshakeType.certificate ? received : yield* decompressCertificate(endpoint, received);
  checkContext(certificate.body, expected.context);
  transcript.add(received.raw);
  if (certificate.body.certificateList.length === 0) return undefined;
  const presented = readCertificateList(certificate.body, config, expected);
  // The key is parsed here, strictly, and not taken from the verdict, which a verifyChain of the application may make.
  const key = readKey(presented, config);
  const verified = yield* verifyPresentedChain(config, presented);

  const verify = yield* expect(HandshakeType.certificate_verify);
  const { algorithm: scheme, signature } = verify.body;
  const verifier = checkScheme(config.provider, scheme, expected, key);
  const message = signedContent(expected.peer, transcript.hash());
  if (!(yield* ask('verifySignature', { verifier, spki: key.spki, message, signature }))) {
    reject('ERR_TLS_BAD_SIGNATURE', 'decrypt_error', `the ${expected.peer}'s CertificateVerify does not verify`);
  }
  transcript.add(verify.raw);
  const { chain, ocspResponse, timestamps, certificateType } = presented;
  return { peer: verified, chain, certificateType, ocspResponse, timestamps, scheme };
}

/**
 * Asks the configuration's verifyChain about a chain that the peer has just sent.
 * @throws TlsError ERR_TLS_INTERNAL where the verdict is about another certificate
 */
function* verifyPresentedChain({ verifyChain: verify }: Settings, request: ChainRequest): Script<VerifiedPeer> {
  const verdict = yield* ask('verifyChain', { request, verify });
  if (!verdict.ok) return refuseChain(verdict);
  const [leaf] = request.chain;
  const { peer } = verdict;
  const judged = peer.rawPublicKey === undefined ? peer.certificates[0].raw : peer.rawPublicKey.spki;
  if (leaf === undefined || !equal(judged, leaf)) {
    ownFault('ERR_TLS_INTERNAL', 'config', 'verifyChain answered for another certificate');
  }
  return peer;
}

/** Ends the handshake with the verifier's refusal. */
export function refuseChain(refusal: ChainRefusal): never {
  throw new TlsError(refusal.code, refusal.reason, { alert: certificateAlert(refusal.code), cause: refusal.cause });
}

function checkContext(body: Certificate, context: Uint8Array): void {
  if (!equal(body.certificateRequestContext, context)) {
    reject('ERR_TLS_DECODE', 'illegal_parameter', 'certificate_request_context is not the one that was sent');
  }
}

function readCertificateList(body: Certificate, { limits }: Settings, expected: ExpectedCertificate): ChainRequest {
  const { certificateList } = body;
  const { peer, serverName, certificateType } = expected;
  if (certificateList.length > limits.chainLength) {
    throw new TlsError('CERT_CHAIN_TOO_LONG', `a chain of ${certificateList.length} certificates is too long`, {
      alert: 'bad_certificate',
    });
  }
  const extensions = certificateList.map((entry) => readExtensions('CT', entry.extensions, expected.offered));
  // Copies, since a view would keep the peer's whole message alive.
  const chain = certificateList.map(({ certData }) => certData.slice());
  const status = extensions[0]?.status_request;
  return {
    peer,
    serverName,
    chain,
    certificateType,
    ocspResponse: status?.statusType === OCSP ? status.response.slice() : undefined,
    timestamps: extensions[0]?.signed_certificate_timestamp?.slice(),
    resumed: false,
  };
}

/**
 * Reads the key that the peer signs with; refuses a leaf that is not of the type agreed on before verifyChain sees it.
 */
function readKey({ chain, certificateType: type }: ChainRequest, { anyCertificate }: Settings): PeerKey {
  const [leaf = none] = chain;
  if (leaf.length === 0) {
    const code = type === 'X509' ? 'ERR_TLS_CERTIFICATE_DECODE' : 'ERR_TLS_RAW_PUBLIC_KEY_EMPTY';
    reject(code, 'decode_error', 'an entry without a certificate or key');
  }
  if (type === 'X509') {
    if (!anyCertificate) return decode('ERR_TLS_CERTIFICATE_DECODE', () => parseCertificate(leaf));
    const { spki } = decode('ERR_TLS_CERTIFICATE_DECODE', () => showCertificate(leaf));
    return { spki, publicKey: decode('ERR_TLS_CERTIFICATE_DECODE', () => parseSpki(spki)) };
  }
  const key = { spki: leaf, publicKey: decode('ERR_TLS_RAW_PUBLIC_KEY_DECODE', () => parseSpki(leaf)) };
  // RFC 7250 §3: the raw public key is the only entry.
  if (chain.length !== 1) {
    reject('ERR_TLS_RAW_PUBLIC_KEY_DECODE', 'decode_error', 'more than one raw public key');
  }
  return key;
}

function decode<T>(code: 'ERR_TLS_CERTIFICATE_DECODE' | 'ERR_TLS_RAW_PUBLIC_KEY_DECODE', read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TlsError) return reject(code, 'decode_error', error.message);
    if (!(error instanceof DerError)) throw error;
    const what = code === 'ERR_TLS_CERTIFICATE_DECODE' ? 'the key of the certificate' : 'the raw public key';
    return reject(code, 'decode_error', `${what} is malformed: ${error.message}`);
  }
}

/** RFC 9846 §4.5.2: this endpoint advertised the scheme, and the certificate's key can and may sign with it. */
function checkScheme(
  provider: CryptoProvider,
  scheme: number,
  { peer, acceptable }: ExpectedCertificate,
  key: PeerKey,
): SignatureVerifier {
  const verifier = verifierFor(provider, scheme);
  const fits = readPart(() => schemeFitsKey(scheme, key.publicKey));
  if (!fits && readPart(() => key.publicKey.algorithm) === 'rsa-pss') {
    reject('ERR_TLS_UNSUPPORTED_KEY', 'illegal_parameter', 'an RSASSA-PSS key does not make the scheme');
  }
  if (verifier === undefined || !isHandshakeScheme(scheme, peer) || !acceptable.includes(scheme) || !fits) {
    const name = nameOf(SignatureScheme, scheme);
    reject(
      'ERR_TLS_WRONG_SIGNATURE_SCHEME',
      'illegal_parameter',
      `the peer signed with ${name}, which it was not offered, or which its key cannot make`,
    );
  }
  // RFC 9846 §4.5.1.2: a key usage extension must have digitalSignature set.
  if (readPart(() => key.keyUsage?.has('digitalSignature')) === false) {
    reject('ERR_TLS_KEY_USAGE', 'illegal_parameter', 'the key of the certificate is not for digital signatures');
  }
  return verifier;
}

/** Reads a part of a certificate, which may be malformed: certificates parse their parts when those are first used. */
function readPart<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return reject('ERR_TLS_CERTIFICATE_DECODE', 'bad_certificate', `the certificate is malformed: ${error.message}`);
  }
}

/** The signing key of a certificate, or a raw public key. */
interface PeerKey {
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
  readonly keyUsage?: KeyUsage | undefined;
}

/** The extensions of the leaf's CertificateEntry: those that the peer asked for (RFC 9846 §4.5.1). */
function leafExtensions(
  { ocspResponse, timestamps, delegation }: Credential,
  requested: RequestedCertificate,
): Extension[] {
  const wantsTimestamps = requested.extensions.signed_certificate_timestamp === true;
  if (timestamps !== undefined) checkTimestamps(timestamps);
  return writeExtensions('CT', {
    ...(requested.wantsOcsp && ocspResponse && { status_request: { statusType: OCSP, response: ocspResponse } }),
    ...(wantsTimestamps && timestamps && { signed_certificate_timestamp: timestamps }),
    ...(delegation && { delegated_credential: delegation.raw }),
  });
}

/** Refuses a malformed SignedCertificateTimestampList of the application before it is sent: peers would refuse it. */
function checkTimestamps(list: Uint8Array): void {
  try {
    const [extension] = writeExtensions('CT', { signed_certificate_timestamp: list });
    if (extension !== undefined) readExtensions('CT', [extension]);
  } catch (cause) {
    throw new TlsError(
      'ERR_TLS_INVALID_TIMESTAMPS',
      'timestamps of the credential is not a SignedCertificateTimestampList (RFC 6962 §3.3)',
      {
        alert: 'internal_error',
        blame: 'config',
        cause,
      },
    );
  }
}

/** RFC 9846 §4.5.2: 64 spaces, the context string, a zero byte, the transcript hash. */
function signedContent(signer: Role, hash: TranscriptHash): Uint8Array {
  return concat([utf8(`${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`), hash]);
}

const none: Uint8Array = new Uint8Array(0);
