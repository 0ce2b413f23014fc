import { isIP } from 'node:net';
import { type Awaitable, isThenable } from '../../../crypto/provider.ts';
import { TlsError } from '../../../errors.ts';
import { verifier } from '../../../handshake/proof/verifier.ts';
import type { ChainRequest, ChainVerdict } from '../../../handshake/terms/config.ts';
import type { ShownCertificate } from '../../../x509/certificate/certificate.ts';
import type { Failure } from '../../../x509/verify/failed-path.ts';
import type { Verdict, VerifiedPeer } from '../../../x509/verify/verified-peer.ts';
import { dangerouslyTrust } from '../../../x509/verify/verify.ts';
import { namesReliedOn } from '../certificate/identity.ts';
import type { ContextState } from '../context/context.ts';
import { certificateCode, toNodeError } from '../support/errors.ts';

export interface PeerPolicy {
  /** Client: the host that it means to reach. */
  readonly host: string | undefined;
  /** The context whose trust anchors count. A server asks for it late: SNICallback may choose another one. */
  readonly context: () => ContextState;
  /** Whether a peer that is not authorized ends the connection. */
  readonly enforce: boolean;
  /** Client: the error of a certificate that is not for the host. Called once the path is valid. */
  readonly nameCheck: ((path: readonly ShownCertificate[]) => Error | undefined) | undefined;
}

/** Judges the peer's chain in the middle of the handshake, so that the peer gets the right alert. */
export class PeerCheck {
  readonly #policy: PeerPolicy;
  #failure: Failure | undefined;
  #identityError: Error | undefined;

  constructor(policy: PeerPolicy) {
    this.#policy = policy;
  }

  /** `authorizationError`: why the peer is not authorized; null where it is, or before a check. */
  get code(): string | null {
    const error: (Error & { readonly code?: unknown }) | undefined = this.#identityError;
    if (error !== undefined) return typeof error.code === 'string' ? error.code : error.message;
    return this.#failure === undefined ? null : certificateCode(this.#failure.code);
  }

  /** The error of the peer's chain, whatever its names are; null where the chain is trusted, or before a check. */
  get chainError(): Error | null {
    const failure = this.#failure;
    return failure === undefined ? null : toNodeError(new TlsError(failure.code, failure.reason));
  }

  /** {@link PeerPolicy.enforce} */
  get enforces(): boolean {
    return this.#policy.enforce;
  }

  /** `authorizationError` after `requestCertificate()`. @param peer undefined where the client sent no certificate */
  codeOfClient(peer: VerifiedPeer | undefined): string | null {
    return peer === undefined ? 'UNABLE_TO_GET_ISSUER_CERT' : this.code;
  }

  verify(request: ChainRequest): Awaitable<ChainVerdict> {
    const { trust, links, provider, now, verification } = this.#policy.context();
    // A second call comes where a client has not offered a session, because the chain was refused: it starts anew.
    this.#failure = undefined;
    this.#identityError = undefined;
    const verify = verifier({
      ...verification,
      trust,
      verifiers: provider.verifiers,
      // As in node:tls, checkServerIdentity checks the name, once the path is valid.
      name: 'any',
      reliedOn: (leaf) => namesReliedOn(leaf, this.#policy.host),
      now,
    });
    const verdict = verify({ ...request, chain: [...request.chain, ...links] });
    if (isThenable(verdict)) return verdict.then((settled) => this.#judge(request, settled));
    return this.#judge(request, verdict);
  }

  #judge(request: ChainRequest, verdict: Verdict): ChainVerdict {
    this.#failure = verdict.ok ? this.#leafFailure(verdict.peer) : { code: verdict.code, reason: verdict.reason };
    if (this.#failure !== undefined && this.#policy.enforce) return { ok: false, ...this.#failure };
    if (this.#failure !== undefined || !verdict.ok) {
      return { ok: true, peer: dangerouslyTrust(request.chain, this.#failure) };
    }
    this.#identityError = this.#policy.nameCheck?.(verdict.peer.certificates);
    if (this.#identityError === undefined || !this.#policy.enforce) return verdict;
    const cause = this.#identityError;
    return { ok: false, code: 'HOSTNAME_MISMATCH', reason: cause.message, cause };
  }

  /** Why the leaf is refused although its path is valid: node:tls has no such checks. */
  #leafFailure(peer: VerifiedPeer): Failure | undefined {
    const [leaf] = peer.certificates;
    if (leaf === undefined) return undefined;
    const names = leaf.unreadable.find(({ field }) => field === 'subjectAltName');
    // checkServerIdentity would take the certificate for one without names, and use its common name.
    const form = isIP(this.#policy.host ?? '') === 0 ? 'dns' : 'ip';
    const hasNoSuchName = leaf.subjectAltName?.some(({ type }) => type === form) !== true;
    if (this.#policy.nameCheck !== undefined && names !== undefined && hasNoSuchName) {
      return { code: 'INVALID_EXTENSION', reason: `subjectAltName cannot be read: ${names.reason}` };
    }
    // With `enforce`, the engine makes this check (its option anyCertificate is off).
    return this.#policy.enforce ? undefined : notForSigning(peer);
  }
}

/** The check of key usage in RFC 9846 §4.5.1.2, which the engine leaves out with `anyCertificate`. */
export function notForSigning({ certificates: [leaf] }: VerifiedPeer): Failure | undefined {
  if (leaf?.keyUsage?.has('digitalSignature') !== false) return undefined;
  return { code: 'INVALID_PURPOSE', reason: 'the key of the certificate is not for digital signatures' };
}
