import type { Certificate } from '../x509/certificate/certificate.ts';
import { nameText } from '../x509/certificate/names.ts';
import type { PassedOver } from '../x509/path/passed-over.ts';
import type { Verdict } from '../x509/verify/verified-peer.ts';

export type ChainFinding =
  /** Subjects, from the leaf to the anchor. */
  | { readonly ok: true; readonly path: readonly string[] }
  | {
      readonly ok: false;
      readonly code: string;
      readonly reason: string;
      readonly paths: readonly TriedPath[];
      readonly passedOver: readonly PassedOver[];
    };

/** A refused path: its subjects from the leaf on, and which certificate was refused. */
export interface TriedPath {
  readonly code: string;
  readonly reason: string;
  readonly path: readonly string[];
  readonly at: number;
}

/** A verdict, for people. */
export function chainFinding(verdict: Verdict): ChainFinding {
  const subjects = (path: readonly Certificate[]) => path.map(({ subject }) => nameText(subject));
  if (verdict.ok) return { ok: true, path: subjects(verdict.peer.certificates) };
  const paths = verdict.paths.map(({ code, reason, certificates, at }) => {
    return { code, reason, path: subjects(certificates), at };
  });
  const { code, reason, passedOver } = verdict;
  return { ok: false, code, reason: hints.get(code) ?? reason, paths, passedOver };
}

/** Codes whose reasons are OpenSSL's, which do not say what to do. */
const hints: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'the server certificate is self-signed and not among the trusted ones'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'the chain ends in a self-signed certificate that is not among the trusted ones'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'the issuer of the last certificate is not among the trusted ones'],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'the issuer of the server certificate was neither sent nor is it among the trusted ones',
  ],
]);
