import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { parseCrl } from '#opentls/x509/crl';
import { decodePem } from '#opentls/x509/pem';
import { rfc5280 } from '#opentls/x509/profile';
import type { RevocationOptions } from '#opentls/x509/revocation';
import { TrustStore } from '#opentls/x509/trust';
import { type Verdict, verifyPeer } from '#opentls/x509/verify';
import { toDer } from './limbo.ts';
import { bigList } from './make-crl.ts';

describe('a list of 100,000 entries', () => {
  const count = 100_000;
  const list = parseCrl(bigList(count));
  const issuer = list.issuer;
  const serial = (n: number): Uint8Array => Uint8Array.of(1, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

  test('each is found, and no other', () => {
    expect(list.size).toBe(count);
    expect(list.repeats).toBe(false);
    for (const n of [0, 1, 77, 65_535, count - 1]) {
      expect(list.find(serial(n), issuer)).toMatchObject({ reason: 'unspecified', serialNumber: serial(n) });
    }
    expect(list.find(serial(count), issuer)).toBeUndefined();
    expect(list.find(Uint8Array.of(1), issuer)).toBeUndefined();
  });

  test('any byte changed is noticed or harmless', () => {
    const der = bigList(20);
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      try {
        for (const entry of parseCrl(changed).entries()) expect(entry.serialNumber.length).toBeGreaterThan(0);
      } catch (error) {
        expect(String(error)).toMatch(/TlsError|Error: /);
      }
    }
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;
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

  crl(revoked: readonly ('leaf' | 'other')[]): string {
    writeFileSync(join(this.#folder, 'index.txt'), '');
    writeFileSync(join(this.#folder, 'number'), '01\n');
    for (const name of revoked) this.#run(`ca -config ca.cnf -revoke ${name}.pem -keyfile ca.key -cert ca.pem`);
    this.#run('ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out list.pem -crldays 30');
    return this.#read('list.pem');
  }

  ask(crls: Parameters<typeof verifyPeer>[1]['crls'], revocation: RevocationOptions = {}, time = Date.now()) {
    return verifyPeer([toDer(this.#leaf)], {
      trust: TrustStore.from([toDer(this.#root)]),
      verifiers: node.verifiers,
      purpose: 'server',
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
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
[leaf]
crlDistributionPoints = URI:http://crl.test/list.crl
`;
