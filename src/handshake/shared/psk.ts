import { equal, equalConstantTime } from '../../bytes/equal.ts';
import type { CryptoProvider, Hash } from '../../crypto/provider.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { checkVerifyData, EarlySecret, type PskKind, verifyData } from '../../keys/schedule.ts';
import { Transcript } from '../../keys/transcript.ts';
import type { PskOrigin, SessionState } from '../../session/session.ts';
import { SignatureCache } from '../../x509/path/signatures.ts';
import type { ChainRequest } from '../terms/config.ts';

/** A PSK in use: what its binder is made with, and what the key schedule begins with. */
export interface BindablePsk {
  readonly kind: PskKind;
  readonly hash: Hash;
  readonly early: EarlySecret;
}

/** PskBinderEntry binders<33..2^16-1>, as long as the list is on the wire (RFC 9846 §4.3.11). */
export function bindersLength(hashes: readonly Hash[]): number {
  return hashes.reduce((sum, hash) => sum + 1 + hash.length, 2);
}

/**
 * PskBinderEntry, RFC 9846 §4.3.11.2.
 * @param transcript up to the ClientHello without its binders
 */
export function binderOf({ kind, hash, early }: BindablePsk, transcript: Transcript): Uint8Array {
  const key = early.binderKey(kind);
  const binder = verifyData(hash, key, transcript.hash());
  key.wipe();
  return binder;
}

/** In constant time. */
export function checkBinder({ kind, hash, early }: BindablePsk, transcript: Transcript, binder: Uint8Array): boolean {
  const key = early.binderKey(kind);
  const matches = checkVerifyData(hash, key, transcript.hash(), binder);
  key.wipe();
  return matches;
}

/** The same transcript with a ClientHello up to its binders (RFC 9846 §4.3.11.2). */
export function withTruncated(before: Transcript, message: Uint8Array, binders: number): Transcript {
  const transcript = before.fork();
  transcript.add(message.subarray(0, message.length - binders));
  return transcript;
}

/** A key agreed outside of TLS, ready for use. */
export function bindable(hash: Hash, { secret, imported }: ExternalPsk): BindablePsk {
  return { kind: imported === true ? 'imported' : 'external', hash, early: EarlySecret.from(hash, secret) };
}

/** The key agreed outside of TLS that a PSK is, or that the session goes back to which it comes from. */
export function originOf(
  psk: BindablePsk & { readonly identity: Uint8Array },
  session: SessionState | undefined,
): PskOrigin | undefined {
  return session === undefined ? { identity: psk.identity.slice(), proof: proofOf(psk) } : session.externalPsk;
}

/** Whether a key is still the one that a session goes back to. */
export function isOrigin({ hashes }: CryptoProvider, psk: ExternalPsk, { identity, proof }: PskOrigin): boolean {
  if (!equal(psk.identity, identity)) return false;
  const candidate = bindable(hashes[psk.hash], psk);
  const same = equalConstantTime(proofOf(candidate), proof);
  candidate.early.wipe();
  return same;
}

/** A binder over nothing at all, which no ClientHello has: whoever sees it can make none. */
function proofOf(psk: BindablePsk): Uint8Array {
  return binderOf(psk, Transcript.from(psk.hash));
}

/** The chain of an earlier handshake, with what came with it, to be judged again; its signatures are known. */
export function sessionChain(
  { hashes }: CryptoProvider,
  state: SessionState,
): Omit<ChainRequest, 'peer' | 'serverName'> {
  return {
    remembered: new SignatureCache({ hash: hashes.sha256, good: state.peerSignatures }),
    chain: state.peerChain,
    certificateType: state.peerChainType,
    ocspResponse: state.peerOcspResponse,
    timestamps: state.peerTimestamps,
    resumed: true,
  };
}

/** PskKeyExchangeMode, RFC 9846 §4.3.9. */
export const pskModeIds = { psk_ke: 0, psk_dhe_ke: 1 } as const;
