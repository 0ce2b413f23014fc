import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { Budget } from '#opentls/x509/path/build';
import { Signatures } from '#opentls/x509/path/signatures';
import { run, wait } from '#opentls/x509/path/steps';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { crlStatus } from '#opentls/x509/revocation/crl-check';
import { rfc5280 } from '#opentls/x509/rules/profile';

/** A status of BoringSSL's CheckCRL (pki/testdata/crl_unittest). */
export interface StatusCase {
  readonly id: string;
  readonly expected: 'good' | 'revoked' | 'unknown';
  readonly certificate: string;
  readonly issuer: string;
  readonly issuer2: string | null;
  readonly crl: string;
}

export interface StatusFile {
  readonly verifyTime: string;
  readonly maxAgeSeconds: number;
  readonly tests: readonly StatusCase[];
}

export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** What the list says of the certificate, with the second issuer, where there is one, as the signer of the list. */
export function statusOf(given: StatusCase, file: StatusFile): { readonly status: string; readonly why: string } {
  const issuer = parseCertificate(fromBase64(given.issuer));
  const others = given.issuer2 === null ? [] : [parseCertificate(fromBase64(given.issuer2))];
  try {
    const said = run(
      crlStatus(parseCertificate(fromBase64(given.certificate)), issuer, {
        lists: [parseCrl(fromBase64(given.crl))],
        time: Date.parse(file.verifyTime),
        maxAge: file.maxAgeSeconds * 1000,
        profile: rfc5280,
        signatures: new Signatures(node.verifiers, new Budget(), undefined),
        candidates: () => others,
        validate: () => wait(true),
      }),
    );
    if ('then' in said) throw new TypeError('a status that is not there at once');
    return { status: said.status, why: said.status === 'unknown' ? `${said.code}, ${said.reason}` : said.status };
  } catch (error) {
    // A list that cannot be read says nothing.
    return { status: 'unknown', why: String(error) };
  }
}

/** Lists as rustls/webpki reads them (tests/crl_tests.rs), by file name. */
export interface ParseFile {
  readonly crls: Readonly<
    Record<string, { readonly crl: string; readonly webpkiTests: readonly { readonly error: string | null }[] }>
  >;
}

/** Whether a list can be used, with all its entries; else why not. */
export function usability(crl: string): string {
  try {
    const list = parseCrl(fromBase64(crl));
    const read = [...list.entries()].length;
    return read === list.size ? (list.unhandledExtension ?? 'usable') : `${read} of ${list.size} entries`;
  } catch (error) {
    return String(error);
  }
}
