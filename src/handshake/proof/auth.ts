import { concat } from '../../bytes/concat.ts';
import { equal } from '../../bytes/equal.ts';
import { utf8 } from '../../bytes/utf8.ts';
import type { CryptoProvider, SignatureVerifier } from '../../crypto/provider.ts';
import { reject, TlsError } from '../../errors.ts';
import type { Transcript, TranscriptHash } from '../../keys/transcript.ts';
import type { Limits } from '../../limits.ts';
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
import type { ChainRefusal, ChainRequest, CommonConfig } from '../terms/config.ts';
import type { Credential, Role } from '../terms/credential.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import { emit, type Wire } from '../terms/wire.ts';
import { certificateAlert } from './alerts.ts';
import { acceptedCompressions, compressCertificate, decompressCertificate } from './compression.ts';
import type { Authentication } from './credentials.ts';
import { isHandshakeScheme, schemeFitsKey, verifierFor } from './schemes.ts';

/** What the peer said it takes in our Certificate: in its ClientHello, or its CertificateRequest. */
export interface CertificateRequestTerms {
  /** certificate_request_context to echo; empty in the handshake (RFC 9846 §4.5.1). */
  readonly context: Uint8Array;
  readonly extensions: Pick<
    ExtensionValues['CH'] & ExtensionValues['CR'],
    'signed_certificate_timestamp' | 'compress_certificate'
  >;
  /** Whether it asked for an OCSP response. */
  readonly wantsOcsp: boolean;
}

/** Certificate and CertificateVerify, RFC 9846 §4.5.1 and §4.5.2. */
export function* sendAuthentication(
  wire: Wire,
  config: CommonConfig,
  transcript: Transcript,
  role: Role,
  { credential, scheme }: Authentication,
  terms: CertificateRequestTerms,
): Script<void> {
  const certificateList = credential.chain.map((certData, i) => ({
    certData,
    extensions: i === 0 ? leafExtensions(credential, terms) : [],
  }));
  const body: Certificate = { certificateRequestContext: terms.context, certificateList };
  const plain = encodeMessage(HandshakeType.certificate, body, capacityFor(credential));
  emit(wire, transcript, yield* compressCertificate(config, terms.extensions.compress_certificate ?? [], plain));
  const message = signedContent(role, transcript.hash());
  const signature = yield* ask('sign', { signer: credential.signer, scheme, message });
  emit(wire, transcript, encodeMessage(HandshakeType.certificate_verify, { algorithm: scheme, signature }));
}

/** The chain, what is stapled to it, and some more. */
function capacityFor({ chain, ocspResponse, timestamps }: Credential): number {
  const parts = [...chain, ocspResponse, timestamps];
  return parts.reduce((sum, part) => sum + (part?.length ?? 0), 256);
}

/** A client without a fitting certificate answers with an empty list (RFC 9846 §4.5.1). */
export function sendEmptyCertificate(wire: Wire, transcript: Transcript, context: Uint8Array): void {
  const body: Certificate = { certificateRequestContext: context, certificateList: [] };
  emit(wire, transcript, encodeMessage(HandshakeType.certificate, body));
}

