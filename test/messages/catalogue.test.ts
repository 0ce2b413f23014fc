// Every message that src writes out, by its code: catalogue.txt is there to be read aloud. After a change on purpose,
// `UPDATE_MESSAGES=1 npx vitest run --project noble test/messages/catalogue.test.ts` writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { callSites, codesOf } from './call-sites.ts';

const catalogue = new URL('catalogue.txt', import.meta.url);
const sites = callSites();
const text = sites.map(({ code, message }) => `${code}\n    ${message}\n`).join('');
if (process.env['UPDATE_MESSAGES'] !== undefined) writeFileSync(catalogue, text);

/** Codes whose messages are put together of parts, with one of them; other tests provoke these. */
const composed: Readonly<Record<string, string>> = {
  ERR_TLS_ALPN_DECODE: 'extension application_layer_protocol_negotiation is malformed: …',
  ERR_TLS_CERTIFICATE_REQUEST_DECODE: 'certificate_request is malformed: …',
  ERR_TLS_CLIENT_HELLO_DECODE: 'client_hello is malformed: …',
  ERR_TLS_COOKIE_DECODE: 'extension cookie is malformed: …',
  ERR_TLS_INVALID_OUTER_RECORD_TYPE: 'a record of outer type 21 where all are protected',
  ERR_TLS_KEY_SHARE_DECODE: 'extension key_share is malformed: …',
  ERR_TLS_MISSING_GROUPS: 'the ClientHello has no supported_groups',
  ERR_TLS_NO_MATCHING_ISSUER: 'no certificate is of an issuer that the peer knows',
  ERR_TLS_NO_SHARED_CERTIFICATE_TYPE: 'there is no certificate of a type that the peer takes',
  ERR_TLS_RAW_PUBLIC_KEY_EMPTY: 'an entry without a certificate or key',
  ERR_TLS_SIGNATURE_ALGORITHMS_DECODE: 'extension signature_algorithms is malformed: …',
  ERR_TLS_STATUS_DECODE: 'extension status_request is malformed: …',
  BUDGET_EXCEEDED: 'too many signature checks: more than 24 (budget.signatures)',
  CA_KEY_TOO_SMALL: 'an RSA key of 1024 bits is too small',
  CERT_REVOKED: 'certificate revoked on 2026-01-01 (keyCompromise)',
  DIFFERENT_CRL_SCOPE: 'different CRL scope',
  EE_KEY_TOO_SMALL: 'an RSA key of 1024 bits is too small',
  INVALID_OCSP_RESPONSE: 'the OCSP response is malformed: …',
  NO_VALID_SCTS: 'fewer valid timestamps than the policy demands',
};

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
  const silent = codes.filter((code) => !written.has(code) && !Object.hasOwn(composed, code) && !ofOthers.has(code));
  expect(silent).toEqual([]);
  expect(Object.keys(composed).filter((code) => written.has(code))).toEqual([]);
});
