import { execFileSync } from 'node:child_process';
import { sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { node } from '#opentls/providers/node';
import { DerReader, Tag } from '#opentls/x509/asn1/der';
import { element, wholeBits } from '#opentls/x509/asn1/der-write';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile, type Profile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, now, serverLeaf } from '../made/chain.ts';
import { makeCrlDer } from '../revocation/make-crl.ts';

const root = authority('root');
const middle = authority('middle', root);
const leaf = serverLeaf(middle);

/** The same DER with its nth time in the other form, for a year that both can say. */
function retimed(der: Uint8Array, nth: number): Uint8Array {
  let seen = 0;
  const copy = (reader: DerReader): Uint8Array[] => {
    const parts: Uint8Array[] = [];
    while (!reader.done) {
      const { tag, content, raw } = reader.element();
      if (tag === Tag.utcTime && seen++ === nth) {
        parts.push(element(Tag.generalizedTime, Uint8Array.of(0x32, 0x30), content));
      } else parts.push((tag & 0x20) === 0 ? raw : element(tag, ...copy(reader.within(content))));
    }
    return parts;
  };
  const out = concat(copy(new DerReader(der)));
  if (seen <= nth) throw new RangeError(`no time ${nth}`);
  return out;
}

/** What the holder has signed, with one time in the other form, and signed anew. */
function resigned(der: Uint8Array, nth: number, { key }: Holder): Uint8Array {
  const outer = new DerReader(der).sequence();
  const tbs = retimed(outer.element().raw, nth);
  return element(Tag.sequence, tbs, outer.element().raw, wholeBits(new Uint8Array(sign('sha256', tbs, key))));
}

function judge(chain: readonly Uint8Array[], profile: Profile, crls?: readonly Uint8Array[]): string {
  const trust = TrustStore.from([root.der]);
  const time = now + 1000;
  const verdict = verifyPeer(chain, {
    trust,
    verifiers: node.verifiers,
    purpose: 'server',
    name: 'any',
    time,
    profile,
    crls,
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict.ok ? 'good' : `${verdict.code}: ${verdict.paths[0]?.reason ?? verdict.reason}`;
}

const listOf = (holder: Holder, ...revoked: readonly Holder[]): Uint8Array =>
  makeCrlDer({
    issuer: parseCertificate(holder.der).subject.raw,
    key: holder.key,
    revoked: revoked.map(({ der }) => parseCertificate(der).serialNumber),
  });

describe('a GeneralizedTime before 2050 (RFC 5280 §4.1.2.5, §5.1.2.4 to §5.1.2.6)', () => {
  const inCertificate = 'INVALID_EXTENSION: a GeneralizedTime before 2050';
  test.each([0, 1])('time %i of a certificate', (nth) => {
    const odd = resigned(leaf.der, nth, middle);
    const oddMiddle = resigned(middle.der, nth, root);
    expect(parseCertificate(odd).notAfter).toBe(parseCertificate(leaf.der).notAfter);
    for (const chain of [
      [odd, middle.der],
      [leaf.der, oddMiddle],
    ]) {
      expect(judge(chain, webpki)).toBe(inCertificate);
      // §4.1.2.5: readers take either form. So does OpenSSL.
      expect(judge(chain, rfc5280)).toBe('good');
      expect(judge(chain, nodeProfile)).toBe('good');
    }
  });

  const other = serverLeaf(middle);
  test.each(['thisUpdate', 'nextUpdate', 'revocationDate'])('%s of a list', (what) => {
    const nth = ['thisUpdate', 'nextUpdate', 'revocationDate'].indexOf(what);
    const lists = (list: Uint8Array) => [listOf(root), list];
    const sound = listOf(middle, other);
    const odd = resigned(sound, nth, middle);
    expect(judge([leaf.der, middle.der], webpki, lists(sound))).toBe('good');
    expect(judge([leaf.der, middle.der], webpki, lists(odd))).toBe(
      'INVALID_CRL: a list with a GeneralizedTime before 2050',
    );
    expect(judge([leaf.der, middle.der], nodeProfile, lists(odd))).toBe('good');
    expect(judge([other.der, middle.der], nodeProfile, lists(odd))).toMatch(/^CERT_REVOKED/);
  });
});

test('what is made has UTCTime through 2049 and GeneralizedTime after, and is good', () => {
  const last = Date.UTC(2049, 11, 31, 23, 59, 59);
  for (const [notAfter, type] of [
    [last, 'UTCTIME'],
    [last + 1000, 'GENERALIZEDTIME'],
  ] as const) {
    const made = serverLeaf(middle, { notAfter });
    const text = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: made.der }).toString();
    expect(text.match(/UTCTIME|GENERALIZEDTIME/g)).toEqual(['UTCTIME', type]);
    expect(judge([made.der, middle.der], webpki)).toBe('good');
  }
});
