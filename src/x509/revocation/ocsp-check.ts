import { equal } from '../../bytes/equal.ts';
import { TlsError } from '../../errors.ts';
import { DerError, endOf } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { type Certificate, parseCertificate } from '../certificate/certificate.ts';
import { type CertificateExtension, ExtensionOid, ExtKeyUsageOid, whole } from '../certificate/extensions.ts';
import { sameName } from '../certificate/names.ts';
import { type RevocationStatus, unknownStatus } from '../certificate/revocation-status.ts';
import { readOrUndefined } from '../path/build.ts';
import { type Signatures, signedData } from '../path/signatures.ts';
import type { Steps } from '../path/steps.ts';
import { isTooWeak, type Profile } from '../rules/profile.ts';
import { type CertStatus, type OcspResponse, parseOcspResponse, type SingleResponse } from './ocsp.ts';
import { type Hashes, hashOfKey, isFor } from './ocsp-id.ts';

/** The inputs of {@link ocspStatus} beside the certificate and the response. */
export interface OcspSource {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds after thisUpdate when a response is stale whatever its nextUpdate says. Default: never. */
  readonly maxAge?: number | undefined;
  readonly hashes: Hashes;
  readonly profile: Profile;
  readonly signatures: Signatures;
  /** The nonce of the request, which the response has to repeat. Default: none; the check then ignores a nonce. */
  readonly nonce?: Uint8Array | undefined;
}

/**
 * What an OCSP response says of a certificate (RFC 6960 §3.2).
 * @param der OCSPResponse
 * @param issuer the next certificate of the path
 */
export function* ocspStatus(
  der: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  source: OcspSource,
): Steps<RevocationStatus> {
  try {
    const response = parseOcspResponse(der);
    const singles = response.responses.filter(({ certId }) => isFor(certId, certificate, issuer, source.hashes));
    const complaint = wrongForm(response, singles, certificate, source);
    if (complaint !== undefined) return unknownStatus('OCSP_VERIFY_FAILED', complaint);
    if (!(yield* isSigned(response, issuer, source))) {
      return unknownStatus('OCSP_VERIFY_FAILED', 'an OCSP response that nobody who may has signed');
    }
    return worst(singles.map(({ certStatus }) => certStatus));
  } catch (error) {
    if (error instanceof TlsError && error.code === 'INVALID_OCSP_RESPONSE')
      return unknownStatus(error.code, error.message);
    if (error instanceof DerError) return unknownStatus('INVALID_OCSP_RESPONSE', error.message);
    throw error;
  }
}

/** Chooses among several single responses: revoked before unknown before good. */
function worst(statuses: readonly CertStatus[]): RevocationStatus {
  for (const status of statuses) if (status.status === 'revoked') return status;
  const good = statuses.every(({ status }) => status === 'good');
  return good
    ? { status: 'good' }
    : unknownStatus('OCSP_CERT_UNKNOWN', 'the OCSP responder does not know the certificate');
}

/** All but the signature; undefined where nothing is wrong. */
function wrongForm(
  { extensions, producedAt }: OcspResponse,
  singles: readonly SingleResponse[],
  certificate: Certificate,
  source: OcspSource,
): string | undefined {
  if (singles.length === 0) return 'an OCSP response about other certificates';
  const critical = [...extensions, ...singles.flatMap((single) => single.extensions)].find(isUnhandled);
  if (critical !== undefined) return `unhandled critical extension ${critical.oid} of an OCSP response`;
  if (!nonceReturned(extensions, source.nonce)) return 'an OCSP response without the nonce of the request';
  if (producedAt < certificate.notBefore || producedAt > certificate.notAfter) {
    return 'an OCSP response made when the certificate was not valid';
  }
  return singles.map((single) => wrongTime(single, source)).find((complaint) => complaint !== undefined);
}

/** RFC 6960 §4.2.2.1 */
function wrongTime({ thisUpdate, nextUpdate }: SingleResponse, { time, maxAge }: OcspSource): string | undefined {
  if (thisUpdate > time) return 'an OCSP response of the future';
  // nextUpdate names a whole second.
  const expired = nextUpdate !== undefined && (nextUpdate < thisUpdate || time >= endOf(nextUpdate));
  const stale = time - thisUpdate > (maxAge ?? Number.POSITIVE_INFINITY);
  return expired || stale ? 'an OCSP response that has expired' : undefined;
}

function isUnhandled({ critical, oid }: CertificateExtension): boolean {
  return critical && oid !== Oid.ocspNonce && oid !== Oid.ocspSctList;
}

/** RFC 9654 §2.1 */
function nonceReturned(extensions: readonly CertificateExtension[], nonce: Uint8Array | undefined): boolean {
  if (nonce === undefined) return true;
  const returned = extensions.find(({ oid }) => oid === Oid.ocspNonce)?.value;
  return returned !== undefined && equal(whole(returned).octetString(), nonce);
}

/** RFC 6960 §4.2.2.2: by the issuer itself, or by whom it has authorised, in a certificate that came along. */
function* isSigned(response: OcspResponse, issuer: Certificate, source: OcspSource): Steps<boolean> {
  const signed = signedData(response);
  if (signed === undefined || isTooWeak(signed.algorithm, source.profile)) return false;
  if (isResponder(issuer, response, source.hashes)) return yield* source.signatures.verify(issuer.spki, signed);
  for (const der of response.certificates) {
    const delegate = readOrUndefined(() => parseCertificate(der));
    if (delegate === undefined || !isResponder(delegate, response, source.hashes)) continue;
    if (!(yield* isDelegate(delegate, issuer, source))) continue;
    if (yield* source.signatures.verify(delegate.spki, signed)) return true;
  }
  return false;
}

/** Whether the ResponderID of a response is that of a certificate, by its subject or its key (RFC 6960 §4.2.1). */
function isResponder(signer: Certificate, { responder }: OcspResponse, { sha1 }: Hashes): boolean {
  if ('name' in responder) return sameName(responder.name, signer.subject);
  return equal(responder.keyHash, hashOfKey(signer, sha1));
}

/**
 * Whether the issuer itself has made this one a responder. That the delegate's own certificate is revoked is for its
 * lifetime to bound (RFC 6960 §4.2.2.2.1): it is not looked up.
 */
function* isDelegate(delegate: Certificate, issuer: Certificate, source: OcspSource): Steps<boolean> {
  const signed = signedData(delegate);
  if (signed === undefined || isTooWeak(signed.algorithm, source.profile)) return false;
  const inTime = source.time >= delegate.notBefore && source.time < endOf(delegate.notAfter);
  const purposes = readOrUndefined(() => delegate.extKeyUsage) ?? [];
  const known = delegate.extensions.every(({ critical, oid }) => !critical || delegateExtensions.has(oid));
  const authorised = sameName(delegate.issuer, issuer.subject) && purposes.includes(ExtKeyUsageOid.ocspSigning);
  if (!inTime || !known || !authorised) return false;
  return yield* source.signatures.verify(issuer.spki, signed);
}

/** The extensions that are understood in the certificate of a delegated responder. */
const delegateExtensions: ReadonlySet<string> = new Set([
  ExtensionOid.keyUsage,
  ExtensionOid.basicConstraints,
  ExtensionOid.extKeyUsage,
  Oid.ocspNoCheck,
]);
