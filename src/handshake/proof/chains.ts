import type { SignatureAlgorithm } from '../../crypto/provider.ts';
import { TlsError } from '../../errors.ts';
import { DerError } from '../../x509/asn1/der.ts';
import { type Certificate, isSelfIssued, parseCertificate } from '../../x509/certificate/certificate.ts';
import { type Credential, certificateTypeOf } from '../terms/credential.ts';
import { algorithmOf } from '../terms/schemes.ts';

/**
 * Chooses among credentials whose keys all fit the peer: the first whose chain is signed with algorithms that the peer
 * accepts, else the first without SHA-1, else the first (RFC 9846 §4.5.1.2).
 */
export function bestChain<T extends { readonly credential: Credential }>(
  candidates: readonly T[],
  schemes: readonly number[],
): T | undefined {
  if (candidates.length < 2) return candidates[0];
  const accepted = new Set(schemes.map(algorithmOf));
  const read = candidates.map((candidate) => ({ candidate, chain: certificatesOf(candidate.credential) }));
  const signing = read.filter(({ chain }) => maySign(chain));
  const order = signing.length > 0 ? signing : read;
  const best =
    order.find(({ chain }) => signaturesOf(chain).every((algorithm) => accepted.has(algorithm))) ??
    order.find(({ chain }) => signaturesOf(chain).every((algorithm) => algorithm?.endsWith('_sha1') !== true)) ??
    order[0];
  return best?.candidate;
}

/** The certificates of a credential. An entry that cannot be parsed is left out here; the peer will refuse it. */
export function certificatesOf(credential: Credential): readonly Certificate[] {
  const { chain } = credential;
  return certificateTypeOf(credential) === 'X509'
    ? chain.flatMap((der) => readOrNothing(() => parseCertificate(der)) ?? [])
    : [];
}

/** RFC 9846 §4.5.1.2: a leaf with a key usage extension must have digitalSignature set. */
function maySign([leaf]: readonly Certificate[]): boolean {
  return readOrNothing(() => leaf?.keyUsage?.has('digitalSignature')) !== false;
}

/**
 * The signature algorithms of a chain. The signature of a self-issued certificate does not count (RFC 9846 §4.5.1.2).
 */
function signaturesOf(chain: readonly Certificate[]): readonly (SignatureAlgorithm | undefined)[] {
  return chain.filter((certificate) => !isSelfIssued(certificate)).map(({ signature }) => signature.algorithm);
}

function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError || error instanceof TlsError) return undefined;
    throw error;
  }
}
