// What a refusal of a chain says: the certificate, the date, the issuer that was looked for, the names.
import { expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { hostName } from '#opentls/x509/certificate/identity';
import { TrustStore } from '#opentls/x509/path/trust';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, serverLeaf } from '../x509/made/chain.ts';

const root = authority('root');
const middle = authority('middle', root);
const from = Date.UTC(2026, 0, 1);
const to = Date.UTC(2026, 5, 30, 12);
const period = { notBefore: from, notAfter: to };
const dated = { root: authority('root', undefined, period), leaf: undefined };
const leaf = serverLeaf(dated.root, period);

function refusalOf(chain: readonly Holder[], overrides: Partial<VerifyOptions> = {}): Verdict {
  const verdict = verifyPeer(
    chain.map(({ der }) => der),
    {
      trust: TrustStore.from([dated.root.der]),
      verifiers: node.verifiers,
      purpose: 'server',
      name: 'any',
      time: from + 1000,
      profile: rfc5280,
      ...overrides,
    },
  );
  if ('then' in verdict) throw new TypeError('the provider verifies at once');
  return verdict;
}

function reasonOf(chain: readonly Holder[], overrides: Partial<VerifyOptions>): string {
  const verdict = refusalOf(chain, overrides);
  if (verdict.ok) throw new TypeError('a chain that should have been refused');
  return verdict.reason;
}

const hostile = serverLeaf(undefined, { ...period, subject: `a\u001b[2J"\u202e${'x'.repeat(200)}` });
const named = serverLeaf(dated.root, {
  ...period,
  subjectAltNames: { dns: ['a.test', '*.b.test'], ip: ['192.0.2.1', '2001:db8::1'] },
});
const nameless = serverLeaf(dated.root, { ...period, subjectAltNames: {} });
const twice = authority('ca', dated.root, { ...period, notAfter: from + 500 });
const again = authority('ca', dated.root, { ...period, publicKeyOf: twice, forgedBy: root });
const below = serverLeaf(twice, period);

const cases: readonly [what: string, chain: readonly Holder[], options: Partial<VerifyOptions>, reason: string][] = [
  [
    'the last moment',
    [leaf],
    { time: to + 1000 },
    'certificate has expired: "CN=leaf" was valid until 2026-06-30T12:00:00Z',
  ],
  [
    'the first moment',
    [leaf],
    { time: from - 1 },
    'certificate is not yet valid: "CN=leaf" is valid from 2026-01-01T00:00:00Z on',
  ],
  [
    'the issuer that was looked for',
    [serverLeaf(middle, period)],
    {},
    'unable to verify the first certificate: "CN=leaf" was issued by "CN=middle", which was not sent and is no trust anchor',
  ],
  [
    'text of a stranger, escaped and cut',
    [hostile],
    {},
    `self-signed certificate: "CN=a\\u{1b}[2J\\"\\u{202e}${'x'.repeat(109)}…" is no trust anchor`,
  ],
  [
    'the names that there are',
    [named],
    { name: hostName('c.test') },
    'the certificate is not for c.test: it is for a.test, *.b.test, 192.0.2.1, 2001:db8:0:0:0:0:0:1',
  ],
  [
    'the address that was asked for',
    [nameless],
    { name: [hostName('192.0.2.7'), hostName('d.test')] },
    'the certificate is not for 192.0.2.7 or d.test: it has no names in subjectAltName',
  ],
  [
    'paths that end otherwise',
    [below, twice, again],
    {},
    'certificate has expired: "CN=ca" was valid until 2026-01-01T00:00:00Z; of 2 paths that were tried: ' +
      '"CN=leaf" < "CN=ca" < "CN=root" (CERT_HAS_EXPIRED), "CN=leaf" < "CN=ca" < "CN=root" (CERT_SIGNATURE_FAILURE)',
  ],
];

const usage = authority('usage', dated.root, { ...period, keyUsage: ['digitalSignature'] });
const notCa = serverLeaf(dated.root, { ...period, subject: 'no ca', keyUsage: ['keyCertSign'] });
/** Excludes leaf.test (RFC 5280 §4.2.1.10). */
const nameConstraints = {
  oid: '2.5.29.30',
  critical: true,
  value: Buffer.concat([Uint8Array.of(0x30, 15, 0xa1, 13, 0x30, 11, 0x82, 9), Buffer.from('leaf.test')]),
};
const excluding = authority('excluding', dated.root, { ...period, extensions: [nameConstraints] });

test.each([
  [
    'KEYUSAGE_NO_CERTSIGN',
    [serverLeaf(usage, period), usage],
    'key usage does not include certificate signing: "CN=usage", certificate 2 of a path of 3',
  ],
  [
    'INVALID_CA',
    [serverLeaf(notCa, period), notCa],
    'invalid CA certificate: "CN=no ca", certificate 2 of a path of 3',
  ],
  [
    'EXCLUDED_VIOLATION',
    [serverLeaf(excluding, { ...period, subjectAltNames: { dns: ['a.leaf.test'] } }), excluding],
    'excluded subtree violation: "CN=leaf", certificate 1 of a path of 3',
  ],
])('%s', (code, chain, reason) => {
  expect(refusalOf(chain)).toMatchObject({ ok: false, code, reason });
});

test.each(cases)('%s', (_what, chain, options, reason) => {
  expect(reasonOf(chain, options)).toBe(reason);
});
