import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { DerError, Tag } from '#opentls/x509/asn1/der';
import { element, wholeBits } from '#opentls/x509/asn1/der-write';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { sameName } from '#opentls/x509/certificate/names';
import { Budget } from '#opentls/x509/path/build';
import { Signatures } from '#opentls/x509/path/signatures';
import { run } from '#opentls/x509/path/steps';
import { TrustStore } from '#opentls/x509/path/trust';
import { certificateEntry, parseScts, precertificateEntry, signedMessage } from '#opentls/x509/transparency/sct';
import {
  type CtLog,
  type LoggedSct,
  missingScts,
  type TransparencyOptions,
  validScts,
} from '#opentls/x509/transparency/transparency';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, now, serverLeaf } from '../made/chain.ts';
import { fromBase64 } from '../suites/crl-suites.ts';
import { absent, type LimboCase, outsideJson, title, toDer } from '../suites/limbo.ts';

const logs: readonly CtLog[] = readJson<readonly (Omit<CtLog, 'key'> & { readonly key: string })[]>('ct-logs.json').map(
  (log) => ({ ...log, key: fromBase64(log.key) }),
);
const logIds = new Set(logs.map(({ key }) => idOf(key)));
const hash = node.hashes.sha256;

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/x509/${name}`, import.meta.url), 'utf8')) as T;
}

function idOf(key: Uint8Array): string {
  return Buffer.from(node.hashes.sha256.digest(key)).toString('base64');
}

interface Asked {
  readonly logs?: readonly CtLog[];
  readonly fromTls?: Uint8Array;
  readonly time?: number;
}

function valid(leaf: Certificate, issuer: Certificate, asked: Asked = {}): readonly LoggedSct[] {
  const signatures = new Signatures(node.verifiers, new Budget(), undefined);
  const { time = Date.parse('2026-06-01T00:00:00Z'), ...options } = asked;
  const found = run(validScts(leaf, issuer, { logs, hash, ...options }, { time, signatures, stapled: undefined }));
  if ('then' in found) throw new TypeError('an answer that is not there at once');
  return found;
}

const file = 'real-chains.json.gz';

describe('timestamps within real certificates', () => {
  test.skipIf(absent(file))(title(file), () => {
    const found = { chains: 0, timestamps: 0, ofKnownLogs: 0, valid: 0 };
    for (const [leaf, issuer] of realPairs()) {
      const scts = parseScts(leaf.sctList ?? new Uint8Array(2));
      found.chains++;
      found.timestamps += scts.length;
      found.ofKnownLogs += scts.filter(({ logId }) => logIds.has(Buffer.from(logId).toString('base64'))).length;
      found.valid += valid(leaf, issuer).length;
    }
    // The two that do not hold are those of real::go::invalidhash, a certificate changed after it was issued.
    expect(found).toEqual({ chains: 184, timestamps: 475, ofKnownLogs: 452, valid: 450 });
  });
});

/** Leaves that carry timestamps, each once, with their issuer. */
function* realPairs(): Generator<readonly [leaf: Certificate, issuer: Certificate]> {
  const seen = new Set<string>();
  for (const given of outsideJson<{ readonly testcases: readonly LimboCase[] }>(file).testcases) {
    if (seen.has(given.peer_certificate)) continue;
    seen.add(given.peer_certificate);
    const leaf = parseCertificate(toDer(given.peer_certificate));
    const issuer = [...given.untrusted_intermediates, ...given.trusted_certs]
      .map((pem) => parseCertificate(toDer(pem)))
      .find(({ subject }) => sameName(subject, leaf.issuer));
    if (issuer !== undefined && leaf.sctList !== undefined) yield [leaf, issuer];
  }
}

describe('a certificate of cloudflare.com', () => {
  const [leaf, issuer] = readJson<{ readonly chain: readonly string[] }>('cloudflare-chain.json').chain.map((pem) =>
    parseCertificate(toDer(pem)),
  );
  if (leaf?.sctList === undefined || issuer === undefined) throw new TypeError('no chain with timestamps');
  const list = leaf.sctList;
  const [first] = valid(leaf, issuer);
  if (first === undefined) throw new TypeError('no valid timestamp');

  test('has what browsers ask', () => {
    expect(missingScts(leaf, valid(leaf, issuer), { logs, hash })).toBeUndefined();
  });

  test('an unknown log counts for nothing', () => {
    expect(valid(leaf, issuer, { logs: [] })).toEqual([]);
    expect(missingScts(leaf, [], { logs, hash })).toContain('0 of 2');
  });

  test('the key of another log verifies nothing', () => {
    const [one, ...others] = logs.filter(({ key }) => idOf(key) !== Buffer.from(first.sct.logId).toString('base64'));
    expect(others.length).toBeGreaterThan(0);
    expect(valid(leaf, issuer, { logs: one === undefined ? [] : [one] }).map(({ log }) => log)).not.toContain(
      first.log,
    );
  });

  test('another issuer verifies nothing', () => {
    expect(valid(leaf, leaf)).toEqual([]);
  });

  test.each([12, 43, 60])('a changed byte %d of the list costs that timestamp', (at) => {
    const changed = changedCertificate(leaf.raw, list, at);
    expect(valid(changed, issuer).length).toBe(valid(leaf, issuer).length - 1);
  });

  test('timestamps of one certificate do not hold for another', () => {
    expect(valid(issuer, issuer, { fromTls: list })).toEqual([]);
  });

  test('timestamps of the future do not count, and those after a log retired', () => {
    const { timestamp } = first.sct;
    expect(valid(leaf, issuer, { time: timestamp - 1 }).map(({ log }) => log)).not.toContain(first.log);
    expect(valid(leaf, issuer, { time: timestamp }).map(({ log }) => log)).toContain(first.log);
    expect(valid(leaf, issuer, { logs: [{ ...first.log, retiredAt: timestamp }] })).toEqual([]);
  });

  test('one operator is not enough', () => {
    const one = valid(leaf, issuer).map(({ sct, log }) => ({ sct, log: { ...log, operator: 'one' } }));
    expect(missingScts(leaf, one, { logs, hash })).toContain('1 of 2 operators');
  });

  test('a list that is cut off is refused', () => {
    for (let length = 0; length < list.length; length++) {
      expect(() => parseScts(list.subarray(0, length))).toThrow(DerError);
    }
  });
});

/** The certificate with one byte of its list changed. */
function changedCertificate(raw: Uint8Array, list: Uint8Array, at: number): Certificate {
  const copy = Uint8Array.from(raw);
  const offset = Buffer.from(raw).indexOf(list) + at;
  copy[offset] = (copy[offset] ?? 0) ^ 1;
  return parseCertificate(copy);
}

describe('timestamps that come beside the certificate', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log: CtLog = { key: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })), operator: 'own' };
  const issuing = authority('issuing');
  const leafDer = serverLeaf(issuing).der;
  const leaf = parseCertificate(leafDer);
  const issuer = parseCertificate(issuing.der);
  const list = listOf(sctFor(certificateEntry(leaf)));

  function sctFor(entry: Uint8Array): Uint8Array {
    const timestamp = now - 1000;
    const unsigned = { logId: hash.digest(log.key), timestamp, extensions: new Uint8Array(0) };
    const message = signedMessage({ ...unsigned, algorithm: undefined, signature: new Uint8Array(0) }, entry);
    const signature = sign('sha256', message, privateKey);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(timestamp));
    return Uint8Array.of(0, ...unsigned.logId, ...time, 0, 0, 4, 3, 0, signature.length, ...signature);
  }

  function listOf(sct: Uint8Array): Uint8Array {
    return Uint8Array.of(0, sct.length + 2, 0, sct.length, ...sct);
  }

  /** An OCSP response that carries the list; nobody looks at its signature here. */
  function responseWith(timestamps: Uint8Array): Uint8Array {
    const time = element(Tag.generalizedTime, new TextEncoder().encode('20260101000000Z'));
    const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
    const octets = (...content: readonly Uint8Array[]): Uint8Array => element(Tag.octetString, ...content);
    const certId = element(Tag.sequence, bytes('300706052b0e03021a'), octets(), octets(), bytes('020101'));
    const extension = element(Tag.sequence, bytes('060a2b06010401d679020405'), octets(octets(timestamps)));
    const single = element(Tag.sequence, certId, bytes('8000'), time, element(0xa1, element(Tag.sequence, extension)));
    const data = element(Tag.sequence, element(0xa2, octets()), time, element(Tag.sequence, single));
    const basic = element(Tag.sequence, data, bytes('300a06082a8648ce3d040302'), wholeBits(bytes('00')));
    const wrapped = element(Tag.sequence, bytes('06092b0601050507300101'), octets(basic));
    return element(Tag.sequence, bytes('0a0100'), element(0xa0, wrapped));
  }

  function said(overrides: Partial<TransparencyOptions>, stapled?: Uint8Array): string {
    const verdict = verifyPeer([leafDer], {
      trust: TrustStore.from([issuing.der]),
      verifiers: node.verifiers,
      purpose: 'server',
      name: 'any',
      time: now,
      revocation: { mode: 'off', hashes: node.hashes, stapled: [stapled] },
      transparency: { logs: [log], hash, policy: { minimum: () => 1, operators: 1 }, ...overrides },
    });
    if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
    return verdict.ok ? 'good' : verdict.code;
  }

  test('in TLS or in a stapled OCSP response', () => {
    expect(said({})).toBe('NO_VALID_SCTS');
    expect(said({ fromTls: list })).toBe('good');
    expect(said({}, responseWith(list))).toBe('good');
    expect(said({ logs: [] }, responseWith(list))).toBe('NO_VALID_SCTS');
    // A promise about the precertificate is none about the certificate.
    const other = listOf(sctFor(precertificateEntry(leaf, issuer, hash)));
    expect(said({ fromTls: other }, responseWith(other))).toBe('NO_VALID_SCTS');
  });

  test('one log counts once, wherever its timestamps come from', () => {
    const policy = { minimum: () => 2, operators: 1 };
    expect(said({ fromTls: list, policy }, responseWith(list))).toBe('NO_VALID_SCTS');
  });
});
