import { createHash } from 'node:crypto';
import { toHex } from '../bytes/hex.ts';
import type { ShownCertificate } from '../x509/certificate/certificate.ts';
import { showCertificate } from '../x509/certificate/display.ts';
import type { GeneralName } from '../x509/certificate/extensions.ts';
import { nameText } from '../x509/certificate/names.ts';

/** One certificate, for people. */
export interface CertificateFacts {
  /** Hashes of the whole certificate, as 'AB:CD:…'. */
  readonly fingerprints: { readonly sha256: string; readonly sha1: string };
  /** Why the bytes are not a certificate; then there are no details. */
  readonly unreadable: string | undefined;
  readonly details: CertificateDetails | undefined;
}

export interface CertificateDetails {
  /** RFC 4514 text: 'CN=example.com,O=Example,C=NL'. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** ISO 8601; 'unreadable' for a malformed time. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** `type` is 'rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448', 'ml_dsa_65' … or an object identifier. */
  readonly key: { readonly type: string; readonly curve: string | undefined; readonly bits: number | undefined };
  /** 'ecdsa_sha256', or an object identifier. */
  readonly signatureAlgorithm: string;
  /** 'DNS:example.com', 'IP:192.0.2.1' … */
  readonly subjectAltNames: readonly string[];
  readonly isCa: boolean;
  /** The malformed fields: 'keyUsage: a keyUsage without any usage' … */
  readonly unreadable: readonly string[];
}

/** @param der one certificate, as sent */
export function describeCertificate(der: Uint8Array): CertificateFacts {
  const fingerprints = { sha256: fingerprint('sha256', der), sha1: fingerprint('sha1', der) };
  try {
    return { fingerprints, unreadable: undefined, details: details(showCertificate(der)) };
  } catch (error) {
    return { fingerprints, unreadable: error instanceof Error ? error.message : String(error), details: undefined };
  }
}

function details(certificate: ShownCertificate): CertificateDetails {
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serialNumber: toHex(certificate.serialNumber).toUpperCase(),
    notBefore: timeText(certificate.notBefore),
    notAfter: timeText(certificate.notAfter),
    key: describeKey(certificate),
    signatureAlgorithm: certificate.signature.algorithm ?? certificate.signature.oid,
    subjectAltNames: (certificate.subjectAltName ?? []).map(describeName),
    isCa: certificate.basicConstraints?.ca === true,
    unreadable: certificate.unreadable.map(({ field, reason }) => `${field}: ${reason}`),
  };
}

function timeText(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString() : 'unreadable';
}

function describeKey({ publicKey }: ShownCertificate): CertificateDetails['key'] {
  if (publicKey.algorithm === 'unknown') return { type: publicKey.oid, curve: undefined, bits: undefined };
  return { type: publicKey.algorithm, curve: publicKey.curve, bits: publicKey.bits };
}

function describeName(name: GeneralName): string {
  switch (name.type) {
    case 'dns':
      return `DNS:${name.value}`;
    case 'rfc822':
      return `email:${name.value}`;
    case 'uri':
      return `URI:${name.value}`;
    case 'ip':
      return `IP:${ipText(name.value)}`;
    case 'directory':
      return `DirName:${nameText(name.value)}`;
    case 'registeredId':
      return `Registered ID:${name.value}`;
    case 'other':
    case 'x400':
    case 'ediParty':
      return `${name.type}:${toHex(name.value)}`;
  }
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return toHex(bytes);
  // The URL parser writes IPv6 as RFC 5952 wants it.
  const groups = (toHex(bytes).match(/.{4}/g) ?? []).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

function fingerprint(hash: 'sha1' | 'sha256', der: Uint8Array): string {
  return (createHash(hash).update(der).digest('hex').toUpperCase().match(/../g) ?? []).join(':');
}
