import type { SignatureAlgorithm } from '../../crypto/provider.ts';
import { TlsError } from '../../errors.ts';
import { DerError } from '../../x509/asn1/der.ts';
import { type Certificate, isSelfIssued, parseCertificate } from '../../x509/certificate/certificate.ts';
import type { Credential } from '../terms/credential.ts';
import { algorithmOf } from './schemes.ts';

/** Of credentials whose keys all fit the peer: the one whose chain does, too, or does it least harm. */
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
    // RFC 9846 §4.5.1.2: signed with what the peer takes; else with anything but SHA-1.
    order.find(({ chain }) => signaturesOf(chain).every((algorithm) => accepted.has(algorithm))) ??
    order.find(({ chain }) => signaturesOf(chain).every((algorithm) => algorithm?.endsWith('_sha1') !== true)) ??
    order[0];
  return best?.candidate;
}

/** What is no certificate is left out: the peer will say so. */
export function certificatesOf({ type = 'X509', chain }: Credential): readonly Certificate[] {
  return type === 'X509' ? chain.flatMap((der) => readOrNothing(() => parseCertificate(der)) ?? []) : [];
}

/** RFC 9846 §4.5.1.2: digitalSignature must be set, where there is a key usage at all. */
function maySign([leaf]: readonly Certificate[]): boolean {
  return readOrNothing(() => leaf?.keyUsage?.has('digitalSignature')) !== false;
}

/** What is self-signed is trusted for what it is, not for its signature. */
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
