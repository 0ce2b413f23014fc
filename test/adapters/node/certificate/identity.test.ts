import nodeTls, { type PeerCertificate } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { checkServerIdentity, type IdentityCertificate } from '#opentls/adapters/node/certificate/identity';

interface Outcome {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly host?: unknown;
  readonly message?: unknown;
}

function outcome(check: () => Error | undefined): Outcome | undefined {
  try {
    const error = check();
    return error && pick(error);
  } catch (error) {
    return { ...pick(error as Error), reason: 'thrown' };
  }
}

function pick(error: Error & Outcome): Outcome {
  const { code, reason, host, message } = error;
  return { code, reason, host, message };
}

const cases: readonly [host: string, cert: Partial<IdentityCertificate>][] = [
  ['a.com', { subject: { CN: 'a.com' } }],
  ['a.com', { subject: { CN: 'A.COM' } }],
  ['a.com', { subject: { CN: 'b.com' } }],
  ['a.com', { subject: { CN: 'a.com.' } }],
  ['a.com.', { subject: { CN: 'a.com' } }],
  ['a.com', { subject: {} }],
  ['a.com', { subject: { CN: '' } }],
  ['a.com', { subject: { CN: ['foo.com', 'a.com'] } }],
  ['a.com', { subject: { CN: ['foo.com', 'bar.com'] } }],
  ['b.a.com', { subject: { CN: '*.a.com' } }],
  ['a.com', { subject: { CN: '*.com' } }],
  ['a.com', { subject: { CN: '*.co' } }],
  ['b.c.a.com', { subject: { CN: '*.a.com' } }],
  ['foo.b.a.com', { subject: { CN: 'f*.b.a.com' } }],
  ['foo.b.a.com', { subject: { CN: '*o.b.a.com' } }],
  ['foo.b.a.com', { subject: { CN: 'f*o.b.a.com' } }],
  ['fo.b.a.com', { subject: { CN: 'fo*o.b.a.com' } }],
  ['foo.b.a.com', { subject: { CN: 'f*o*.b.a.com' } }],
  ['xn--a.b.com', { subject: { CN: 'xn--*.b.com' } }],
  ['xn--a.b.com', { subject: { CN: '*.b.com' } }],
  ['a.com', { subject: { CN: 'b.com' }, subjectaltname: 'DNS:a.com' }],
  ['b.com', { subject: { CN: 'b.com' }, subjectaltname: 'DNS:a.com' }],
  ['b.com', { subject: { CN: 'b.com' }, subjectaltname: 'URI:http://b.com/' }],
  ['a.com', { subject: {}, subjectaltname: 'DNS:*.a.com, DNS:a.com' }],
  ['x.a.com', { subject: {}, subjectaltname: 'DNS:*.a.com, DNS:a.com' }],
  ['a..com', { subject: {}, subjectaltname: 'DNS:a..com' }],
  ['ä.com', { subject: {}, subjectaltname: 'DNS:ä.com' }],
  ['a b.com', { subject: {}, subjectaltname: 'DNS:a b.com' }],
  ['8.8.8.8', { subject: { CN: '8.8.8.8' } }],
  ['8.8.8.8', { subject: {}, subjectaltname: 'DNS:8.8.8.8' }],
  ['8.8.8.8', { subject: {}, subjectaltname: 'IP Address:8.8.8.8' }],
  ['8.8.8.8', { subject: {}, subjectaltname: 'IP Address:8.8.4.4, IP Address:1.1.1.1' }],
  ['::1', { subject: {}, subjectaltname: 'IP Address:0:0:0:0:0:0:0:1' }],
  ['2001:DB8::1', { subject: {}, subjectaltname: 'IP Address:2001:DB8:0:0:0:0:0:1' }],
  ['2001:db8::2', { subject: {}, subjectaltname: 'IP Address:2001:DB8:0:0:0:0:0:1' }],
  ['localhost', { subject: {}, subjectaltname: 'IP Address:127.0.0.1' }],
  ['a.com', { subject: {}, subjectaltname: 'DNS:"evil.com, DNS:a.com"' }],
  ['a.com', { subject: {}, subjectaltname: 'URI:"http://x, DNS:b", DNS:a.com' }],
  ['a.com', { subject: {}, subjectaltname: 'DNS:"\\u0061.com"' }],
  ['a.com', { subject: {}, subjectaltname: 'DNS:"a.com' }],
  ['a.com', { subject: {}, subjectaltname: 'DNS:"a\\x.com"' }],
  ['a.com', { subject: {}, subjectaltname: '' }],
  ['', { subject: {}, subjectaltname: 'DNS:a.com' }],
];

describe('checkServerIdentity answers as node:tls', () => {
  test.each(cases)('%s against %j', (host, cert) => {
    expect(outcome(() => checkServerIdentity(host, cert))).toEqual(
      outcome(() => nodeTls.checkServerIdentity(host, cert as PeerCertificate)),
    );
  });

  test('the error holds the certificate', () => {
    const cert = { subject: { CN: 'b' } };
    expect(checkServerIdentity('a', cert)).toMatchObject({ cert });
  });
});
