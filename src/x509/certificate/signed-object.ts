import type { SignatureAlgorithm } from '../../crypto/provider.ts';
import { type AlertName, type CertificateErrorCode, TlsError } from '../../errors.ts';
import { derBytes, isPem } from '../../options.ts';
import { DerError, DerReader, Tag } from '../asn1/der.ts';
import { Oid, oidText } from '../asn1/oids.ts';
import { readPssParameters } from './pss-parameters.ts';

/** AlgorithmIdentifier of a signature, as far as it is known. */
export interface CertificateSignature {
  readonly oid: string;
  /** Undefined for an algorithm that no provider verifies (DSA, PSS with another hash in its mask, …). */
  readonly algorithm: SignatureAlgorithm | undefined;
  /** The algorithm for people, where `algorithm` is undefined: its name, if it has one, and its object identifier. */
  readonly unsupported?: string | undefined;
  readonly bytes: Uint8Array;
  /** Of RSASSA-PSS, where it is not as long as the hash. */
  readonly saltLength?: number | undefined;
}

/** SIGNED{}, the frame of certificates, revocation lists and OCSP responses (RFC 5280 §4.1.1). */
export interface SignedObject {
  /** The signed bytes, header included. */
  readonly tbs: Uint8Array;
  /** Inside of it. */
  readonly body: DerReader;
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Uint8Array;
  readonly signature: CertificateSignature;
}

/** @param reader at the first of the three elements; what follows them is left */
export function readSigned(reader: DerReader): SignedObject {
  const tbs = reader.element(Tag.sequence);
  const algorithm = reader.element(Tag.sequence).raw;
  const { bytes, unusedBits } = reader.bitString();
  if (unusedBits !== 0) throw new DerError('a signature that is not whole bytes');
  return { tbs: tbs.raw, body: reader.within(tbs.content), algorithm, signature: readSignature(algorithm, bytes) };
}

/** A kind of signed object: its name, and how the error is called where one cannot be read. */
export interface SignedObjectKind {
  readonly name: string;
  readonly code: CertificateErrorCode;
  readonly alert: AlertName;
}

/**
 * Reads one SEQUENCE and nothing after it.
 * @param max bytes at most
 * @throws TlsError of the given code in place of DerError
 */
export function readWhole<T>(der: Uint8Array, max: number, what: SignedObjectKind, read: (reader: DerReader) => T): T {
  derBytes(der, `the ${what.name}`);
  try {
    if (isPem(der)) throw new DerError('it is PEM, which decodePem() reads');
    if (der.length === 0) throw new DerError('there are no bytes');
    if (der.length > max) throw new DerError(`${der.length} bytes`);
    const outer = new DerReader(der);
    const reader = outer.sequence();
    outer.end();
    return read(reader);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new TlsError(what.code, `the ${what.name} is malformed: ${cause.message}`, { alert: what.alert, cause });
  }
}

/** RFC 4055 §3, §5; RFC 5758 §3.2; RFC 8410 §3: which parameters belong to which algorithm. */
export function readSignature(algorithm: Uint8Array, bytes: Uint8Array): CertificateSignature {
  const reader = new DerReader(algorithm).sequence();
  const oid = reader.oid();
  if (oid === Oid.rsassaPss) return { oid, ...pssAlgorithm(reader), bytes };
  const known = algorithms.get(oid);
  if (known === undefined) return { oid, algorithm: undefined, unsupported: oidText(oid), bytes };
  // RSA carries NULL; some issuers leave it out, and RFC 4055 §5 tells us to accept that too.
  if (known.startsWith('rsa') && !reader.done) reader.null();
  reader.end();
  return { oid, algorithm: known, bytes };
}

function pssAlgorithm(reader: DerReader): Pick<CertificateSignature, 'algorithm' | 'saltLength' | 'unsupported'> {
  if (reader.done) throw new DerError('an RSASSA-PSS signature without parameters');
  const { hash, mgfHash, saltLength, unsupported } = readPssParameters(reader.rest);
  if (unsupported !== undefined) return { algorithm: undefined, unsupported };
  if (hash === 'sha1' || mgfHash !== hash) {
    return { algorithm: undefined, unsupported: `RSASSA-PSS with ${hash} and a mask by ${mgfHash}` };
  }
  const { algorithm, length } = pss[hash];
  return saltLength === length ? { algorithm } : { algorithm, saltLength };
}

const pss = {
  sha256: { algorithm: 'rsa_pss_sha256', length: 32 },
  sha384: { algorithm: 'rsa_pss_sha384', length: 48 },
  sha512: { algorithm: 'rsa_pss_sha512', length: 64 },
} as const;

const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  [Oid.md5WithRSAEncryption, 'rsa_pkcs1_md5'],
  [Oid.sha1WithRSAEncryption, 'rsa_pkcs1_sha1'],
  [Oid.sha256WithRSAEncryption, 'rsa_pkcs1_sha256'],
  [Oid.sha384WithRSAEncryption, 'rsa_pkcs1_sha384'],
  [Oid.sha512WithRSAEncryption, 'rsa_pkcs1_sha512'],
  [Oid.ecdsaWithSha1, 'ecdsa_sha1'],
  [Oid.ecdsaWithSha256, 'ecdsa_sha256'],
  [Oid.ecdsaWithSha384, 'ecdsa_sha384'],
  [Oid.ecdsaWithSha512, 'ecdsa_sha512'],
  [Oid.ed25519, 'ed25519'],
  [Oid.ed448, 'ed448'],
  [Oid.mlDsa44, 'ml_dsa_44'],
  [Oid.mlDsa65, 'ml_dsa_65'],
  [Oid.mlDsa87, 'ml_dsa_87'],
]);
