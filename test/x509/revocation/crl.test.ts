import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { equal } from '#opentls/bytes/equal';
import { fromHex } from '#opentls/bytes/hex';
import { node } from '#opentls/providers/node';
import { DerError, Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { decodePem } from '#opentls/x509/asn1/pem';
import { TrustStore } from '#opentls/x509/path/trust';
import { type CertificateList, parseCrl } from '#opentls/x509/revocation/crl';
import { CrlEntries } from '#opentls/x509/revocation/crl-entries';
import type { RevocationOptions } from '#opentls/x509/revocation/revocation';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { openssl } from '../../kit/openssl.ts';
import { toDer } from '../suites/limbo.ts';
import { bigList, bigListSerial, reasonCode } from './make-crl.ts';

describe('a list of 100,000 entries', () => {
  const count = 100_000;

  test.each([
    ['without reasons', [], 'unspecified'],
    ['with reasons', [reasonCode('superseded')], 'superseded'],
  ] as const)('each is found, and no other: %s', (_name, extensions, reason) => {
    const list = parseCrl(bigList(count, extensions));
    expect(list).toMatchObject({ size: count, repeats: false, version: 2, unhandledExtension: undefined });
    for (let n = 0; n < count; n += 7) {
      const serialNumber = bigListSerial(n);
      const found = list.find(serialNumber, list.issuer);
      if (found?.reason !== reason || !equal(found.serialNumber, serialNumber)) throw new Error(`entry ${n}`);
    }
    expect(list.find(bigListSerial(count), list.issuer)).toBeUndefined();
    expect(list.find(Uint8Array.of(1), list.issuer)).toBeUndefined();
  });
});

describe('serial numbers whose hashes share a slot of the index', () => {
  const entries = (count: number, slots: number): Uint8Array => {
    const list: Uint8Array[] = [];
    for (let n = 0; list.length < count; n++) {
      const serial = bigListSerial(n);
      if ((fnv1a(serial) & (slots - 1)) !== 0) continue;
      list.push(element(Tag.sequence, element(Tag.integer, serial), fromHex('170d3236303130313030303030305a')));
    }
    return concat(list);
  };

  test('are found', () => {
    const list = new CrlEntries(entries(10, 32), 2, false);
    expect(list).toMatchObject({ size: 10, repeats: false });
    for (let n = 0; n < 10; n++) expect(list.find(list.read(n).serialNumber)).toEqual([n]);
    expect(list.find(Uint8Array.of(2))).toEqual([]);
  });

  test('are refused where they are too many', () => {
    expect(() => new CrlEntries(entries(500, 1024), 2, false)).toThrowError('collide');
  });

  /** As the index has it: a stranger may know it. */
  function fnv1a(bytes: Uint8Array): number {
    const hash = bytes.reduce((state, byte) => Math.imul(state ^ byte, 0x01000193), 0x811c9dc5);
    return hash ^ (hash >>> 15);
  }
});

describe('strict DER', () => {
  const der = bigList(20, [{ ...reasonCode('superseded'), critical: true }]);
  const whole = contents(parseCrl(der));

  test('a changed byte is noticed, or changes what is read', () => {
    let refused = 0;
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      try {
        expect(contents(parseCrl(changed)), `byte ${at}`).not.toBe(whole);
      } catch (error) {
        if (!(error instanceof DerError)) expect(error, `byte ${at}`).toMatchObject({ code: 'INVALID_CRL' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(der.length / 2);
  });

  test('any part of a list is none', () => {
    for (let end = 0; end < der.length; end++) {
      expect(() => parseCrl(der.subarray(0, end)), `${end} bytes`).toThrowError(
        expect.objectContaining({ code: 'INVALID_CRL' }),
      );
    }
  });

  const serial = '020107';
  const date = '170d3236303130313030303030305a';
  const entry = (...fields: readonly string[]): Uint8Array => element(Tag.sequence, fromHex(fields.join('')));
  const extension = (critical: string): string => `300c300a0603551d15${critical}0400`;

  test('an entry as it should be', () => {
    expect(new CrlEntries(entry(serial, date), 2, false)).toMatchObject({ size: 1, unhandled: false });
    expect(new CrlEntries(entry(serial, date, extension('0101ff')), 2, false).unhandled).toBe(false);
    expect(() => new CrlEntries(entry(serial, date, extension('0101ff')), 1, false)).toThrowError('left over');
  });

  test.each([
    ['a serial number without content', entry('0200', date), 'serial number'],
    ['a padded serial number', entry('02020007', date), 'not minimal'],
    ['a revocation date that is no time', entry(serial, '040101'), 'no time'],
    ['a date without seconds', entry(serial, '170b323630313031303030305a'), 'not a time'],
    ['a date with a letter', entry(serial, '170d3236303130313030303061305a'), 'no digit'],
    ['something after the extensions', entry(serial, date, extension('0101ff'), '0500'), 'left over'],
    ['what is no list of extensions', entry(serial, date, '0500'), 'no element of tag 0x30'],
    ['an extension that says FALSE', entry(serial, date, extension('010100')), 'BOOLEAN'],
    ['an extension that says 01', entry(serial, date, extension('010101')), 'BOOLEAN'],
    ['an entry that ends after the list', fromHex(`307f${serial}${date}`), 'ends after'],
    ['a length that is not minimal', fromHex(`308112${serial}${date}`), 'not minimal'],
    ['an indefinite length', fromHex(`3080${serial}${date}0000`), 'indefinite'],
    ['no entry', new Uint8Array(0), 'empty'],
  ])('%s', (_name, bytes, complaint) => {
    expect(() => new CrlEntries(bytes, 2, false)).toThrowError(complaint);
  });
});

/** All that is read of a list. */
function contents(list: CertificateList): string {
  const { version, issuer, thisUpdate, nextUpdate, signature, extensions, unhandledExtension } = list;
  const read = { version, issuer: issuer.rdns, thisUpdate, nextUpdate, signature, extensions, unhandledExtension };
  return JSON.stringify([read, ...list.entries()]);
}

const folder = mkdtempSync(join(tmpdir(), 'opentls-crl-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!openssl)('lists that the openssl command makes', () => {
  const ca = openssl ? new OpensslCa(folder) : undefined;

  test.each([
    ['an empty list', [], 'good'],
    ['the leaf is listed', ['leaf'], 'CERT_REVOKED'],
    ['another is listed', ['other'], 'good'],
  ] as const)('%s', (_name, revoked, expected) => {
    const crl = ca?.crl(revoked) ?? '';
    expect(said(ca?.judge([toDer(crl)]))).toBe(expected);
    expect(said(ca?.judge([parseCrl(toDer(crl))]))).toBe(expected);
  });

  test('no list, a stale one, a list of a stranger, a broken one', () => {
    const list = toDer(ca?.crl([]) ?? '');
    const day = 86_400_000;
    expect(said(ca?.judge([], { mode: 'hard' }))).toBe('UNABLE_TO_GET_CRL');
    expect(said(ca?.judge([], { mode: 'soft' }))).toBe('good');
    expect(said(ca?.judge([]))).toBe('good');
    expect(said(ca?.judge([list], {}, Date.now() + 40 * day))).toBe('CRL_HAS_EXPIRED');
    expect(said(ca?.judge([list], { maxAge: 1000 }, Date.now() + 10_000))).toBe('CRL_HAS_EXPIRED');
    expect(said(ca?.judge([toDer(new OpensslCa(folder).crl([]))]))).toBe('CRL_SIGNATURE_FAILURE');
    const broken = Uint8Array.from(list);
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    expect(said(ca?.judge([broken]))).toBe('CRL_SIGNATURE_FAILURE');
    expect(said(ca?.judge([broken.subarray(1)]))).toBe('UNABLE_TO_GET_CRL');
    expect(said(ca?.judge([broken], { mode: 'soft' }))).toBe('good');
  });

  test('deltas', () => {
    const list = (...args: Parameters<OpensslCa['crl']>): Uint8Array => toDer(ca?.crl(...args) ?? '');
    const base = list([], 5);
    const delta = list(['leaf'], 6, 'delta', ' -crl_reason superseded');
    expect(parseCrl(delta)).toMatchObject({ deltaCrlIndicator: Uint8Array.of(5), crlNumber: Uint8Array.of(6) });
    expect(said(ca?.judge([base, delta]))).toBe('CERT_REVOKED');
    expect(said(ca?.judge([delta]))).toBe('UNABLE_TO_GET_CRL');
    expect(said(ca?.judge([list([], 4), delta]))).toBe('good');
    const held = list(['leaf'], 5, 'list', ' -crl_hold holdInstructionReject');
    expect(said(ca?.judge([held]))).toBe('CERT_REVOKED');
    expect(said(ca?.judge([held, list(['leaf'], 6, 'delta', ' -crl_reason removeFromCRL')]))).toBe('good');
  });

  test.each([
    ['here', 'good', { onlyContainsUserCerts: true, indirectCrl: false }],
    ['there', 'DIFFERENT_CRL_SCOPE', { onlyContainsUserCerts: false }],
    ['some', 'UNABLE_TO_GET_CRL', { onlySomeReasons: 0b110, indirectCrl: true, name: undefined }],
    ['authorities', 'DIFFERENT_CRL_SCOPE', { onlyContainsCaCerts: true }],
  ] as const)('the distribution point %s', (section, expected, point) => {
    const list = parseCrl(toDer(ca?.crl([], 1, section) ?? ''));
    expect(list.issuingDistributionPoint).toMatchObject(point);
    expect(said(ca?.judge([list]))).toBe(expected);
  });

  test.each([
    [' -crl_reason affiliationChanged', { reason: 'affiliationChanged', invalidityDate: undefined }],
    [' -crl_compromise 20250102030405Z', { reason: 'keyCompromise', invalidityDate: Date.UTC(2025, 0, 2, 3, 4, 5) }],
    [' -crl_CA_compromise 20250102030405Z', { reason: 'cACompromise' }],
    [' -crl_hold holdInstructionNone', { reason: 'certificateHold' }],
    ['', { reason: 'unspecified', invalidityDate: undefined }],
  ])('what is said of an entry:%s', (how, expected) => {
    const list = parseCrl(toDer(ca?.crl(['leaf'], 1, 'list', how) ?? ''));
    expect([...list.entries()]).toEqual([expect.objectContaining(expected)]);
    expect(list.authorityKeyIdentifier?.keyIdentifier).toHaveLength(20);
  });

  test('a hook fetches what the certificate names', () => {
    const asked: string[] = [];
    const fetchCrl = (url: string): Uint8Array | undefined => {
      asked.push(url);
      return toDer(ca?.crl(['leaf']) ?? '');
    };
    expect(said(ca?.judge([], { mode: 'soft', fetchCrl }))).toBe('CERT_REVOKED');
    expect(asked).toEqual(['http://crl.test/list.crl']);
    const nothing = (): undefined => undefined;
    expect(said(ca?.judge([], { mode: 'soft', fetchCrl: nothing }))).toBe('good');
    expect(said(ca?.judge([], { mode: 'hard', fetchCrl: nothing }))).toBe('UNABLE_TO_GET_CRL');
  });

  test('a hook may answer later, or fail', async () => {
    const later = (revoked: readonly 'leaf'[]) => async () => toDer(ca?.crl(revoked) ?? '');
    expect(said(await ca?.ask([], { mode: 'hard', fetchCrl: later(['leaf']) }))).toBe('CERT_REVOKED');
    expect(said(await ca?.ask([], { mode: 'hard', fetchCrl: later([]) }))).toBe('good');
    const failing = () => Promise.reject(new Error('no network'));
    expect(said(await ca?.ask([], { mode: 'hard', fetchCrl: failing }))).toBe('UNABLE_TO_GET_CRL');
  });
});

function said(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'not run';
  return verdict.ok ? 'good' : verdict.code;
}

/** A CA of the openssl command with two leaves. */
class OpensslCa {
  readonly #folder: string;
  readonly #root: string;
  readonly #leaf: string;

  constructor(parent: string) {
    this.#folder = mkdtempSync(join(parent, 'ca-'));
    writeFileSync(join(this.#folder, 'ca.cnf'), config);
    this.#run(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 99',
    );
    for (const name of ['leaf', 'other']) {
      this.#run(
        `req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.key -out r.pem -subj /CN=${name}`,
      );
      this.#run(
        `x509 -req -in r.pem -CA ca.pem -CAkey ca.key -out ${name}.pem -days 90 -extfile ca.cnf -extensions leaf`,
      );
    }
    this.#root = this.#read('ca.pem');
    this.#leaf = this.#read('leaf.pem');
  }

  /**
   * @param section of the configuration with the extensions of the list
   * @param how options with which certificates are revoked
   */
  crl(revoked: readonly ('leaf' | 'other')[], number = 1, section = 'list', how = ''): string {
    writeFileSync(join(this.#folder, 'index.txt'), '');
    writeFileSync(join(this.#folder, 'number'), `0${number}\n`);
    for (const name of revoked) this.#run(`ca -config ca.cnf -revoke ${name}.pem -keyfile ca.key -cert ca.pem${how}`);
    this.#run(`ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out list.pem -crldays 30 -crlexts ${section}`);
    return this.#read('list.pem');
  }

  /** By default a second from now: what a hook has made meanwhile may be of the next one. */
  ask(crls: Parameters<typeof verifyPeer>[1]['crls'], revocation: RevocationOptions = {}, time = Date.now() + 1000) {
    return verifyPeer([toDer(this.#leaf)], {
      trust: TrustStore.from([toDer(this.#root)]),
      verifiers: node.verifiers,
      purpose: 'server',
      name: 'any',
      time,
      profile: rfc5280,
      crls,
      revocation,
    });
  }

  judge(...args: Parameters<OpensslCa['ask']>): Verdict {
    const verdict = this.ask(...args);
    if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
    return verdict;
  }

  #run(command: string): void {
    execFileSync('openssl', command.split(' '), { cwd: this.#folder, stdio: 'pipe' });
  }

  #read(name: string): string {
    const [block] = decodePem(readFileSync(join(this.#folder, name), 'utf8'));
    if (block === undefined) throw new RangeError(name);
    return readFileSync(join(this.#folder, name), 'utf8');
  }
}

const config = `[ca]
default_ca = own
[own]
database = index.txt
crlnumber = number
default_md = sha256
unique_subject = no
[list]
authorityKeyIdentifier = keyid
[delta]
authorityKeyIdentifier = keyid
2.5.29.27 = critical, DER:020105
[here]
issuingDistributionPoint = critical, @here_point
[here_point]
fullname = URI:http://crl.test/list.crl
onlyuser = TRUE
[there]
issuingDistributionPoint = critical, @there_point
[there_point]
fullname = URI:http://crl.test/other.crl
[some]
issuingDistributionPoint = critical, @some_point
[some_point]
onlysomereasons = keyCompromise, CACompromise
indirectCRL = TRUE
[authorities]
issuingDistributionPoint = critical, @authorities_point
[authorities_point]
onlyCA = TRUE
[leaf]
crlDistributionPoints = URI:http://crl.test/list.crl
`;
