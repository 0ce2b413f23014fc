import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { utf8 } from '#opentls/bytes/utf8';
import { DerError } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import type { Certificate } from '#opentls/x509/certificate/certificate';
import { type GeneralName, parseGeneralNames, parseNameConstraints } from '#opentls/x509/certificate/extensions';
import { parseName } from '#opentls/x509/certificate/names';
import { checkNames, type Violation } from '#opentls/x509/rules/constraints';
import { parseGzip } from '../suites/limbo.ts';

interface BlobFile {
  readonly files: Readonly<Record<string, readonly { readonly type: string; readonly b64: string }[]>>;
}

const { files } = parseGzip<BlobFile>(
  readFileSync(new URL('../../../vectors/x509/boringssl-name-constraints.json.gz', import.meta.url)),
);

function blob(name: string): Uint8Array {
  const [only] = files[name] ?? [];
  if (only === undefined) throw new RangeError(`no blob ${name}`);
  return new Uint8Array(Buffer.from(only.b64, 'base64'));
}

function violation(constraints: string, names: readonly GeneralName[], subject = 'name-empty'): Violation {
  const certificate = { subjectAltName: names, subject: parseName(blob(subject)) };
  return checkNames(parseNameConstraints(blob(constraints)), certificate, () => {});
}

const dns = (value: string): GeneralName => ({ type: 'dns', value });
const ip = (...bytes: readonly number[]): GeneralName => ({ type: 'ip', value: Uint8Array.from(bytes) });
const mapped = (...bytes: readonly number[]): GeneralName => ip(...new Array(10).fill(0), 255, 255, ...bytes);

/** What cannot be read, by name of the blob. */
const malformed = Object.keys(files).filter((name) => /invalid-|invalid_|with_max|min_1|and_max/.test(name));

