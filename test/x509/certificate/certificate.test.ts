import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { decodePem } from '#opentls/x509/asn1/pem';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { TrustStore } from '#opentls/x509/path/trust';
import { randomBytes, randomNumbers } from '../../kit/random.ts';

const roots = tls.rootCertificates.map((pem) => new X509Certificate(pem));

describe('the roots that come with Node', () => {
  test('all are read, as node:crypto reads them', () => {
    for (const root of roots) {
      const certificate = parseCertificate(root.raw);
      expect(toHex(certificate.serialNumber).replace(/^0+/, '').toUpperCase()).toBe(
        root.serialNumber.replace(/^0+/, ''),
      );
      expect(certificate.notBefore).toBe(Date.parse(root.validFrom));
      expect(certificate.notAfter).toBe(Date.parse(root.validTo));
      expect(certificate.basicConstraints?.ca ?? false).toBe(root.ca);
      expect(Buffer.from(certificate.spki)).toEqual(root.publicKey.export({ type: 'spki', format: 'der' }));
      const lines = certificate.subject.rdns.map((rdn) =>
        rdn.map(({ shortName, oid, value }) => `${shortName ?? oid}=${value}`).join(' + '),
      );
      expect(lines.join('\n')).toBe(root.subject.replaceAll('\\', ''));
    }
  });

  test('a trust store of them finds each by its name', () => {
    const store = TrustStore.from(roots.map((root) => root.raw));
    expect(store.size).toBe(roots.length);
    for (const root of roots) {
      const certificate = parseCertificate(root.raw);
      expect(store.has(certificate)).toBe(true);
      expect(store.named(certificate.subject).map(({ raw }) => Buffer.from(raw))).toContainEqual(root.raw);
    }
  });

  test('PEM is read back to the same bytes, with text and CRLF around it', () => {
    const text = `# bundle\r\n${tls.rootCertificates.join('\r\n comment \r\n').replaceAll('\n', '\r\n')}`;
    const blocks = decodePem(text);
    expect(blocks.map(({ label }) => label)).toEqual(roots.map(() => 'CERTIFICATE'));
    expect(blocks.map(({ der }) => Buffer.from(der))).toEqual(roots.map(({ raw }) => raw));
  });
});

describe('malformed', () => {
  const [root] = roots;
  const raw = root?.raw ?? Buffer.alloc(0);

  test('no prefix of a certificate is one, nor one with bytes after it', () => {
    for (let length = 0; length < raw.length; length += 7) {
      expect(() => parseCertificate(raw.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'INVALID_CERTIFICATE' }) as Error,
      );
    }
    expect(() => parseCertificate(Buffer.concat([raw, Buffer.alloc(1)]))).toThrow(
      expect.objectContaining({ code: 'INVALID_CERTIFICATE' }) as Error,
    );
  });

  test('any bytes changed: either it is read or the error says INVALID_CERTIFICATE', () => {
    const number = randomNumbers(21);
    const bytes = randomBytes(22);
    for (let i = 0; i < 5_000; i++) {
      const mutated = Uint8Array.from(raw);
      mutated[number(mutated.length)] = bytes(1)[0] ?? 0;
      try {
        parseCertificate(mutated);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_CERTIFICATE' });
      }
    }
  });

  test.each(['-----BEGIN CERTIFICATE-----\nAAAA', '-----BEGIN CERTIFICATE-----\nA*==\n-----END CERTIFICATE-----'])(
    'PEM %#',
    (text) => {
      expect(() => decodePem(text)).toThrow(RangeError);
    },
  );
});
