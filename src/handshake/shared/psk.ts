import { equal, equalConstantTime } from '../../bytes/equal.ts';
import type { CryptoProvider, Hash } from '../../crypto/provider.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { checkVerifyData, EarlySecret, type PskKind, verifyData } from '../../keys/schedule.ts';
import { Transcript } from '../../keys/transcript.ts';
import type { PskOrigin, SessionState } from '../../session/session.ts';
import { SignatureCache } from '../../x509/path/signatures.ts';
import type { ChainRequest, ChainVerdict } from '../terms/config.ts';
import type { Role } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';

/** A PSK with its early secret, which makes its binder and begins the key schedule (RFC 9846 §7.1). */
export interface BindablePsk {
  readonly kind: PskKind;
  readonly hash: Hash;
  readonly early: EarlySecret;
}

/** Bytes of `PskBinderEntry binders<33..2^16-1>` with its length field (RFC 9846 §4.3.11). */
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

/** Whether a binder is right; compared in constant time. */
export function checkBinder({ kind, hash, early }: BindablePsk, transcript: Transcript, binder: Uint8Array): boolean {
  const key = early.binderKey(kind);
  const matches = checkVerifyData(hash, key, transcript.hash(), binder);
  key.wipe();
  return matches;
}

/** A copy of the transcript, with the ClientHello up to its binders added (RFC 9846 §4.3.11.2). */
export function withTruncated(before: Transcript, message: Uint8Array, binders: number): Transcript {
  const transcript = before.fork();
  transcript.add(message.subarray(0, message.length - binders));
  return transcript;
}

/** An external PSK with its early secret. */
export function bindable(hash: Hash, { secret, imported }: ExternalPsk): BindablePsk {
  return { kind: imported === true ? 'imported' : 'external', hash, early: EarlySecret.from(hash, secret) };
}

/**
 * The external PSK that a PSK is; for the PSK of a session, the one that the session's first handshake used, if any.
 */
export function originOf(
  psk: BindablePsk & { readonly identity: Uint8Array },
  session: SessionState | undefined,
): PskOrigin | undefined {
  return session === undefined ? { identity: psk.identity.slice(), proof: proofOf(psk) } : session.externalPsk;
}

/** Whether an external PSK is the one that a session's first handshake used. */
export function isOrigin({ hashes }: CryptoProvider, psk: ExternalPsk, { identity, proof }: PskOrigin): boolean {
  if (!equal(psk.identity, identity)) return false;
  const candidate = bindable(hashes[psk.hash], psk);
  const same = equalConstantTime(proofOf(candidate), proof);
  candidate.early.wipe();
  return same;
}

/**
 * Identifies a PSK without revealing it: a binder over an empty transcript. No ClientHello has such a binder, so it is
 * of no use to somebody who reads it out of a ticket store.
 */
function proofOf(psk: BindablePsk): Uint8Array {
  return binderOf(psk, Transcript.from(psk.hash));
}

/**
 * Asks verifyChain about the chain of an earlier handshake: a peer that was acceptable then, under whatever
 * configuration, need not be acceptable now. Signatures that were good then are not computed again.
 * @param peer the role of the peer
 */
export function judgeSession(
  { config }: Endpoint,
  peer: Role,
  serverName: string | undefined,
  session: SessionState,
): Script<ChainVerdict> {
  const request: ChainRequest = {
    peer,
    serverName,
    remembered: new SignatureCache({ hash: config.provider.hashes.sha256, good: session.peerSignatures }),
    chain: session.peerChain,
    certificateType: session.peerChainType,
    ocspResponse: session.peerOcspResponse,
    timestamps: session.peerTimestamps,
    resumed: true,
  };
  return ask('verifyChain', { request, verify: config.verifyChain });
}

/** PskKeyExchangeMode, RFC 9846 §4.3.9. */
export const pskModeIds = { psk_ke: 0, psk_dhe_ke: 1 } as const;
