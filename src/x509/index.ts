/**
 * `opentls/x509`: certificates read, made and verified, without TLS.
 *
 * @module opentls/x509
 */

export { DerError } from './asn1/der.ts';
export { decodePem, encodePem, type PemBlock } from './asn1/pem.ts';
export {
  type Certificate,
  parseCertificate,
  type ShownCertificate,
  type UnreadableField,
} from './certificate/certificate.ts';
export { showCertificate } from './certificate/display.ts';
export type {
  AccessDescription,
  AuthorityKeyIdentifier,
  BasicConstraints,
  DirectoryAttribute,
  GeneralName,
  KeyUsage,
  NameConstraints,
} from './certificate/extensions.ts';
export { hostName, matchDns, matchName, type PeerName, parseIp } from './certificate/identity.ts';
export { type DistinguishedName, type NameAttribute, nameText } from './certificate/names.ts';
export type { RevocationReason } from './certificate/revocation-status.ts';
export type { CertificateSignature } from './certificate/signed-object.ts';
export { type PublicKeyInfo, parseSpki } from './certificate/spki.ts';
export { subjectNames } from './certificate/subject-names.ts';
export {
  type CertificateOptions,
  type CertificateRequestOptions,
  type Created,
  createCertificate,
  createCertificateRequest,
} from './create/create.ts';
export type { KeyPurpose, KeyUsageName, NewName, RawExtension, SubjectAltNames } from './create/extensions.ts';
export type { CertificateAnchor, KeyAnchor, TrustAnchor } from './path/anchor.ts';
export { type BudgetLimits, defaultBudget } from './path/build.ts';
export type { FetchIssuers } from './path/issuers.ts';
export type { PassedOver } from './path/passed-over.ts';
export { pathSignatures, SignatureCache, type SignatureCacheOptions } from './path/signatures.ts';
export { TrustStore, type TrustStoreOptions } from './path/trust.ts';
export { type GeneratedKeyKind, generatePrivateKey } from './private-key/generate.ts';
export { parsePrivateKey } from './private-key/keys.ts';
export { type CertificateList, parseCrl, type RevokedCertificate } from './revocation/crl.ts';
export { type OcspResponse, parseOcspResponse } from './revocation/ocsp.ts';
export { createOcspRequest, type OcspRequestOptions } from './revocation/ocsp-id.ts';
export type { FetchCrl, FetchOcsp, GivenCrl, RevocationMode, RevocationOptions } from './revocation/revocation.ts';
export type { Purpose } from './rules/checks.ts';
export { nodeProfile, type Profile, rfc5280, webpki } from './rules/profile.ts';
export { browserPolicy, type CtLog, type CtPolicy, type TransparencyOptions } from './transparency/transparency.ts';
export type { FailedPath, Failure } from './verify/failed-path.ts';
export type { VerifyOptions } from './verify/options.ts';
export { dangerouslyTrustRawPublicKey, verifyRawPublicKey } from './verify/raw-public-key.ts';
export type { Refusal } from './verify/refusal.ts';
export type {
  RawPublicKey,
  ShownChain,
  UnverifiedChain,
  UnverifiedPeer,
  UnverifiedRawKey,
  Verdict,
  VerifiedChain,
  VerifiedPeer,
  VerifiedRawKey,
} from './verify/verified-peer.ts';
export { dangerouslyTrust, verifyPeer } from './verify/verify.ts';
