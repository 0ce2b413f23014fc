import { describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { nullValue, sequence } from '#opentls/x509/asn1/asn1js';
import { element } from '#opentls/x509/asn1/der-write';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { encodeName } from '#opentls/x509/create/extensions';
import { Budget } from '#opentls/x509/path/build';
import { Signatures } from '#opentls/x509/path/signatures';
import { run, wait } from '#opentls/x509/path/steps';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { type CrlSource, crlStatus } from '#opentls/x509/revocation/crl-check';
import { rfc5280, webpki } from '#opentls/x509/rules/profile';
import { authority, type Holder, now, serverLeaf } from '../made/chain.ts';
import {
  type CrlOptions,
  certificateIssuer,
  commonName,
  deltaOf,
  distributionPoint,
  makeCrlDer,
  reasonCode,
  scope,
} from './make-crl.ts';

const ca = authority('ca');
const leaf = serverLeaf(ca);
const subCa = authority('sub', ca);
const serialOf = ({ der }: Holder): Uint8Array => parseCertificate(der).serialNumber;
const nameOf = ({ der }: Holder): Uint8Array => parseCertificate(der).subject.raw;
const hour = 3_600_000;

/** A list of `ca`. */
function listOf(options: Partial<CrlOptions> = {}): Uint8Array {
  return makeCrlDer({ issuer: nameOf(ca), key: ca.key, ...options });
}

type Setting = Partial<Omit<CrlSource, 'lists' | 'candidates'>> & { readonly candidates?: readonly Holder[] };

/** The status, with the reason of what is revoked, the code of what is unknown. */
function said(subject: Holder, lists: readonly Uint8Array[], { candidates = [], ...setting }: Setting = {}): string {
  const known = candidates.map(({ der }) => parseCertificate(der));
  const status = run(
    crlStatus(parseCertificate(subject.der), parseCertificate(ca.der), {
      lists: lists.map(parseCrl),
      time: now,
      profile: rfc5280,
      signatures: new Signatures(node.verifiers, new Budget(), undefined),
      candidates: (name) => known.filter((candidate) => candidate.subject.key === name.key),
      validate: () => wait(true),
      ...setting,
    }),
  );
  if ('then' in status) throw new TypeError('a status that is not there at once');
  if (status.status === 'unknown') return status.code;
  return status.status === 'revoked' ? status.reason : 'good';
}

const revoked = [serialOf(leaf)];

describe('one list', () => {
  test('lists the certificate or does not', () => {
    expect(said(leaf, [])).toBe('UNABLE_TO_GET_CRL');
    expect(said(leaf, [listOf()])).toBe('good');
    expect(said(leaf, [listOf({ revoked })])).toBe('unspecified');
    const entry = { serialNumber: serialOf(leaf), extensions: [reasonCode('keyCompromise')] };
    expect(said(leaf, [listOf({ revoked: [entry] })])).toBe('keyCompromise');
  });

  test('is in time to the last second', () => {
    const list = listOf({ thisUpdate: now, nextUpdate: now + hour });
    expect(said(leaf, [list], { time: now - 1 })).toBe('CRL_NOT_YET_VALID');
    expect(said(leaf, [list], { time: now + hour + 999 })).toBe('good');
    expect(said(leaf, [list], { time: now + hour + 1000 })).toBe('CRL_HAS_EXPIRED');
    expect(said(leaf, [list], { time: now + 1000, maxAge: 1000 })).toBe('good');
    expect(said(leaf, [list], { time: now + 1001, maxAge: 1000 })).toBe('CRL_HAS_EXPIRED');
  });

  test('that is out of date still tells what is revoked', () => {
    expect(said(leaf, [listOf({ revoked, nextUpdate: now })], { time: now + hour })).toBe('unspecified');
  });

  test('has nextUpdate and a number where the profile is strict', () => {
    expect(said(leaf, [listOf()], { profile: webpki })).toBe('good');
    for (const options of [{ nextUpdate: undefined }, { number: undefined }]) {
      expect(said(leaf, [listOf(options)])).toBe('good');
      expect(said(leaf, [listOf(options)], { profile: webpki })).toBe('INVALID_CRL');
    }
    const twice = listOf({ revoked: [revoked, revoked].flat() });
    expect(said(subCa, [twice], { profile: webpki })).toBe('INVALID_CRL');
    // Who is listed is revoked all the same.
    expect(said(leaf, [twice], { profile: webpki })).toBe('unspecified');
  });

  test('with a critical extension that is not known says nothing', () => {
    const unknown = { oid: '1.2.3.4', critical: true, value: nullValue() };
    expect(said(leaf, [listOf({ extensions: [unknown] })])).toBe('UNHANDLED_CRITICAL_CRL_EXTENSION');
    expect(said(leaf, [listOf({ extensions: [{ ...unknown, critical: false }] })])).toBe('good');
    const other = { serialNumber: Uint8Array.of(7), extensions: [unknown] };
    expect(said(leaf, [listOf({ revoked: [other] })])).toBe('UNHANDLED_CRITICAL_CRL_EXTENSION');
    const named = { serialNumber: serialOf(leaf), extensions: [certificateIssuer(encodeName('other'))] };
    expect(said(leaf, [listOf({ revoked: [named] })])).toBe('UNHANDLED_CRITICAL_CRL_EXTENSION');
  });

  test('with a reason that is not defined says that the certificate is revoked', () => {
    const extension = { ...reasonCode('keyCompromise'), value: element(0x0a, Uint8Array.of(7)) };
    const list = listOf({ revoked: [{ serialNumber: serialOf(leaf), extensions: [extension] }] });
    expect(said(leaf, [list])).toBe('unspecified');
    expect(said(subCa, [list])).toBe('good');
  });
});

describe('several lists', () => {
  const before = listOf({ thisUpdate: now - hour });
  const after = listOf({ revoked, number: 2 });

  test.each([
    ['the later one revokes', [before, after], 'unspecified'],
    ['in any order', [after, before], 'unspecified'],
    ['the later one takes it back', [listOf({ revoked, thisUpdate: now - hour }), listOf({ number: 2 })], 'good'],
    ['the later one is of a stranger', [before, makeCrlDer({ issuer: nameOf(ca), key: leaf.key, revoked })], 'good'],
    ['the later one is of tomorrow', [before, listOf({ revoked, thisUpdate: now + hour })], 'good'],
  ] as const)('%s', (_name, lists, expected) => {
    expect(said(leaf, lists)).toBe(expected);
  });

  test('an algorithm without a verifier spoils no other list', () => {
    const verifiers = node.verifiers.filter(({ algorithm }) => algorithm !== 'ecdsa_sha256');
    const signatures = new Signatures(verifiers, new Budget(), undefined);
    expect(said(leaf, [before], { signatures })).toBe('UNSUPPORTED_SIGNATURE_ALGORITHM');
  });
});

describe('who signs a list', () => {
  const otherKey = authority('ca');
  const byOther = makeCrlDer({ issuer: nameOf(ca), key: otherKey.key });

  test('another key of the same name', () => {
    expect(said(leaf, [byOther])).toBe('CRL_SIGNATURE_FAILURE');
    expect(said(leaf, [byOther], { candidates: [otherKey] })).toBe('good');
    const asked: Certificate[] = [];
    const validate: CrlSource['validate'] = (candidate) => {
      asked.push(candidate);
      return wait(false);
    };
    expect(said(leaf, [byOther], { candidates: [otherKey], validate })).toBe('CRL_PATH_VALIDATION_ERROR');
    expect(asked.map(({ raw }) => raw)).toEqual([otherKey.der]);
    expect(said(leaf, [listOf()], { candidates: [otherKey], validate })).toBe('good');
  });

  test('its key identifier saves signature checks', () => {
    const namesakes = Array.from({ length: 30 }, () => authority('ca'));
    const keyIdentifier = parseCertificate(otherKey.der).subjectKeyIdentifier ?? new Uint8Array(0);
    const value = sequence(element(0x80, keyIdentifier));
    const list = makeCrlDer({ issuer: nameOf(ca), key: otherKey.key, extensions: [{ oid: '2.5.29.35', value }] });
    const signatures = new Signatures(node.verifiers, new Budget({ signatures: 1 }), undefined);
    expect(said(leaf, [list], { candidates: [...namesakes, otherKey], signatures })).toBe('good');
  });

  test('a key that may not', () => {
    const mute = authority('ca', undefined, { keyUsage: ['keyCertSign'], publicKeyOf: otherKey });
    expect(said(leaf, [byOther], { candidates: [mute] })).toBe('KEYUSAGE_NO_CRL_SIGN');
    expect(said(leaf, [byOther], { candidates: [mute, otherKey] })).toBe('good');
  });

  test('SHA-1, unless the profile lets it be', () => {
    const old = authority('ca', undefined, { rsa: 2048 });
    const list = makeCrlDer({ issuer: nameOf(old), key: old.key, sha1: true });
    const profile = { ...rfc5280, weakDigests: ['sha1'] as const };
    expect(said(leaf, [list], { candidates: [old] })).toBe('CRL_SIGNATURE_FAILURE');
    expect(said(leaf, [list], { candidates: [old], profile })).toBe('good');
  });
});

describe('the scope of a list', () => {
  const uri = 'http://crl.test/1';
  const pointed = serverLeaf(ca, { extensions: [distributionPoint({ uri })] });
  const relative = commonName('part');

  test.each([
    ['its own distribution point', pointed, { uri }, 'good'],
    ['another distribution point', pointed, { uri: 'http://crl.test/2' }, 'DIFFERENT_CRL_SCOPE'],
    ['a distribution point that the certificate does not name', leaf, { uri }, 'DIFFERENT_CRL_SCOPE'],
    ['end entities', leaf, { flags: [1] }, 'good'],
    ['end entities, asked of a CA', subCa, { flags: [1] }, 'DIFFERENT_CRL_SCOPE'],
    ['CAs', subCa, { flags: [2] }, 'good'],
    ['CAs, asked of an end entity', leaf, { flags: [2] }, 'DIFFERENT_CRL_SCOPE'],
    ['attribute certificates', leaf, { flags: [5] }, 'DIFFERENT_CRL_SCOPE'],
  ] as const)('%s', (_name, subject, only, expected) => {
    expect(said(subject, [listOf({ extensions: [scope(only)] })])).toBe(expected);
  });

  test.each([
    ['both relative', { relative }, { relative }, 'good'],
    ['both relative, but different', { relative }, { relative: commonName('other') }, 'DIFFERENT_CRL_SCOPE'],
    ['one relative, one a URI', { relative }, { uri }, 'DIFFERENT_CRL_SCOPE'],
  ] as const)('names of distribution points: %s', (_name, point, only, expected) => {
    const subject = serverLeaf(ca, { extensions: [distributionPoint(point)] });
    expect(said(subject, [listOf({ extensions: [scope(only)] })])).toBe(expected);
  });

  test('reasons add up over lists', () => {
    // keyCompromise and cACompromise; the other six
    const [some, others] = [Uint8Array.of(5, 0x60), Uint8Array.of(7, 0x1f, 0x80)].map((reasons) =>
      listOf({ extensions: [scope({ reasons })] }),
    );
    if (some === undefined || others === undefined) throw new RangeError('two lists');
    expect(said(leaf, [some])).toBe('UNABLE_TO_GET_CRL');
    expect(said(leaf, [some, some])).toBe('UNABLE_TO_GET_CRL');
    expect(said(leaf, [some, others])).toBe('good');
    const late = listOf({ extensions: [scope({ reasons: Uint8Array.of(7, 0x1f, 0x80) })], revoked });
    expect(said(leaf, [some, late])).toBe('unspecified');
  });
});

describe('an indirect list', () => {
  const clerk = authority('clerk', ca);
  const pointed = serverLeaf(ca, { extensions: [distributionPoint({ crlIssuer: nameOf(clerk) })] });
  const indirect = scope({ flags: [4] });
  const byClerk = (entries: CrlOptions['revoked'] = [], extensions = [indirect]): Uint8Array =>
    makeCrlDer({ issuer: nameOf(clerk), key: clerk.key, revoked: entries, extensions });
  const serialNumber = serialOf(pointed);
  const of = (issuer: Holder) => [certificateIssuer(nameOf(issuer))];
  const setting = { candidates: [clerk] };

  test('speaks of the issuers that entries name, and those after them', () => {
    const other = authority('other');
    expect(said(pointed, [byClerk()], setting)).toBe('good');
    expect(said(pointed, [byClerk([serialNumber])], setting)).toBe('good');
    expect(said(pointed, [byClerk([{ serialNumber, extensions: of(ca) }])], setting)).toBe('unspecified');
    expect(said(pointed, [byClerk([{ serialNumber, extensions: of(other) }])], setting)).toBe('good');
    const sticky = [{ serialNumber: Uint8Array.of(7), extensions: of(ca) }, serialNumber];
    expect(said(pointed, [byClerk(sticky)], setting)).toBe('unspecified');
    const ended = [...sticky.slice(0, 1), { serialNumber: Uint8Array.of(7), extensions: of(other) }, serialNumber];
    expect(said(pointed, [byClerk(ended)], setting)).toBe('good');
  });

  test('is one only where it says so, and the certificate names its issuer', () => {
    expect(said(pointed, [byClerk([], [])], setting)).toBe('UNABLE_TO_GET_CRL');
    expect(said(leaf, [byClerk()], setting)).toBe('UNABLE_TO_GET_CRL');
    expect(said(pointed, [byClerk()])).toBe('UNABLE_TO_GET_CRL_ISSUER');
  });

  test('may have a serial number for each of a thousand issuers', () => {
    const serial = Uint8Array.of(7);
    const entries = Array.from({ length: 1000 }, (_, n) => ({
      serialNumber: serial,
      extensions: [certificateIssuer(encodeName(`issuer ${n}`)), reasonCode(n === 500 ? 'superseded' : 'unspecified')],
    }));
    const list = parseCrl(byClerk(entries));
    const named = (n: number) => parseCertificate(authority(`issuer ${n}`).der).subject;
    expect(list.find(serial, named(0))?.reason).toBe('unspecified');
    expect(list.find(serial, named(500))?.reason).toBe('superseded');
    expect(list.find(serial, named(1000))).toBeUndefined();
    expect(list.repeats).toBe(false);
  });
});

describe('a delta list', () => {
  const hold = { serialNumber: serialOf(leaf), extensions: [reasonCode('certificateHold')] };
  const free = { serialNumber: serialOf(leaf), extensions: [reasonCode('removeFromCRL')] };
  const base = listOf({ number: 5 });
  const delta = (from: number, number: number, options: Partial<CrlOptions> = {}): Uint8Array =>
    listOf({ revoked, ...options, number, extensions: [deltaOf(from), ...(options.extensions ?? [])] });

  test.each([
    ['adds to its base', [base, delta(5, 6)], 'unspecified'],
    ['adds to a later base', [base, delta(4, 6)], 'unspecified'],
    ['is not of an earlier base', [base, delta(6, 7)], 'good'],
    ['is not newer than its base', [base, delta(4, 5)], 'good'],
    ['has another scope', [base, delta(5, 6, { extensions: [scope({ flags: [1] })] })], 'good'],
    ['is of a stranger', [base, delta(5, 6, { key: leaf.key })], 'good'],
    ['is out of date', [base, delta(5, 6, { thisUpdate: now - hour, nextUpdate: now - 1000 })], 'good'],
    ['takes back a hold', [listOf({ number: 5, revoked: [hold] }), delta(5, 6, { revoked: [free] })], 'good'],
    ['says nothing new', [listOf({ number: 5, revoked: [hold] }), delta(5, 6, { revoked: [] })], 'certificateHold'],
    ['is the latest of two', [base, delta(5, 7, { revoked: [free] }), delta(5, 6, { thisUpdate: now - hour })], 'good'],
    ['is no list by itself', [delta(5, 6)], 'UNABLE_TO_GET_CRL'],
  ] as const)('%s', (_name, lists, expected) => {
    expect(said(leaf, lists)).toBe(expected);
  });
});
