// Every message that src writes out, by its code: catalogue.txt is there to be read aloud. After a change on purpose,
// `UPDATE_MESSAGES=1 npx vitest run --project noble test/messages/catalogue.test.ts` writes it anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { callSites, codesOf } from './call-sites.ts';

const catalogue = new URL('catalogue.txt', import.meta.url);
const sites = callSites();
const text = sites.map(({ code, message }) => `${code}\n    ${message}\n`).join('');
if (process.env['UPDATE_MESSAGES'] !== undefined) writeFileSync(catalogue, text);

/** Codes whose messages the source puts together of parts. */
const composed: ReadonlySet<string> = new Set([
  'ERR_TLS_ALPN_DECODE',
  'ERR_TLS_CERTIFICATE_REQUEST_DECODE',
  'ERR_TLS_CLIENT_HELLO_DECODE',
  'ERR_TLS_COOKIE_DECODE',
  'ERR_TLS_INVALID_OUTER_RECORD_TYPE',
  'ERR_TLS_KEY_SHARE_DECODE',
  'ERR_TLS_MISSING_GROUPS',
  'ERR_TLS_NO_APPLICATION_PROTOCOL',
  'ERR_TLS_NO_MATCHING_ISSUER',
  'ERR_TLS_NO_SHARED_CERTIFICATE_TYPE',
  'ERR_TLS_NO_SHARED_CIPHER',
  'ERR_TLS_NO_SHARED_GROUP',
  'ERR_TLS_NO_SHARED_PSK_MODE',
  'ERR_TLS_RAW_PUBLIC_KEY_EMPTY',
  'ERR_TLS_SIGNATURE_ALGORITHMS_DECODE',
  'ERR_TLS_STATUS_DECODE',
  'BUDGET_EXCEEDED',
  'CA_KEY_TOO_SMALL',
  'CERT_REVOKED',
  'DIFFERENT_CRL_SCOPE',
  'EE_KEY_TOO_SMALL',
  'INVALID_OCSP_RESPONSE',
  'NO_VALID_SCTS',
]);

/** Codes that the package does not give itself: a verifier of the application's may. */
const ofOthers = new Set([
  'CERT_UNTRUSTED',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
]);

test('the messages are those of the catalogue', () => {
  expect(text).toBe(readFileSync(catalogue, 'utf8'));
});

test.each(['LocalErrorCode', 'CertificateErrorCode'] as const)('every %s has a message', (union) => {
  const written = new Set(sites.map(({ code }) => code));
  const codes = codesOf(union);
  expect(codes.length).toBeGreaterThan(40);
  const silent = codes.filter((code) => !written.has(code) && !composed.has(code) && !ofOthers.has(code));
  expect(silent).toEqual([]);
  expect([...composed].filter((code) => written.has(code))).toEqual([]);
});

test('every code is expected by a test', () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.endsWith('catalogue.test.ts'));
  const words = new Set(
    tests.flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/\b[A-Z][A-Z0-9_]+\b/g)),
  );
  const codes = [...codesOf('LocalErrorCode'), ...codesOf('CertificateErrorCode')];
  expect(codes.filter((code) => !words.has(code) && !ofOthers.has(code))).toEqual([]);
});
