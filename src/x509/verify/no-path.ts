import type { Certificate } from '../certificate/certificate.ts';
import { isSelfSignedName, type Path, presentedChain, vouches } from '../path/build.ts';
import type { CertificatePool } from '../path/pool.ts';
import type { TrustStore } from '../path/trust.ts';
import { CheckFailure } from '../rules/check-failure.ts';
import { checkTime } from '../rules/checks.ts';
import type { FailedPath } from './failed-path.ts';

/** Explains in OpenSSL's terms why no path leads to an anchor, by the last certificate of the presented chain. */
export function explainNoPath(
  leaf: Certificate,
  intermediates: CertificatePool,
  trust: TrustStore,
  time: number,
  maxDepth: number,
): FailedPath {
  const path = presentedChain(leaf, intermediates, maxDepth);
  const wrongTime = findWrongTime(path, time);
  if (wrongTime !== undefined) {
    return { code: wrongTime.code, reason: wrongTime.message, certificates: path, at: wrongTime.at };
  }
  return { ...missingIssuer(path, trust), certificates: path, at: path.length - 1 };
}

function missingIssuer(path: Path, trust: TrustStore): Pick<FailedPath, 'code' | 'reason'> {
  const top = path.at(-1);
  if (top !== undefined && endsInPartialTrust(top, trust)) {
    return { code: 'UNABLE_TO_GET_ISSUER_CERT', reason: 'unable to get issuer certificate' };
  }
  const selfSigned = top !== undefined && isSelfSignedName(top);
  if (selfSigned && path.length === 1)
    return { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', reason: 'self-signed certificate' };
  if (selfSigned) {
    return { code: 'SELF_SIGNED_CERT_IN_CHAIN', reason: 'self-signed certificate in certificate chain' };
  }
  if (path.length === 1) {
    return { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', reason: 'unable to verify the first certificate' };
  }
  return { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', reason: 'unable to get local issuer certificate' };
}

/** Whether the chain ends at a trusted certificate that is not self-signed, whose issuer is missing. */
function endsInPartialTrust(top: Certificate, trust: TrustStore): boolean {
  if (trust.allowPartial || isSelfSignedName(top)) return false;
  return trust.has(top) || trust.named(top.issuer).some((anchor) => !isSelfSignedName(anchor) && vouches(anchor, top));
}

/** OpenSSL checks times last and reports the last error: the one nearest to the leaf. */
function findWrongTime(path: Path, time: number): CheckFailure | undefined {
  for (const [i, certificate] of path.entries()) {
    try {
      checkTime(certificate, time, i);
    } catch (error) {
      if (error instanceof CheckFailure) return error;
      throw error;
    }
  }
  return undefined;
}
