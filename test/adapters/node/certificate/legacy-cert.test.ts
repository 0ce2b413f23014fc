import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { legacyCertificate, legacyChain } from '#opentls/adapters/node/certificate/legacy';
import { noble } from '#opentls/providers/noble';
import { decodePem } from '#opentls/x509/asn1/pem';
import { showCertificate } from '#opentls/x509/certificate/display';
import { authority, serverLeaf } from '../../../x509/made/chain.ts';

const { hashes } = noble;
const root = authority('root');
const leaf = serverLeaf(root, {
  subject: [
    { type: 'C', value: 'DE' },
    { type: 'O', value: 'One' },
    { type: 'O', value: 'Two, "and" ünicode' },
    { type: 'CN', value: 'leaf' },
  ],
  subjectAltNames: {
    dns: ['a.example', '*.b.example'],
    ip: ['192.0.2.1', '2001:db8::ff'],
    email: ['me@a.example'],
    uri: ['https://a.example/?a=1,b=2', "https://a.example/'"],
  },
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
});

/** Later versions of Node write the exponent in upper case. */
function ofNode(der: Uint8Array): object {
  const legacy = new X509Certificate(der).toLegacyObject();
  return { ...legacy, ...(legacy.exponent && { exponent: legacy.exponent.toLowerCase() }) };
}

describe('the legacy certificate object is the one of Node', () => {
  test.each([
    ['a leaf', leaf.der],
    ['a root', root.der],
    ['an RSA key', serverLeaf(root, { rsa: 2048 }).der],
    ['a serial number with a leading zero', serverLeaf(root, { serialNumber: 0x0a_bcn }).der],
    ['a serial number with the top bit set', serverLeaf(root, { serialNumber: 0xff_00n }).der],
    ['a time after 2050', serverLeaf(root, { notAfter: Date.UTC(2051, 0, 2, 3, 4, 5) }).der],
  ])('%s', (_name, der) => {
    expect(legacyCertificate(showCertificate(der), hashes)).toEqual(ofNode(der));
  });

  test('every root that comes with Node', () => {
    let compared = 0;
    for (const pem of rootCertificates) {
      const der = decodePem(pem)[0]?.der ?? expect.fail('not PEM');
      expect(legacyCertificate(showCertificate(der), hashes)).toEqual(ofNode(der));
      compared++;
    }
    expect(compared).toBeGreaterThan(100);
  });

  test('issuers are linked, and the root is its own', () => {
    const detailed = legacyChain([showCertificate(leaf.der), showCertificate(root.der)], hashes);
    const issuer = detailed?.issuerCertificate;
    expect(issuer?.subject['CN']).toBe('root');
    expect(issuer?.issuerCertificate).toBe(issuer);
  });

  test('a chain without its root ends where it ends', () => {
    const detailed = legacyChain([showCertificate(leaf.der)], hashes);
    expect(detailed?.subject['CN']).toBe('leaf');
    expect(detailed?.issuerCertificate).toBeUndefined();
  });
});
