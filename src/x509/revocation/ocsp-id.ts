import { equal } from '../../bytes/equal.ts';
import type { Hash, HashName } from '../../crypto/provider.ts';
import { bytes, having, object, oneOf, type Rules, settle } from '../../options.ts';
import { context, DerReader, Tag } from '../asn1/der.ts';
import { element } from '../asn1/der-write.ts';
import { Oid } from '../asn1/oids.ts';
import { type Certificate, certificateRead } from '../certificate/certificate.ts';
import type { CertId } from './ocsp.ts';

/** Hashes by name, of any provider. */
export type Hashes = Readonly<Record<HashName, Hash>>;

/** Options of {@link createOcspRequest}. */
export interface OcspRequestOptions {
  readonly certificate: Certificate;
  /** Of the certificate. */
  readonly issuer: Certificate;
  readonly hashes: Hashes;
  /** The hash by which the request names the issuer. Default `sha1`, which all responders know (RFC 5019 §2.1.1). */
  readonly hash?: 'sha1' | 'sha256' | undefined;
  /** 1 to 128 random bytes, which the response is to repeat (RFC 9654 §2.1). Default none. */
  readonly nonce?: Uint8Array | undefined;
}

/**
 * An unsigned OCSPRequest for one certificate, DER (RFC 6960 §4.1.1).
 * @throws TlsError ERR_TLS_CONFIG for an option that is missing or not what it must be
 */
export function createOcspRequest(options: OcspRequestOptions): Uint8Array {
  const given = settle(options, requestRules, 'createOcspRequest: options', ['certificate', 'issuer', 'hashes']);
  const { certificate, issuer, hashes, hash = 'sha1', nonce } = given;
  const { nameHash, keyHash } = issuerHashes(certificate, issuer, hashes[hash]);
  const certId = element(
    Tag.sequence,
    element(Tag.sequence, hash === 'sha1' ? sha1Oid : sha256Oid, element(Tag.null)),
    element(Tag.octetString, nameHash),
    element(Tag.octetString, keyHash),
    element(Tag.integer, certificate.serialNumber),
  );
  const requestList = element(Tag.sequence, element(Tag.sequence, certId));
  const extensions = nonce === undefined ? [] : [element(context(2, 'constructed'), nonceExtension(nonce))];
  return element(Tag.sequence, element(Tag.sequence, requestList, ...extensions));
}

const requestRules: Rules<OcspRequestOptions> = {
  certificate: certificateRead,
  issuer: certificateRead,
  hashes: (value, name) => {
    having<Hash>('digest')(Reflect.get(object(value, name), 'sha1'), `${name}.sha1`);
    return value as Hashes;
  },
  hash: oneOf('sha1', 'sha256'),
  nonce: bytes(1, 128),
};

/** Whether a CertID names this certificate of this issuer. */
export function isFor(certId: CertId, certificate: Certificate, issuer: Certificate, hashes: Hashes): boolean {
  const name = hashNames.get(certId.hashAlgorithm);
  if (name === undefined || !equal(certId.serialNumber, certificate.serialNumber)) return false;
  const { nameHash, keyHash } = issuerHashes(certificate, issuer, hashes[name]);
  return equal(certId.issuerNameHash, nameHash) && equal(certId.issuerKeyHash, keyHash);
}

/** RFC 6960 §4.2.1: KeyHash is the SHA-1 of the key alone. */
export function hashOfKey({ spki }: Certificate, hash: Hash): Uint8Array {
  const reader = new DerReader(spki).sequence();
  reader.element(Tag.sequence);
  return hash.digest(reader.bitString().bytes);
}

function issuerHashes(certificate: Certificate, issuer: Certificate, hash: Hash) {
  return { nameHash: hash.digest(certificate.issuer.raw), keyHash: hashOfKey(issuer, hash) };
}

function nonceExtension(nonce: Uint8Array): Uint8Array {
  const value = element(Tag.octetString, element(Tag.octetString, nonce));
  return element(Tag.sequence, element(Tag.sequence, nonceOid, value));
}

const nonceOid = Uint8Array.of(6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2);
const sha1Oid = Uint8Array.of(6, 5, 0x2b, 14, 3, 2, 26);
const sha256Oid = Uint8Array.of(6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1);

const hashNames: ReadonlyMap<string, HashName> = new Map([
  [Oid.sha1, 'sha1'],
  [Oid.sha256, 'sha256'],
  [Oid.sha384, 'sha384'],
  [Oid.sha512, 'sha512'],
]);
