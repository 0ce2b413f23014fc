import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { DerError, DerReader } from '#opentls/x509/asn1/der';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import {
  parseAuthorityKeyIdentifier,
  parseExtensions,
  parseKeyUsage,
  parseSubjectDirectoryAttributes,
} from '#opentls/x509/certificate/extensions';
import { nameText } from '#opentls/x509/certificate/names';
import { openssl } from '../../kit/openssl.ts';

const withOpenssl = openssl ? '' : ' (skipped: no openssl command)';

/** A self-signed certificate of the openssl command with these extensions. */
function made(...extensions: readonly string[]): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-'));
  try {
    const config = ['[req]', 'distinguished_name=n', 'prompt=no', '[n]', 'CN=the issuer', ''].join('\n');
    writeFileSync(join(folder, 'config'), config);
    const key = ['-newkey', 'ed448', '-nodes', '-keyout', join(folder, 'key')];
    const added = extensions.flatMap((extension) => ['-addext', extension]);
    const options = ['req', '-x509', '-config', join(folder, 'config'), '-set_serial', '0x1234', '-outform', 'DER'];
    return parseCertificate(new Uint8Array(execFileSync('openssl', [...options, ...key, ...added], { stdio: 'pipe' })));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe(`what the openssl command writes${withOpenssl}`, () => {
  test.skipIf(!openssl)('issuerAltName and subjectInfoAccess', () => {
    const certificate = made(
      'issuerAltName=DNS:issuer.example,email:a@issuer.example',
      'subjectInfoAccess=caRepository;URI:http://issuer.example/repository',
    );
    expect(certificate.issuerAltName).toEqual([
      { type: 'dns', value: 'issuer.example' },
      { type: 'rfc822', value: 'a@issuer.example' },
    ]);
    const location = { type: 'uri', value: 'http://issuer.example/repository' };
    expect(certificate.subjectInfoAccess).toEqual([{ method: '1.3.6.1.5.5.7.48.5', location }]);
    expect(certificate.authorityInfoAccess).toBeUndefined();
    expect(certificate.subjectDirectoryAttributes).toBeUndefined();
    expect(certificate.issuerUniqueId).toBeUndefined();
  });

  test.skipIf(!openssl)('authorityKeyIdentifier whole', () => {
    const { authorityKeyIdentifier, subjectKeyIdentifier } = made(
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid:always,issuer:always',
    );
    expect(authorityKeyIdentifier?.keyIdentifier).toEqual(subjectKeyIdentifier);
    expect(toHex(authorityKeyIdentifier?.serialNumber ?? new Uint8Array(0))).toBe('1234');
    const [issuer] = authorityKeyIdentifier?.issuer ?? [];
    expect(issuer?.type === 'directory' && nameText(issuer.value)).toBe('CN=the issuer');
  });

  test.skipIf(!openssl)('subjectDirectoryAttributes', () => {
    // countryOfCitizenship (RFC 3739 §3.2.2): DE
    const { subjectDirectoryAttributes } = made('2.5.29.9=DER:3012301006082b06010505070904310413024445');
    expect(subjectDirectoryAttributes).toEqual([{ oid: '1.3.6.1.5.5.7.9.4', values: [fromHex('13024445')] }]);
  });
});

test('a keyUsage names at least one usage (RFC 5280 §4.2.1.3)', () => {
  expect([...parseKeyUsage(fromHex('03020780'))]).toEqual(['digitalSignature']);
  for (const none of ['030100', '03020700', '0303070000']) {
    expect(() => parseKeyUsage(fromHex(none))).toThrow(DerError);
  }
});

test('what is no authorityKeyIdentifier', () => {
  expect(parseAuthorityKeyIdentifier(fromHex('3000'))).toEqual({});
  for (const der of ['30028200', '3002a100', '3004800101aa', '30048202000f', '3004820101800101', '3002a000']) {
    expect(() => parseAuthorityKeyIdentifier(fromHex(der)), der).toThrow(DerError);
  }
});

test('what is no subjectDirectoryAttributes', () => {
  for (const der of ['3000', '30053003060155', '300730050601553100']) {
    expect(() => parseSubjectDirectoryAttributes(fromHex(der)), der).toThrow(DerError);
  }
});

test('an extension does not say that it is not critical (X.690 §11.5)', () => {
  const list = (critical: string) => {
    const content = `0603551d0f${critical}040403020780`;
    const item = `30${(content.length / 2).toString(16).padStart(2, '0')}${content}`;
    return new DerReader(fromHex(`30${(item.length / 2).toString(16).padStart(2, '0')}${item}`));
  };
  expect(parseExtensions(list(''))).toMatchObject([{ critical: false }]);
  expect(parseExtensions(list('0101ff'))).toMatchObject([{ critical: true }]);
  expect(() => parseExtensions(list('010100'))).toThrow(DerError);
});
