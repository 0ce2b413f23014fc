import { isIPv4, isIPv6 } from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { hostName, matchDns, parseIp } from '#opentls/x509/certificate/identity';

describe('DNS-ID, RFC 9525 §6.3', () => {
  test.each([
    ['a.example', 'a.example', true],
    ['A.Example', 'a.EXAMPLE', true],
    ['a.example.', 'a.example', true],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'b.a.example.com', false],
    ['*.example.com', 'example.com', false],
    ['*.com', 'a.com', false],
    ['*', 'com', false],
    ['a*.example.com', 'ab.example.com', false],
    ['*a.example.com', 'ba.example.com', false],
    ['b.*.example.com', 'b.a.example.com', false],
    ['*.*.example.com', 'b.a.example.com', false],
    ['xn--*.example.com', 'xn--a.example.com', false],
    ['a..example', 'a..example', false],
    ['', '', false],
    ['a b.example', 'a b.example', false],
  ])('%s for %s: %s', (pattern, host, expected) => {
    expect(matchDns(pattern, host)).toBe(expected);
  });

  test('whatever matches here, node:tls takes too', () => {
    const names = ['a.b.c', '*.b.c', 'b.c', '*.c', 'x.b.c', 'A.B.C.', '*', 'a.*.c', 'localhost', '1.2.3.4'];
    for (const pattern of names) {
      for (const host of names) {
        if (!matchDns(pattern, host)) continue;
        const cert = { subject: {}, subjectaltname: `DNS:${pattern}` } as unknown as tls.PeerCertificate;
        if (parseIp(host) === undefined)
          expect(tls.checkServerIdentity(host, cert), `${pattern} ${host}`).toBeUndefined();
      }
    }
  });
});

describe('addresses', () => {
  const texts = [
    '1.2.3.4',
    '01.2.3.4',
    '1.2.3',
    '256.1.1.1',
    '0.0.0.0',
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '::ffff:1.2.3.4',
    '1.2.3.4::',
    'fe80::1%eth0',
    '[::1]',
    ':::',
    '12345::',
    'g::',
    '',
    '1.2.3.4.5',
  ];
  test.each(texts)('%s is an address where Node says so', (text) => {
    const expected = isIPv4(text) ? 4 : isIPv6(text) && !text.includes('%') ? 16 : undefined;
    expect(parseIp(text)?.length).toBe(expected);
  });

  test('bytes', () => {
    expect([...(parseIp('2001:db8::ff') ?? [])]).toEqual([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]);
    expect([...(parseIp('::ffff:1.2.3.4') ?? [])].slice(10)).toEqual([0xff, 0xff, 1, 2, 3, 4]);
  });

  test('a host becomes an IP-ID or a DNS-ID in A-labels', () => {
    expect(hostName('10.0.0.1')).toEqual({ ip: new Uint8Array([10, 0, 0, 1]) });
    expect(hostName('Example.COM.')).toEqual({ dns: 'example.com' });
    expect(hostName('bücher.example')).toEqual({ dns: 'xn--bcher-kva.example' });
  });
});