describe('name constraints of BoringSSL', () => {
  test.each(malformed.filter((name) => !name.startsWith('name-')))('%s is malformed', (name) => {
    const read = name.startsWith('san-') ? parseGeneralNames : parseNameConstraints;
    expect(() => read(blob(name))).toThrow(DerError);
  });

  test('all others can be read', () => {
    const others = Object.keys(files).filter((name) => !malformed.includes(name));
    for (const name of others) {
      const read = name.startsWith('san-')
        ? parseGeneralNames
        : name.startsWith('name-')
          ? parseName
          : parseNameConstraints;
      expect(() => read(blob(name)), name).not.toThrow();
    }
    expect(Object.keys(files)).toHaveLength(malformed.length + others.length);
  });

  test.each<[constraints: string, names: string, Violation]>([
    ['dnsname', 'san-permitted', undefined],
    ['dnsname', 'san-excluded-dnsname', 'excluded'],
    ['dnsname-excludeall', 'san-permitted', 'excluded'],
    ['dnsname-exclude_dot', 'san-permitted', 'unsupported'],
    ['dnsname-permitted_two_dot', 'san-dnsname', 'unsupported'],
    ['directoryname_and_dnsname', 'san-permitted', undefined],
    ['ipaddress', 'san-permitted', undefined],
    ['ipaddress', 'san-excluded-ipaddress', 'excluded'],
    ['ipaddress', 'san-ipaddress4', undefined],
    ['ipaddress', 'san-ipaddress6', 'permitted'],
    ['ipaddress-excludeall', 'san-permitted', 'excluded'],
    ['ipaddress-permit_all', 'san-ipaddress4', undefined],
    ['ipaddress-permit_all', 'san-ipaddress6', 'permitted'],
    ['ipaddress-permit_singlehost', 'san-permitted', 'permitted'],
    ['rfc822name-permitted', 'san-rfc822name', undefined],
    ['rfc822name-permitted', 'san-rfc822name-domaincase', undefined],
    ['rfc822name-permitted', 'san-rfc822name-localpartcase', 'permitted'],
    ['rfc822name-permitted', 'san-rfc822name-subdomain', 'permitted'],
    ['rfc822name-permitted', 'san-rfc822name-multiple', 'permitted'],
    ['rfc822name-permitted', 'san-rfc822name-quoted', 'unsupported'],
    ['rfc822name-excluded', 'san-rfc822name', 'excluded'],
    ['rfc822name-excluded', 'san-rfc822name-multiple', 'excluded'],
    ['rfc822name-excluded', 'san-rfc822name-quoted', 'unsupported'],
    ['rfc822name-permitted-hostname', 'san-rfc822name', undefined],
    ['rfc822name-permitted-hostname', 'san-rfc822name-subdomain', 'permitted'],
    ['rfc822name-excluded-hostname', 'san-rfc822name-domaincase', 'excluded'],
    ['rfc822name-permitted-subdomains', 'san-rfc822name-subdomaincase', undefined],
    ['rfc822name-permitted-subdomains', 'san-rfc822name', 'permitted'],
    ['rfc822name-excluded-subdomains', 'san-rfc822name-subdomain', 'excluded'],
    ['rfc822name-excluded-empty', 'san-rfc822name', 'unsupported'],
    ['rfc822name-permitted-empty', 'san-rfc822name', 'unsupported'],
    ['rfc822name-excluded-hostnamewithat', 'san-rfc822name', 'unsupported'],
    ['rfc822name-excluded-hostname', 'san-rfc822name-two-ats', 'unsupported'],
    ['rfc822name-excluded-hostname', 'san-rfc822name-no-at', 'unsupported'],
    ['rfc822name-excluded-hostname', 'san-rfc822name-empty-localpart', 'unsupported'],
    ['rfc822name-permitted-ipv4', 'san-rfc822name-ipv4', undefined],
    ['uri-permitted', 'san-uri', 'unsupported'],
    ['uri-excluded', 'san-uri', 'unsupported'],
    ['othername-permitted', 'san-othername', 'unsupported'],
    ['othername-excluded', 'san-othername', 'unsupported'],
    ['x400address-excluded', 'san-x400address', 'unsupported'],
    ['edipartyname-permitted', 'san-edipartyname', 'unsupported'],
    ['registeredid-excluded', 'san-registeredid', 'unsupported'],
    ['othername-excluded', 'san-dnsname', undefined],
    ['directoryname', 'san-directoryname', undefined],
    ['directoryname', 'san-excluded-directoryname', 'excluded'],
    ['directoryname-excludeall', 'san-directoryname', 'excluded'],
  ])('%s on %s: %s', (constraints, names, expected) => {
    expect(violation(constraints, parseGeneralNames(blob(names)))).toBe(expected);
  });

  test.each<[constraints: string, subject: string, Violation]>([
    ['directoryname', 'name-us-arizona', undefined],
    ['directoryname', 'name-us-california', 'excluded'],
    ['directoryname', 'name-us-california-mountain_view', 'excluded'],
    ['directoryname', 'name-jp-tokyo', undefined],
    ['directoryname', 'name-jp', 'permitted'],
    ['directoryname', 'name-de', 'excluded'],
    ['directoryname', 'name-ca', 'permitted'],
    ['directoryname', 'name-empty', undefined],
    ['directoryname-excluded', 'name-us', undefined],
    // A common name is no name of the host.
    ['dnsname', 'name-us-arizona-foo.com', undefined],
    ['ipaddress', 'name-us-arizona-1.1.1.1', undefined],
  ])('%s on the subject %s: %s', (constraints, subject, expected) => {
    expect(violation(constraints, [dns('permitted.example.com')].slice(1), subject)).toBe(expected);
  });

  test('e-mail addresses of the subject count where there is no subjectAltName', () => {
    const certificate = (subject: string): Pick<Certificate, 'subjectAltName' | 'subject'> => ({
      subjectAltName: undefined,
      subject: parseName(blob(subject)),
    });
    const check = (constraints: string, subject: string): Violation =>
      checkNames(parseNameConstraints(blob(constraints)), certificate(subject), () => {});
    expect(check('rfc822name-excluded-hostname', 'name-us-arizona-email')).toBe('excluded');
    expect(check('rfc822name-permitted-hostname', 'name-us-arizona-email')).toBeUndefined();
    expect(check('rfc822name-permitted', 'name-us-arizona-email')).toBe('permitted');
    expect(check('rfc822name-permitted-subdomains', 'name-us-arizona-email-multiple')).toBe('permitted');
  });

  test('an IPv4 address mapped into IPv6 is the address', () => {
    const check = (name: GeneralName): Violation => violation('ipaddress-mapped_addrs', [name]);
    expect(check(ip(192, 168, 1, 5))).toBeUndefined();
    expect(check(mapped(192, 168, 1, 5))).toBeUndefined();
    expect(check(ip(192, 168, 1, 1))).toBe('excluded');
    expect(check(mapped(192, 168, 1, 1))).toBe('excluded');
    expect(check(ip(192, 168, 1, 2))).toBe('excluded');
    expect(check(ip(192, 168, 2, 5))).toBeUndefined();
    expect(check(mapped(192, 168, 2, 1))).toBe('excluded');
    expect(check(mapped(192, 168, 2, 2))).toBe('excluded');
    expect(check(ip(192, 168, 3, 1))).toBe('permitted');
  });

  test('a wildcard that may stand for an excluded name is excluded', () => {
    expect(violation('dnsname2', [dns('*.bar.com')])).toBe('excluded');
    expect(violation('dnsname2', [dns('*.foo.bar.com')])).toBe('excluded');
    expect(violation('dnsname2', [dns('*.com')])).toBeUndefined();
    expect(violation('dnsname2', [dns('bar.com')])).toBeUndefined();
    expect(violation('dnsname2', [dns('*.net')])).toBe('permitted');
    expect(violation('dnsname-permitted_with_leading_dot', [dns('*.bar.com')])).toBeUndefined();
    expect(violation('dnsname-permitted_with_leading_dot', [dns('bar.com')])).toBe('permitted');
    expect(violation('dnsname-excluded_with_leading_dot', [dns('foo.BAR.com.')])).toBe('excluded');
  });
});

