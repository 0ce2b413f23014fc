import { concat } from '../../bytes/concat.ts';
import { equal } from '../../bytes/equal.ts';
import { utf8 } from '../../bytes/utf8.ts';
import type { Signer } from '../../crypto/provider.ts';
import { misuse, TlsError } from '../../errors.ts';
import { MAX_DELEGATION_VALIDITY } from '../../limits.ts';
import { bytes, having, listOf, ownDer } from '../../options.ts';
import { SignatureScheme } from '../../wire/enums.ts';
import { code, opaque, readExactly, struct, u32 } from '../../wire/schema.ts';
import { Oid } from '../../x509/asn1/oids.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate/certificate.ts';
import { parseSpki } from '../../x509/certificate/spki.ts';
import type { Credential, Delegation, DelegationTerms, Role } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import { isHandshakeScheme, schemeFitsKey, verifierFor } from '../terms/schemes.ts';
import { ask, type Script } from '../terms/script.ts';

/**
 * struct {
 *     uint32 valid_time;
 *     SignatureScheme dc_cert_verify_algorithm;
 *     opaque ASN1_subjectPublicKeyInfo<1..2^24-1>;
 *     SignatureScheme algorithm;
 *     opaque signature<1..2^16-1>;
 * } DelegatedCredential;  RFC 9345 §4, with the struct Credential unfolded
 */
interface DelegatedCredential {
  readonly validTime: number;
  readonly dcCertVerifyAlgorithm: number;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly algorithm: number;
  readonly signature: Uint8Array;
}
const DelegatedCredential = struct<DelegatedCredential>('DelegatedCredential', {
  validTime: u32,
  dcCertVerifyAlgorithm: code(2, SignatureScheme),
  subjectPublicKeyInfo: opaque('u24', 1),
  algorithm: code(2, SignatureScheme),
  signature: opaque('u16', 1),
});

/**
 * A server's credential whose key is delegated (RFC 9345), for clients that offer delegated_credential. Give an
 * ordinary credential after it in `credentials`, for other clients. The server passes over a delegation whose signature
 * is wrong or whose time has ended.
 * @param delegation the struct DelegatedCredential, as the holder of the certificate has signed it
 * @param signer of the delegated key
 * @throws TlsError ERR_TLS_DELEGATION for one that is malformed, of an algorithm that is not allowed or does not fit
 *   its key, and for a certificate that may not delegate (RFC 9345 §4.2); ERR_TLS_KEY_MISMATCH for another key
 */
export function delegatedCredential(chain: readonly Uint8Array[], delegation: Uint8Array, signer: Signer): Credential {
  listOf(ownDer, 1)(chain, 'delegatedCredential: chain');
  bytes()(delegation, 'delegatedCredential: delegation');
  having<Signer>('sign')(signer, 'delegatedCredential: signer');
  const parsed = readExactly(DelegatedCredential, delegation);
  if (parsed === undefined) misuse('ERR_TLS_DELEGATION', 'a malformed delegated credential');
  const { dcCertVerifyAlgorithm: scheme, subjectPublicKeyInfo: spki, algorithm } = parsed;
  // RFC 9345 §4: not the schemes of rsaEncryption keys.
  if (rsaEncryptionSchemes.includes(scheme)) {
    misuse('ERR_TLS_DELEGATION', 'a delegated credential for a key of rsaEncryption');
  }
  if (signer.publicKey !== undefined && !equal(signer.publicKey, spki)) {
    misuse('ERR_TLS_KEY_MISMATCH', 'the signer is not of the key that was delegated');
  }
  const [der = new Uint8Array(0)] = chain;
  const leaf = readLeaf(der);
  if (!leaf.extensions.some(({ oid }) => oid === Oid.delegationUsage) || !leaf.keyUsage?.has('digitalSignature')) {
    misuse('ERR_TLS_DELEGATION', 'the certificate has no DelegationUsage, or no digitalSignature: it may not delegate');
  }
  if (!isHandshakeScheme(scheme, 'server') || !schemeFitsKey(scheme, parseSpki(spki))) {
    misuse('ERR_TLS_DELEGATION', 'dc_cert_verify_algorithm does not fit the key that was delegated');
  }
  if (!schemeFitsKey(algorithm, leaf.publicKey)) {
    misuse('ERR_TLS_DELEGATION', 'the algorithm of the delegation does not fit the key of the certificate');
  }
  const terms: DelegationTerms = {
    notAfter: leaf.notBefore + parsed.validTime * 1000,
    spki: leaf.spki,
    content: concat([der, delegation.subarray(0, delegation.length - 2 - parsed.signature.length)]),
    signature: parsed.signature,
    signedFor: new Set(),
  };
  return { chain, signer, delegation: { raw: delegation, scheme, algorithm, terms } };
}

/** Why a peer would refuse the delegation now (RFC 9345 §4.1.3); undefined where it would accept it. */
export function* whyNotInForce(
  { config }: Endpoint,
  { terms, algorithm }: Delegation,
  role: Role,
): Script<string | undefined> {
  if (terms === undefined) return undefined;
  const now = config.now();
  if (now > terms.notAfter) return 'it has ended';
  if (terms.notAfter - now > MAX_DELEGATION_VALIDITY * 1000) return 'more than seven days of it are left';
  if (terms.signedFor.has(role)) return undefined;
  const verifier = verifierFor(config.provider, algorithm);
  if (verifier === undefined) return 'the provider cannot verify its signature';
  const { spki, content, signature } = terms;
  const message = concat([utf8(`${' '.repeat(64)}TLS, ${role} delegated credentials\0`), content]);
  const good = yield* ask('verifySignature', { verifier, spki, message, signature });
  if (!good) return `its signature is not that of the certificate's key for a ${role}`;
  terms.signedFor.add(role);
  return undefined;
}

function readLeaf(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw new TlsError('ERR_TLS_DELEGATION', 'the certificate that delegates cannot be read', {
      blame: 'config',
      cause,
    });
  }
}

const rsaEncryptionSchemes: readonly number[] = [
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
];
