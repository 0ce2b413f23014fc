import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import type { RevocationStatus } from '#opentls/x509/certificate/revocation-status';
import { Budget } from '#opentls/x509/path/build';
import { Signatures } from '#opentls/x509/path/signatures';
import { run } from '#opentls/x509/path/steps';
import { ocspStatus } from '#opentls/x509/revocation/ocsp-check';
import { rfc5280 } from '#opentls/x509/rules/profile';
import { fromBase64 } from './crl-suites.ts';

/** Statuses of BoringSSL's CheckOCSP (pki/testdata/ocsp_unittest). */
export interface OcspFile {
  readonly verifyTime: string;
  readonly maxAgeSeconds: number;
  readonly tests: readonly {
    readonly id: string;
    readonly expectedStatus: 'good' | 'revoked' | 'unknown';
    readonly certificate: string;
    readonly issuer: string;
    readonly response: string;
    readonly request: string;
  }[];
}

export interface Asked {
  readonly time: number;
  readonly maxAge?: number;
  readonly nonce?: Uint8Array;
}

export function ask(response: Uint8Array, certificate: Uint8Array, issuer: Uint8Array, asked: Asked): RevocationStatus {
  const said = run(
    ocspStatus(response, parseCertificate(certificate), parseCertificate(issuer), {
      ...asked,
      hashes: noble.hashes,
      // The responses of BoringSSL are signed with SHA-1.
      profile: { ...rfc5280, weakDigests: ['sha1'] },
      signatures: new Signatures(node.verifiers, new Budget(), undefined),
    }),
  );
  if ('then' in said) throw new TypeError('a status that is not there at once');
  return said;
}

/** One certificate has a serial number that is not DER. */
export function isReadable(certificate: string): boolean {
  try {
    return parseCertificate(fromBase64(certificate)).version === 3;
  } catch {
    return false;
  }
}

/** What a case's response says of its certificate. */
export function statusBy(given: OcspFile['tests'][number], { verifyTime, maxAgeSeconds }: OcspFile) {
  if (!isReadable(given.certificate)) return { status: 'unreadable', why: 'the certificate cannot be read' };
  const asked = { time: Date.parse(verifyTime), maxAge: maxAgeSeconds * 1000 };
  const said = ask(fromBase64(given.response), fromBase64(given.certificate), fromBase64(given.issuer), asked);
  return { status: said.status, why: why(said) };
}

const why = (said: RevocationStatus): string =>
  said.status === 'unknown' ? `${said.code}, ${said.reason}` : said.status;
