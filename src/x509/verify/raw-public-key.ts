import { equal } from '../../bytes/equal.ts';
import { derBytes, listOf, ownDer } from '../../options.ts';
import { parseSpki } from '../certificate/spki.ts';
import { refused } from './refusal.ts';
import { mintPeer, type UnverifiedRawKey, type Verdict, type VerifiedRawKey } from './verified-peer.ts';

/**
 * Accepts a raw public key that is one of those known (RFC 7250 §6: how they became known is up to the application).
 * @param known SubjectPublicKeyInfo, DER
 * @throws DerError for a key that is malformed; TlsError ERR_TLS_CONFIG for what is no bytes, and for known keys as PEM
 */
export function verifyRawPublicKey(spki: Uint8Array, known: readonly Uint8Array[]): Verdict {
  derBytes(spki, 'verifyRawPublicKey: spki');
  listOf(ownDer)(known, 'verifyRawPublicKey: known');
  if (!known.some((key) => equal(key, spki))) {
    return refused({ code: 'RPK_UNTRUSTED', reason: 'the raw public key is not one of those known' });
  }
  return { ok: true, peer: mintPeer<VerifiedRawKey>({ ...ofRawKey(spki), verified: true }) };
}

/** Takes a raw public key as it is: for callers that decide by other means. @throws DerError where it is malformed */
export function dangerouslyTrustRawPublicKey(spki: Uint8Array): UnverifiedRawKey {
  return mintPeer<UnverifiedRawKey>({ ...ofRawKey(spki), verified: false });
}

function ofRawKey(spki: Uint8Array) {
  const rawPublicKey = { spki, publicKey: parseSpki(spki) };
  return { certificates: [], rawPublicKey, policies: [], failure: undefined } as const;
}
