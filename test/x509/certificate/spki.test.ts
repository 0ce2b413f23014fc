import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { DerError } from '#opentls/x509/asn1/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/asn1/der-write';
import { readPssParameters } from '#opentls/x509/certificate/pss-parameters';
import { parseSpki } from '#opentls/x509/certificate/spki';

describe('what node:crypto writes', () => {
  test.each([
    ['prime256v1', 'P-256', 256],
    ['secp384r1', 'P-384', 384],
    ['secp521r1', 'P-521', 521],
  ] as const)('an EC key on %s', (namedCurve, curve, bits) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    const info = parseSpki(spki(publicKey));
    expect(info).toMatchObject({ algorithm: 'ec', curve, bits });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    expect(info.algorithm === 'ec' && toHex(info.point)).toBe(point.toString('hex'));
  });

  test.each([
    ['ed25519', () => generateKeyPairSync('ed25519')],
    ['ed448', () => generateKeyPairSync('ed448')],
  ] as const)('an %s key', (algorithm, generate) => {
    const { publicKey } = generate();
    const info = parseSpki(spki(publicKey));
    const { x = '' } = publicKey.export({ format: 'jwk' });
    expect(info.algorithm === algorithm && toHex(info.key)).toBe(Buffer.from(x, 'base64url').toString('hex'));
  });

  test.each([
    ['2b6570', 32],
    ['2b6571', 57],
    ['608648016503040311', 1312],
    ['608648016503040312', 1952],
    ['608648016503040313', 2592],
  ] as const)('a key of the algorithm %s is %i bytes and has no parameters', (oid, length) => {
    const identifier = element(0x06, fromHex(oid));
    const key = (bytes: number, ...parameters: readonly Uint8Array[]) =>
      element(0x30, element(0x30, identifier, ...parameters), wholeBits(new Uint8Array(bytes)));
    expect(parseSpki(key(length))).toMatchObject({ key: new Uint8Array(length) });
    for (const wrong of [key(length - 1), key(length + 1), key(length, fromHex('0500'))]) {
      expect(() => parseSpki(wrong)).toThrow(DerError);
    }
  });

  test.each([512, 1021, 1024, 1025, 2048])('an RSA key of about %i bits', (modulusLength) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
    const info = parseSpki(spki(publicKey));
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
    // OpenSSL makes a modulus of an odd size one bit short at times.
    const bits = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`).toString(2).length;
    expect(info).toMatchObject({ algorithm: 'rsa', bits, pss: undefined });
    if (info.algorithm !== 'rsa') throw new Error('not RSA');
    expect(toHex(info.modulus)).toBe(Buffer.from(n, 'base64url').toString('hex'));
    expect(toHex(info.exponent)).toBe(Buffer.from(e, 'base64url').toString('hex'));
  });

  test('RSASSA-PSS keys with and without restrictions', () => {
    const free = generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).publicKey;
    expect(parseSpki(spki(free))).toMatchObject({ algorithm: 'rsa-pss', bits: 1024, pss: undefined });
    const options = { modulusLength: 1024, hashAlgorithm: 'sha384', mgf1HashAlgorithm: 'sha256' };
    // @types/node has a string here, node:crypto wants a number.
    Object.assign(options, { saltLength: 30 });
    const bound = generateKeyPairSync('rsa-pss', options).publicKey;
    const pss = { hash: 'sha384', mgfHash: 'sha256', saltLength: 30 };
    expect(parseSpki(spki(bound))).toMatchObject({ algorithm: 'rsa-pss', pss });
  });

  test.each(['x448', 'x25519'] as const)('%s is a key of an unknown algorithm, not an error', (kind) => {
    const { publicKey } = kind === 'x448' ? generateKeyPairSync('x448') : generateKeyPairSync('x25519');
    expect(parseSpki(spki(publicKey))).toMatchObject({ algorithm: 'unknown', bits: 0 });
  });

  test('an unknown curve is an unknown algorithm', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    expect(parseSpki(spki(publicKey))).toMatchObject({ algorithm: 'unknown', oid: '1.3.132.0.10', bits: 0 });
  });
});

test('RSASSA-PSS-params: the defaults of RFC 4055 §3.1, and what is refused', () => {
  expect(readPssParameters(fromHex('3000'))).toEqual({ hash: 'sha1', mgfHash: 'sha1', saltLength: 20 });
  expect(readPssParameters(fromHex('3005a203020120'))).toEqual({ hash: 'sha1', mgfHash: 'sha1', saltLength: 32 });
  for (const [what, der] of [
    ['trailer field 2', '3005a303020102'],
    ['a negative salt length', '3005a2030201ff'],
    ['members in another order', '300aa203020120a303020101a303020101'],
    ['bytes after the end', '300000'],
  ] as const) {
    expect(() => readPssParameters(fromHex(der)), what).toThrow(DerError);
  }
  for (const [der, unsupported] of [
    ['3010a00e300c06082a864886f70d02050500', 'RSASSA-PSS with 1.2.840.113549.2.5 and a mask by 1.3.14.3.2.26'],
    ['300fa10d300b06092a864886f70d010109', 'RSASSA-PSS with 1.3.14.3.2.26 and a mask by 1.2.840.113549.1.1.9'],
  ] as const) {
    expect(readPssParameters(fromHex(der))).toMatchObject({ unsupported });
  }
});

describe('what is malformed', () => {
  const p256 = fromHex('301306072a8648ce3d020106082a8648ce3d030107');
  const point = (first: number, length: number) => wholeBits(new Uint8Array(length).fill(first, 0, 1));

  test.each([
    ['a compressed point', element(0x30, p256, point(2, 33))],
    ['a hybrid point', element(0x30, p256, point(6, 65))],
    ['the point at infinity', element(0x30, p256, point(0, 1))],
    ['a point that is too long', element(0x30, p256, point(4, 67))],
    ['an EC key without a curve', element(0x30, fromHex('300906072a8648ce3d0201'), point(4, 65))],
    ['an EC key with NULL for a curve', element(0x30, fromHex('300b06072a8648ce3d02010500'), point(4, 65))],
    ['unused bits', element(0x30, p256, element(0x03, fromHex('01'), new Uint8Array(65)))],
    ['a short Ed25519 key', element(0x30, fromHex('300506032b6570'), point(1, 31))],
    ['Ed25519 with parameters', element(0x30, fromHex('300706032b65700500'), point(1, 32))],
    ['RSA without NULL', element(0x30, fromHex('300b06092a864886f70d010101'), rsaKey('00ff', '03'))],
    ['a negative modulus', element(0x30, rsaIdentifier, wholeBits(fromHex('30060201ff020103')))],
    ['a modulus that is not minimal', element(0x30, rsaIdentifier, wholeBits(fromHex('3007020200010201 03')))],
    ['bytes after the RSA key', element(0x30, rsaIdentifier, wholeBits(fromHex('3006020105020103 00')))],
    ['a third member', element(0x30, p256, point(4, 65), fromHex('0500'))],
  ])('%s', (_what, der) => {
    expect(() => parseSpki(der)).toThrow(DerError);
  });

  test('every truncation, and a byte too many', () => {
    const der = spki(generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey);
    for (let length = 0; length < der.length; length++) {
      expect(() => parseSpki(der.subarray(0, length))).toThrow(DerError);
    }
    expect(() => parseSpki(new Uint8Array([...der, 0]))).toThrow(DerError);
    expect(parseSpki(der).bits).toBe(512);
  });
});

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

function rsaKey(modulus: string, exponent: string): Uint8Array {
  return wholeBits(element(0x30, unsignedInteger(fromHex(modulus)), unsignedInteger(fromHex(exponent))));
}

const rsaIdentifier = fromHex('300d06092a864886f70d0101010500');