/** What we said to the peer whose certificate comes. */
export interface Expected {
  /** Of the side that presents it. */
  readonly peer: Role;
  readonly serverName: string | undefined;
  /** certificate_request_context that must come back. */
  readonly context: Uint8Array;
  /** Extension types that we allowed in its CertificateEntry (RFC 9846 §4.3). */
  readonly offered: ReadonlySet<number>;
  /** The schemes we advertised. */
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

/** The types that a Certificate may come as (RFC 8879 §4: compressed where we said so). */
export function certificateTypes(
  config: CommonConfig,
): readonly (typeof HandshakeType.certificate | typeof HandshakeType.compressed_certificate)[] {
  const { certificate, compressed_certificate } = HandshakeType;
  return acceptedCompressions(config).length > 0 ? [certificate, compressed_certificate] : [certificate];
}

/**
 * The peer's Certificate, already received, and its CertificateVerify.
 * @returns undefined for an empty Certificate, which only a client may send: it is in the transcript then
 */
export function* receiveAuthentication(
  config: CommonConfig,
  limits: Limits,
  transcript: Transcript,
  expected: Expected,
  received: CertificateMessage,
): Script<PeerAuthentication | undefined> {
  const certificate =
    received.type === HandshakeType.certificate ? received : yield* decompressCertificate(config, limits, received);
  checkContext(certificate.body, expected.context);
  transcript.add(received.raw);
  if (certificate.body.certificateList.length === 0) return undefined;
  const presented = readCertificateList(certificate.body, limits, expected);
  // Read by ourselves and strictly: what the verdict shows of a certificate is there to be looked at.
  const key = readKey(presented, config);
  const verified = yield* verifyChain(config, presented);

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

function* verifyChain(config: CommonConfig, request: ChainRequest): Script<VerifiedPeer> {
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  if (!verdict.ok) return refuseChain(verdict);
  // The proof must be about the chain that was sent, whoever made it.
  const [leaf] = request.chain;
  const { certificates, rawPublicKey } = verdict.peer;
  const judged = rawPublicKey?.spki ?? certificates[0]?.raw;
  if (leaf === undefined || judged === undefined || !equal(judged, leaf)) {
    throw new TlsError('ERR_TLS_INTERNAL', 'verifyChain answered for another certificate', {
      alert: 'internal_error',
      blame: 'local',
    });
  }
  return verdict.peer;
}

export function refuseChain(refusal: ChainRefusal): never {
  throw new TlsError(refusal.code, refusal.reason, { alert: certificateAlert(refusal.code), cause: refusal.cause });
}

function checkContext(body: Certificate, context: Uint8Array): void {
  if (!equal(body.certificateRequestContext, context)) {
    reject('ERR_TLS_DECODE', 'illegal_parameter', 'certificate_request_context is not the one that was sent');
  }
}

function readCertificateList(body: Certificate, limits: Limits, expected: Expected): ChainRequest {
  const { certificateList } = body;
  const { peer, serverName, certificateType } = expected;
  if (certificateList.length > limits.chainLength) {
    throw new TlsError('CERT_CHAIN_TOO_LONG', `a chain of ${certificateList.length} certificates is too long`, {
      alert: 'bad_certificate',
    });
  }
  const extensions = certificateList.map((entry) => readExtensions('CT', entry.extensions, expected.offered));
  // Copies: what is kept of the peer must not keep its whole message.
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

/** What the peer signs with; and that it is of the type agreed on at all, before anybody judges it. */
function readKey({ chain, certificateType: type }: ChainRequest, { anyCertificate }: CommonConfig): PeerKey {
  const [leaf = none] = chain;
  if (leaf.length === 0) {
    const code = type === 'X509' ? 'ERR_TLS_CERTIFICATE_DECODE' : 'ERR_TLS_RAW_PUBLIC_KEY_EMPTY';
    reject(code, 'decode_error', 'an entry without a certificate or key');
  }
  if (type === 'X509') {
    if (anyCertificate !== true) return decode('ERR_TLS_CERTIFICATE_DECODE', () => parseCertificate(leaf));
    const { spki } = decode('ERR_TLS_CERTIFICATE_DECODE', () => showCertificate(leaf));
    return { spki, publicKey: decode('ERR_TLS_CERTIFICATE_DECODE', () => parseSpki(spki)) };
  }
  const key = { spki: leaf, publicKey: decode('ERR_TLS_RAW_PUBLIC_KEY_DECODE', () => parseSpki(leaf)) };
  // RFC 7250 §3: it is the only entry.
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

/** RFC 9846 §4.5.2: one that we advertised, of the kind that the certificate's key can make and may make. */
function checkScheme(
  provider: CryptoProvider,
  scheme: number,
  { peer, acceptable }: Expected,
  key: PeerKey,
): SignatureVerifier {
  const verifier = verifierFor(provider, scheme);
  const fits = reading(() => schemeFitsKey(scheme, key.publicKey));
  if (!fits && reading(() => key.publicKey.algorithm) === 'rsa-pss') {
    reject('ERR_TLS_UNSUPPORTED_KEY', 'illegal_parameter', 'an RSASSA-PSS key does not make the scheme');
  }
  if (verifier === undefined || !isHandshakeScheme(scheme, peer) || !acceptable.includes(scheme) || !fits) {
    const name = nameOf(SignatureScheme, scheme);
    reject('ERR_TLS_WRONG_SIGNATURE_SCHEME', 'illegal_parameter', `CertificateVerify is made with ${name}`);
  }
  // RFC 9846 §4.5.1.2: digitalSignature must be set if the extension is there at all.
  if (reading(() => key.keyUsage?.has('digitalSignature')) === false) {
    reject('ERR_TLS_KEY_USAGE', 'illegal_parameter', 'the key of the certificate is not for digital signatures');
  }
  return verifier;
}

/** Parts of a certificate are read when they are first used: whoever judged the chain need not have looked at them. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return reject('ERR_TLS_CERTIFICATE_DECODE', 'bad_certificate', `the certificate is malformed: ${error.message}`);
  }
}

/** A certificate, or a raw public key, as far as it signs. */
interface PeerKey {
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
  readonly keyUsage?: KeyUsage | undefined;
}

/** RFC 9846 §4.5.1.1, §4.5.1: what belongs to the leaf goes with it, to a peer that asked for it. */
function leafExtensions(
  { ocspResponse, timestamps, delegation }: Credential,
  terms: CertificateRequestTerms,
): Extension[] {
  const wantsTimestamps = terms.extensions.signed_certificate_timestamp === true;
  if (timestamps !== undefined) checkTimestamps(timestamps);
  return writeExtensions('CT', {
    ...(terms.wantsOcsp && ocspResponse && { status_request: { statusType: OCSP, response: ocspResponse } }),
    ...(wantsTimestamps && timestamps && { signed_certificate_timestamp: timestamps }),
    ...(delegation && { delegated_credential: delegation.raw }),
  });
}

/** Before anything is sent: peers would refuse it. */
function checkTimestamps(list: Uint8Array): void {
  try {
    const [extension] = writeExtensions('CT', { signed_certificate_timestamp: list });
    if (extension !== undefined) readExtensions('CT', [extension]);
  } catch (cause) {
    throw new TlsError('ERR_TLS_INVALID_TIMESTAMPS', 'the timestamps of the certificate are not a list of them', {
      alert: 'internal_error',
      blame: 'config',
      cause,
    });
  }
}

/** RFC 9846 §4.5.2: 64 spaces, the context string, a zero byte, the transcript hash. */
function signedContent(signer: Role, hash: TranscriptHash): Uint8Array {
  return concat([utf8(`${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`), hash]);
}

const none: Uint8Array = new Uint8Array(0);
