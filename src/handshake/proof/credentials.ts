import { equal } from '../../bytes/equal.ts';
import { type LocalErrorCode, reject, TlsError } from '../../errors.ts';
import type { CertificateType } from '../../session/session.ts';
import { CertificateTypeId } from '../../wire/enums.ts';
import { type Credential, certificateTypeOf, type Role } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import { isHandshakeScheme } from '../terms/schemes.ts';
import type { Script } from '../terms/script.ts';
import { bestChain, certificatesOf } from './chains.ts';
import { whyNotInForce } from './delegation.ts';

/** A credential, with the scheme to sign with that the peer accepts. */
export interface Authentication {
  readonly credential: Credential;
  readonly scheme: number;
}

/** The credentials that the peer said it accepts, in its ClientHello or CertificateRequest. */
export interface AcceptableCredentials {
  /** The role of this endpoint, which signs. */
  readonly signer: Role;
  /** signature_algorithms */
  readonly schemes: readonly number[];
  /** delegated_credential (RFC 9345 §4.1); empty: the peer accepts no delegated credential. */
  readonly delegationSchemes: readonly number[];
  /** signature_algorithms_cert; where it is absent, signature_algorithms. */
  readonly certificateSchemes: readonly number[];
  readonly certificateTypes: readonly CertificateType[];
  /** certificate_authorities, DER names; empty: the peer did not send the extension. */
  readonly authorities: readonly Uint8Array[];
}

/** Why a credential does not fit. */
type Misfit = Extract<
  LocalErrorCode,
  'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME' | 'ERR_TLS_NO_SHARED_CERTIFICATE_TYPE' | 'ERR_TLS_NO_MATCHING_ISSUER'
>;

/**
 * The first credential that fits (RFC 9846 §4.5.1.1, §4.5.1.2), with the first of its schemes that the peer accepts. A
 * credential whose chain is signed with algorithms that the peer accepts goes before others. certificate_authorities
 * is a hint, which counts only for credentials that say `mustMatchIssuer`.
 */
export function chooseAuthentication(
  credentials: readonly Credential[],
  peer: AcceptableCredentials,
): Authentication | undefined {
  const fitting = credentials.flatMap((credential) => {
    const scheme = fittingScheme(credential, peer);
    return typeof scheme === 'number' ? [{ credential, scheme }] : [];
  });
  return bestChain(fitting, peer.certificateSchemes);
}

/** The result of {@link chooseInForce}. */
export interface Choice {
  readonly authentication: Authentication | undefined;
  /** Why the last delegated credential that fitted the peer was passed over. */
  readonly passedOver: string | undefined;
}

/** As {@link chooseAuthentication}, but passes over delegated credentials that the peer would refuse now. */
export function* chooseInForce(
  endpoint: Endpoint,
  credentials: readonly Credential[],
  peer: AcceptableCredentials,
): Script<Choice> {
  let passedOver: string | undefined;
  for (let left = credentials; ; ) {
    const authentication = chooseAuthentication(left, peer);
    const delegation = authentication?.credential.delegation;
    const problem = delegation && (yield* whyNotInForce(endpoint, delegation, peer.signer));
    if (problem === undefined) return { authentication, passedOver };
    passedOver = problem;
    left = left.filter((credential) => credential !== authentication?.credential);
  }
}

/**
 * Ends the handshake where no credential fits, and says why the last one does not.
 * @param passedOver of {@link Choice}: why the credential that does fit cannot be used
 */
export function refuseCredentials(
  credentials: readonly Credential[],
  peer: AcceptableCredentials,
  passedOver: string | undefined,
): never {
  if (passedOver !== undefined) {
    const message = `the delegated credential that fits was passed over: ${passedOver}`;
    throw new TlsError('ERR_TLS_DELEGATION', message, { alert: 'handshake_failure', blame: 'config' });
  }
  const last = credentials.at(-1);
  if (last === undefined) {
    throw new TlsError(
      'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME',
      'the server has no certificate: none was given for the name that the client asks for',
      { alert: 'handshake_failure', blame: 'config' },
    );
  }
  const misfit = fittingScheme(last, peer);
  const code = typeof misfit === 'string' ? misfit : 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME';
  // RFC 7250 §4.2 has unsupported_certificate for the type; other implementations send handshake_failure there as well.
  return reject(code, 'handshake_failure', reasons[code]);
}

/** The certificate types of an extension; where it is absent, X.509 alone (RFC 7250 §4.1). */
export function typesOf(ids: readonly number[] | undefined): CertificateType[] {
  if (ids === undefined) return ['X509'];
  const types = ['X509', 'RawPublicKey'] as const;
  return ids.flatMap((id) => types.filter((type) => CertificateTypeId[type] === id));
}

function fittingScheme(credential: Credential, peer: AcceptableCredentials): number | Misfit {
  if (!peer.certificateTypes.includes(certificateTypeOf(credential))) return 'ERR_TLS_NO_SHARED_CERTIFICATE_TYPE';
  const scheme = commonScheme(credential, peer);
  if (scheme === undefined) return 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME';
  if (credential.mustMatchIssuer === true && !isIssuedBy(credential, peer.authorities)) {
    return 'ERR_TLS_NO_MATCHING_ISSUER';
  }
  return scheme;
}

function commonScheme({ signer, delegation }: Credential, peer: AcceptableCredentials): number | undefined {
  const mutual = signer.schemes.filter((own) => isHandshakeScheme(own, peer.signer));
  if (delegation === undefined) return mutual.find((own) => peer.schemes.includes(own));
  // RFC 9345 §4.1.1: the peer accepts the delegated key's scheme and the algorithm that the delegation is signed with.
  const fits = peer.delegationSchemes.includes(delegation.scheme) && peer.schemes.includes(delegation.algorithm);
  return fits ? mutual.find((own) => own === delegation.scheme) : undefined;
}

/** RFC 9846 §4.3.4: an authority may have issued any certificate of the chain. */
function isIssuedBy(credential: Credential, authorities: readonly Uint8Array[]): boolean {
  return certificatesOf(credential).some(({ issuer }) => authorities.some((name) => equal(issuer.raw, name)));
}

const reasons: Readonly<Record<Misfit, string>> = {
  ERR_TLS_NO_SHARED_SIGNATURE_SCHEME: 'no certificate fits the signature schemes of the peer',
  ERR_TLS_NO_SHARED_CERTIFICATE_TYPE:
    'no credential is of a certificate type that the peer accepts (X.509 or raw public key)',
  ERR_TLS_NO_MATCHING_ISSUER: 'no certificate is of an issuer that the peer knows',
};
