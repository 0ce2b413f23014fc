import { toHex } from '../../bytes/hex.ts';
import type { Hash } from '../../crypto/provider.ts';
import { Oid } from '../asn1/oids.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { parseSctList } from '../certificate/extensions.ts';
import { readOrUndefined } from '../path/build.ts';
import { type Signatures, UnsupportedAlgorithm } from '../path/signatures.ts';
import type { Steps } from '../path/steps.ts';
import { parseOcspResponse } from '../revocation/ocsp.ts';
import { certificateEntry, parseScts, precertificateEntry, type Sct, signedMessage } from './sct.ts';

/** The demands on Certificate Transparency (RFC 6962). opentls carries no list of logs. */
export interface TransparencyOptions {
  readonly logs: readonly CtLog[];
  /** SHA-256, of any provider. */
  readonly hash: Hash;
  /** How much is enough. Default {@link browserPolicy}. */
  readonly policy?: CtPolicy | undefined;
  /** SignedCertificateTimestampList of the leaf's `signed_certificate_timestamp` extension in TLS (RFC 6962 §3.3.1). */
  readonly fromTls?: Uint8Array | undefined;
}

/** A log of Certificate Transparency that the caller takes timestamps of. */
export interface CtLog {
  /** SubjectPublicKeyInfo, DER. */
  readonly key: Uint8Array;
  /** Timestamps of one operator may count once. Default: one of its own. */
  readonly operator?: string | undefined;
  readonly description?: string | undefined;
  /** Milliseconds since 1970: later timestamps do not count. */
  readonly retiredAt?: number | undefined;
}

/** How many timestamps are enough. */
export interface CtPolicy {
  /** Timestamps at least, of logs that differ. @param lifetime of the leaf, milliseconds */
  readonly minimum: (lifetime: number) => number;
  /** Operators at least. */
  readonly operators: number;
}

const day = 86_400_000;

/** The Chrome Certificate Transparency Policy, and Apple's: two for 180 days, three for more, of two operators. */
export const browserPolicy: CtPolicy = {
  minimum: (lifetime) => (lifetime <= 180 * day ? 2 : 3),
  operators: 2,
};

/** A timestamp that a log has signed for the leaf. */
export interface LoggedSct {
  readonly sct: Sct;
  readonly log: CtLog;
}

/**
 * The timestamps of a leaf that count: of a known log, signed by it, not of the future, one for each log.
 * @param issuer the next certificate of the path
 * @param stapled the OCSP response of the leaf, which may carry some
 */
export function* validScts(
  leaf: Certificate,
  issuer: Certificate,
  options: TransparencyOptions,
  judge: { readonly time: number; readonly signatures: Signatures; readonly stapled: Uint8Array | undefined },
): Steps<readonly LoggedSct[]> {
  const { logs, hash, fromTls } = options;
  const byId = new Map(logs.map((log) => [toHex(hash.digest(log.key)), log]));
  const whole = (): Uint8Array => certificateEntry(leaf);
  const sources: readonly (readonly [list: Uint8Array | undefined, entry: () => Uint8Array])[] = [
    [readOrUndefined(() => leaf.sctList), () => precertificateEntry(leaf, issuer, hash)],
    [fromTls, whole],
    [judge.stapled && readOrUndefined(() => listOfResponse(judge.stapled)), whole],
  ];
  const valid = new Map<string, LoggedSct>();
  for (const [list, entry] of sources) {
    for (const sct of (list && readOrUndefined(() => parseScts(list))) ?? []) {
      const id = toHex(sct.logId);
      const log = byId.get(id);
      if (log === undefined || valid.has(id) || !isTimely(sct, log, judge.time)) continue;
      if (yield* isSignedBy(log, sct, entry(), judge.signatures)) valid.set(id, { sct, log });
    }
  }
  return [...valid.values()];
}

function* isSignedBy(log: CtLog, sct: Sct, entry: Uint8Array, signatures: Signatures): Steps<boolean> {
  const { algorithm, signature } = sct;
  if (algorithm === undefined) return false;
  try {
    return yield* signatures.verify(log.key, { algorithm, message: signedMessage(sct, entry), signature });
  } catch (error) {
    if (error instanceof UnsupportedAlgorithm) return false;
    throw error;
  }
}

/** Why the timestamps do not satisfy the policy; undefined where they do. */
export function missingScts(
  leaf: Certificate,
  valid: readonly LoggedSct[],
  { policy = browserPolicy }: TransparencyOptions,
): string | undefined {
  const wanted = policy.minimum(leaf.notAfter - leaf.notBefore);
  if (!(valid.length >= wanted)) return `${valid.length} of ${wanted} timestamps of Certificate Transparency`;
  const operators = new Set(valid.map(({ log }) => log.operator ?? log)).size;
  return operators >= policy.operators ? undefined : `timestamps of ${operators} of ${policy.operators} operators`;
}

function isTimely({ timestamp }: Sct, { retiredAt = Number.POSITIVE_INFINITY }: CtLog, time: number): boolean {
  return timestamp <= time && timestamp < retiredAt;
}

/** RFC 6962 §3.3: in singleExtensions. */
function listOfResponse(response: Uint8Array | undefined): Uint8Array | undefined {
  if (response === undefined) return undefined;
  const extensions = parseOcspResponse(response).responses.flatMap((single) => single.extensions);
  const found = extensions.find(({ oid }) => oid === Oid.ocspSctList);
  return found && parseSctList(found.value);
}
