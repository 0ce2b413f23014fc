/** `opentls/x509`: certificates read, made and verified, without TLS. */
export type { CertificateAnchor, KeyAnchor, TrustAnchor } from './anchor.ts';
export { type Certificate, parseCertificate, type ShownCertificate, type UnreadableField } from './certificate.ts';
export type { Purpose } from './checks.ts';
export {
  type CertificateOptions,
  type CertificateRequestOptions,
  type Created,
  createCertificate,
  createCertificateRequest,
} from './create.ts';
export type { KeyPurpose, KeyUsageName, NewName, RawExtension, SubjectAltNames } from './create-extensions.ts';
export { type CertificateList, parseCrl, type RevokedCertificate } from './crl.ts';
export { DerError } from './der.ts';
export { showCertificate } from './display.ts';
export type {
  AccessDescription,
  AuthorityKeyIdentifier,
  BasicConstraints,
  DirectoryAttribute,
  GeneralName,
  KeyUsage,
  NameConstraints,
} from './extensions.ts';
export { type GeneratedKeyKind, generatePrivateKey } from './generate.ts';
export { hostName, matchDns, matchName, type PeerName, parseIp } from './identity.ts';
export type { FetchIssuers } from './issuers.ts';
export { parsePrivateKey } from './keys.ts';
export { type DistinguishedName, type NameAttribute, nameText } from './names.ts';
export { type OcspResponse, parseOcspResponse } from './ocsp.ts';
export { createOcspRequest, type OcspRequestOptions } from './ocsp-id.ts';
export type { PassedOver } from './passed-over.ts';
export { type BudgetLimits, defaultBudget } from './path.ts';
export { decodePem, type PemBlock } from './pem.ts';
export { encodePem } from './pem-write.ts';
export { nodeProfile, type Profile, rfc5280, webpki } from './profile.ts';
export { dangerouslyTrustRawPublicKey, type RawPublicKey, verifyRawPublicKey } from './raw-public-key.ts';
export type { FailedPath, Failure, Refusal } from './refusal.ts';
export type { FetchCrl, FetchOcsp, GivenCrl, RevocationMode, RevocationOptions } from './revocation.ts';
export type { RevocationReason } from './revocation-status.ts';
export { pathSignatures, SignatureCache, type SignatureCacheOptions } from './signatures.ts';
export type { CertificateSignature } from './signed-object.ts';
export { type PublicKeyInfo, parseSpki } from './spki.ts';
export { subjectNames } from './subject-names.ts';
export { browserPolicy, type CtLog, type CtPolicy, type TransparencyOptions } from './transparency.ts';
export { TrustStore, type TrustStoreOptions } from './trust.ts';
export {
  dangerouslyTrust,
  type Verdict,
  type VerifiedPeer,
  type VerifyOptions,
  verifyPeer,
} from './verify.ts';
