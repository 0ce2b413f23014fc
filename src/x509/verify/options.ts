import type { SignatureVerifier } from '../../crypto/provider.ts';
import type { Certificate } from '../certificate/certificate.ts';
import type { GeneralName } from '../certificate/extensions.ts';
import type { PeerName } from '../certificate/identity.ts';
import type { BudgetLimits } from '../path/build.ts';
import type { FetchIssuers } from '../path/issuers.ts';
import type { SignatureCache } from '../path/signatures.ts';
import type { TrustStore } from '../path/trust.ts';
import type { GivenCrl, RevocationOptions } from '../revocation/revocation.ts';
import type { Purpose } from '../rules/checks.ts';
import type { PolicyInputs } from '../rules/policies.ts';
import type { Profile } from '../rules/profile.ts';
import type { TransparencyOptions } from '../transparency/transparency.ts';

/** Options of {@link verifyPeer}. */
export interface VerifyOptions {
  /** The anchors that a path may end at. */
  readonly trust: TrustStore;
  /** The signature algorithms that count: `verifiers` of a provider. */
  readonly verifiers: readonly SignatureVerifier[];
  /**
   * Which the leaf must be for; a list means one of them. `'any'`: names are not looked at, which the purpose `server`
   * wants to hear said; of other purposes it is the default.
   */
  readonly name?: PeerName | readonly PeerName[] | 'any' | undefined;
  /**
   * Names that the caller goes by, or may go by, besides those of subjectAltName, as `subjectNames` lists them: the name
   * constraints of the path bind them, too. Default none; `name` is found in subjectAltName alone.
   * @throws DerError to refuse the path
   */
  readonly reliedOn?: ((leaf: Certificate) => readonly GeneralName[]) | undefined;
  /** The purpose that the leaf must be for. */
  readonly purpose: Purpose;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Default `webpki`. */
  readonly profile?: Profile | undefined;
  /** Intermediates in a path at most, self-issued ones not counted, as in pathLenConstraint. Default 8. */
  readonly maxDepth?: number | undefined;
  /** Bounds on the work for one chain. Default `defaultBudget`. */
  readonly budget?: Partial<BudgetLimits> | undefined;
  /** Signatures already found good; shared by the verifications of one context. Default none. */
  readonly cache?: SignatureCache | undefined;
  /** More signatures that are good, for this verification alone: those of a session (`ChainRequest.remembered`). */
  readonly remembered?: SignatureCache | undefined;
  /** The demands on certificate policies. Default: those of the profile; `{}` checks policies in any profile. */
  readonly policy?: PolicyInputs | undefined;
  /** Revocation lists. Where there are any, every certificate below the anchor needs a list that does not revoke it. */
  readonly crls?: readonly GivenCrl[] | undefined;
  /** How revocation is looked at. Default: `hard` where there are lists, else `off`. */
  readonly revocation?: RevocationOptions | undefined;
  /** The demands on Certificate Transparency. Default: none. */
  readonly transparency?: TransparencyOptions | undefined;
  /** Where issuers that were not sent come from. Default nowhere: nothing is ever fetched by itself. */
  readonly fetchIssuers?: FetchIssuers | undefined;
}