describe('a mailbox is one under whatever name: rfc822Name constraints bind SmtpUTF8Mailbox, RFC 9598 \u00a76', () => {
  const example = 'a02b06082b06010505070809a01f0c1de58cbbe7949f40786e2d2d7073733235632e6578616d706c652e636f6d';
  const smtpUtf8Mailbox = Uint8Array.of(6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 9);
  const other = (value: Uint8Array, oid: Uint8Array = smtpUtf8Mailbox): GeneralName => ({
    type: 'other',
    value: element(0xa0, oid, element(0xa0, value)),
  });
  const mailbox = (text: string): GeneralName => other(element(0x0c, utf8(text)));

  function outcome(side: 'permitted' | 'excluded', base: GeneralName, name: GeneralName): Violation {
    const constraints = { permitted: [], excluded: [], [side]: [base] };
    return checkNames(constraints, { subjectAltName: [name], subject: parseName(blob('name-empty')) }, () => {});
  }

  /** Whether the mailbox is in the subtree: the same for both kinds of subtree. */
  function isInside(base: string, name: GeneralName): boolean | 'unsupported' {
    const permitted = outcome('permitted', { type: 'rfc822', value: base }, name);
    const excluded = outcome('excluded', { type: 'rfc822', value: base }, name);
    if (permitted === 'unsupported' && excluded === 'unsupported') return 'unsupported';
    if (permitted === undefined && excluded === 'excluded') return true;
    if (permitted === 'permitted' && excluded === undefined) return false;
    return expect.fail(`permitted: ${permitted}, excluded: ${excluded}`);
  }

  test('the example of its Appendix B', () => {
    const name: GeneralName = { type: 'other', value: new Uint8Array(Buffer.from(example, 'hex')) };
    expect(mailbox('\u533b\u751f@xn--pss25c.example.com')).toEqual(name);
    expect(isInside('xn--pss25c.example.com', name)).toBe(true);
    expect(isInside('.example.com', name)).toBe(true);
    expect(isInside('example.com', name)).toBe(false);
  });

  test.each<[base: string, mailbox: string, boolean | 'unsupported']>([
    ['good.com', '\u533b@good.com', true],
    ['good.com', '\u533b@GOOD.com', true],
    ['GOOD.com', '\u533b@good.com', true],
    ['good.com', '\u533b@a.good.com', false],
    ['good.com', '\u533b@notgood.com', false],
    ['.good.com', '\u533b@a.good.com', true],
    ['.good.com', '\u533b@good.com', false],
    // As RFC 8398 had it, U-labels.
    ['xn--bcher-kva.com', '\u533b@b\u00fccher.com', true],
    ['xn--bcher-kva.com', '\u533b@B\u00dcCHER.com', true],
    ['bucher.com', '\u533b@b\u00fccher.com', false],
    ['.com', '\u533b@b\u00fccher.com', true],
    // One mailbox: with a local part of ASCII it should have been an rfc822Name, and is the same.
    ['ann@good.com', '\u533b@good.com', false],
    ['ann@good.com', 'ann@good.com', true],
    ['ann@good.com', 'Ann@good.com', false],
    ['ann@good.com', '"ann"@good.com', 'unsupported'],
  ])('of %s is %s: %s', (base, name, inside) => {
    expect(isInside(base, mailbox(name))).toBe(inside);
  });

  test.each<[string, GeneralName]>([
    ['no mailbox', mailbox('\u533b')],
    ['nothing', mailbox('')],
    ['one without a domain', mailbox('\u533b@')],
    ['one without a local part', mailbox('@good.com')],
    ['one with two domains', mailbox('\u533b@good.com@good.com')],
    ['a domain with a dot behind', mailbox('\u533b@good.com.')],
    ['a domain with an empty label', mailbox('\u533b@good..com')],
    ['a domain of which a URL has but a part', mailbox('\u533b@b\u00fccher.com/.good.com')],
    ['a domain with another port', mailbox('\u533b@b\u00fccher.com:443')],
    ['a domain that IDNA does not allow', mailbox('\u533b@xn--\u00fc.com')],
    ['a domain longer than any', mailbox(`\u533b@${'\u00fc.'.repeat(200)}com`)],
    ['a byte order mark', mailbox('\ufeff\u533b@good.com')],
    ['another type of string', other(element(0x16, utf8('ann@good.com')))],
    ['no UTF-8', other(element(0x0c, Uint8Array.of(0xff, 0x40, 0x61)))],
    ['two values', other(concat([element(0x0c, utf8('\u533b@good.com')), element(0x0c, utf8('a'))]))],
    ['no object identifier', other(element(0x0c, utf8('\u533b@good.com')), element(0x0c, utf8('a')))],
  ])('%s is refused where mailboxes are bound, and nowhere else', (_, name) => {
    for (const base of ['good.com', 'bad.net', '.bad.net', 'ann@bad.net'])
      expect(isInside(base, name)).toBe('unsupported');
    for (const side of ['permitted', 'excluded'] as const) expect(outcome(side, dns('a'), name)).toBeUndefined();
  });

  test('another otherName is no mailbox', () => {
    const upn = Uint8Array.of(6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3);
    const name = other(element(0x0c, utf8('ann@bad.net')), upn);
    for (const side of ['permitted', 'excluded'] as const) {
      expect(outcome(side, { type: 'rfc822', value: 'bad.net' }, name)).toBeUndefined();
      expect(outcome(side, name, name)).toBe('unsupported');
      expect(outcome(side, name, mailbox('\u533b@good.com'))).toBe('unsupported');
    }
  });

  test('a host is the same with a dot behind, or nobody can tell', () => {
    expect(isInside('bad.net', { type: 'rfc822', value: 'ann@bad.net.' })).toBe('unsupported');
    expect(isInside('bad.net.', { type: 'rfc822', value: 'ann@bad.net' })).toBe('unsupported');
  });
});
