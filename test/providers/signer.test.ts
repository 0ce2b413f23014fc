import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { fromHex, toHex } from '#opentls/bytes/hex';
import type { SignatureAlgorithm, Signer } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { noble } from '#opentls/providers/noble';
import { decodePkcs8 } from '#opentls/providers/shared/pkcs8';
import { checkSigningSize, type RsaPrivateKey, rsaSign } from '#opentls/providers/shared/rsa';
import { SignatureScheme } from '#opentls/wire/enums';
import { element } from '#opentls/x509/asn1/der-write';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { randomBytes } from '../kit/random.ts';
import { expectRefusal } from '../kit/refusals.ts';
import { providers } from './providers.ts';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

const rsaSchemes = [
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
  SignatureScheme.rsa_pkcs1_sha256,
  SignatureScheme.rsa_pkcs1_sha384,
  SignatureScheme.rsa_pkcs1_sha512,
];
const kinds: readonly { name: string; key: KeyObject; schemes: readonly number[] }[] = [
  {
    name: 'P-256',
    key: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
    schemes: [SignatureScheme.ecdsa_secp256r1_sha256],
  },
  {
    name: 'P-384',
    key: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
    schemes: [SignatureScheme.ecdsa_secp384r1_sha384],
  },
  {
    name: 'P-521',
    key: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey,
    schemes: [SignatureScheme.ecdsa_secp521r1_sha512],
  },
  { name: 'Ed25519', key: generateKeyPairSync('ed25519').privateKey, schemes: [SignatureScheme.ed25519] },
  { name: 'Ed448', key: generateKeyPairSync('ed448').privateKey, schemes: [SignatureScheme.ed448] },
  { name: 'RSA 2048', key: rsa(2048), schemes: rsaSchemes },
  { name: 'RSA 2049', key: rsa2049(), schemes: rsaSchemes },
  { name: 'RSA 2050, e = 3', key: rsa(2050, 3), schemes: rsaSchemes },
  { name: 'RSA 3072', key: rsa(3072), schemes: rsaSchemes },
  { name: 'RSA 4096', key: rsa(4096), schemes: rsaSchemes },
  {
    name: 'RSASSA-PSS without parameters',
    key: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    schemes: [
      SignatureScheme.rsa_pss_pss_sha256,
      SignatureScheme.rsa_pss_pss_sha384,
      SignatureScheme.rsa_pss_pss_sha512,
    ],
  },
  { name: 'RSASSA-PSS for SHA-256', key: rsaPss('sha256', 32), schemes: [SignatureScheme.rsa_pss_pss_sha256] },
  {
    name: 'RSASSA-PSS for SHA-384, salt of 20 or more',
    key: rsaPss('sha384', 20),
    schemes: [SignatureScheme.rsa_pss_pss_sha384],
  },
  { name: 'RSASSA-PSS for SHA-512', key: rsaPss('sha512', 64), schemes: [SignatureScheme.rsa_pss_pss_sha512] },
];

describe.each(providers)('signers of $name', (provider) => {
  test.each(kinds)('$name: what it signs, every provider verifies', async ({ key, schemes }) => {
    const signer = provider.signer(secretOf(key));
    expect(signer.schemes).toEqual(schemes);
    const message = randomBytes(5)(200);
    for (const scheme of schemes) {
      const signature = await signer.sign(scheme, message);
      for (const verifier of providers.flatMap(({ verifiers }) => verifiers)) {
        const right = verifier.algorithm === algorithmOf(scheme);
        expect(verifier.verify(publicKeyOf(signer), message, signature)).toBe(right);
        if (right) expect(verifier.verify(publicKeyOf(signer), message.subarray(1), signature)).toBe(false);
      }
    }
  });

  test.each(kinds)('$name: the public key is the one of node:crypto, whatever the container', ({ key }) => {
    for (const secret of containersOf(key)) {
      const expected = createPublicKey(key).export({ type: 'spki', format: 'der' });
      expect(toHex(publicKeyOf(provider.signer(secret)))).toBe(expected.toString('hex'));
    }
  });

  test.each(kinds)('$name: a scheme of another key is refused', ({ key, schemes }) => {
    const signer = provider.signer(secretOf(key));
    for (const scheme of [
      SignatureScheme.rsa_pkcs1_sha1,
      SignatureScheme.ecdsa_secp256r1_sha256,
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.ecdsa_secp521r1_sha512,
      SignatureScheme.rsa_pss_rsae_sha256,
      SignatureScheme.ed25519,
      SignatureScheme.ed448,
      SignatureScheme.rsa_pss_pss_sha256,
      SignatureScheme.rsa_pkcs1_sha256,
      0xfefe,
    ]) {
      if (schemes.includes(scheme)) continue;
      expectRefusal(() => signer.sign(scheme, new Uint8Array(3)), { code: 'ERR_TLS_CONFIG' });
    }
  });

  test('the signer takes the key: the secret is wiped', () => {
    const secret = secretOf(rsa(2048));
    provider.signer(secret);
    expect(secret.wiped).toBe(true);
  });

  test.each([
    ['RSA of 1024 bits', rsa(1024)],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
    ['X448', generateKeyPairSync('x448').privateKey],
    ['X25519', generateKeyPairSync('x25519').privateKey],
    ['RSASSA-PSS with a mask of SHA-1', rsaPss('sha256', 32, 'sha1')],
    ['RSASSA-PSS with a longer salt', rsaPss('sha256', 33)],
  ])('%s cannot sign', (_name, key) => {
    expectRefusal(() => provider.signer(secretOf(key)), { code: 'ERR_TLS_UNSUPPORTED_KEY' });
  });

  test('what is no key', () => {
    for (const der of ['', '00', '3000', '3003020100', '300302010130', 'ff'.repeat(100)]) {
      expectRefusal(() => provider.signer(new Secret('private key', fromHex(der))), { code: 'ERR_TLS_KEY_DECODE' });
    }
    const [first] = kinds;
    if (first === undefined) throw new Error('no key');
    for (let length = 1; length < 60; length++) {
      const cut = derOf(first.key).subarray(0, length).slice();
      expectRefusal(() => provider.signer(new Secret('private key', cut)), { code: 'ERR_TLS_KEY_DECODE' });
    }
  });

  test('an EC scalar of zero, or of the order', () => {
    for (const scalar of ['00'.repeat(32), 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551']) {
      expectRefusal(() => provider.signer(p256(scalar)), { code: 'ERR_TLS_KEY_DECODE' });
    }
  });

  test('ECDSA and PSS signatures differ each time, EdDSA and PKCS#1 v1.5 do not', async () => {
    for (const { key, schemes } of kinds.slice(0, 6)) {
      const signer = provider.signer(secretOf(key));
      for (const scheme of schemes) {
        const message = new Uint8Array([1, 2, 3]);
        const [first, second] = [await signer.sign(scheme, message), await signer.sign(scheme, message)];
        const random = algorithmOf(scheme).startsWith('ecdsa') || algorithmOf(scheme).startsWith('rsa_pss');
        expect(toHex(first) === toHex(second)).toBe(!random);
      }
    }
  });

  const file = 'rsa_pkcs1_2048_sig_gen_test';
  test.skipIf(absent(file))(`${title(file)}: the very signatures`, () => {
    const { wrong, ran } = mismatches(file, (vector, group) => {
      const scheme = new Map([
        ['SHA-256', SignatureScheme.rsa_pkcs1_sha256],
        ['SHA-384', SignatureScheme.rsa_pkcs1_sha384],
        ['SHA-512', SignatureScheme.rsa_pkcs1_sha512],
      ]).get(String(group['sha']));
      if (scheme === undefined || vector.result !== 'valid') return undefined;
      const signer = provider.signer(new Secret('private key', bytes(group, 'privateKeyPkcs8')));
      const signature = signer.sign(scheme, bytes(vector, 'msg'));
      return signature instanceof Uint8Array && toHex(signature) === vector['sig'];
    });
    expect(wrong).toEqual([]);
    expect(ran).toBeGreaterThan(10);
  });
});

describe('the private half of RSA over BigInt', () => {
  const decoded = decodePkcs8(derOf(rsa(2048)));
  if (decoded.algorithm !== 'rsa') throw new Error('not RSA');
  const { key } = decoded;

  test('a wrong CRT value never leaves as a signature', () => {
    for (const fault of ['dP', 'dQ', 'qInv', 'p', 'q'] as const) {
      const broken: RsaPrivateKey = { ...key, [fault]: key[fault] + 2n };
      const sign = () => rsaSign(broken, 'pss', noble.hashes.sha256, new Uint8Array(3), noble.random);
      expectRefusal(sign, { code: 'ERR_TLS_INTERNAL' });
    }
  });

  test('blinding draws fresh randomness for each signature and does not change PKCS#1 v1.5', () => {
    let drawn = 0;
    const random = (length: number) => {
      drawn += length;
      return noble.random(length);
    };
    const sign = () => rsaSign(key, 'pkcs1', noble.hashes.sha256, new Uint8Array(3), random);
    expect(sign()).toEqual(sign());
    expect(drawn).toBe(2 * (256 + 8));
  });

  test('numbers that do not belong together are no key', () => {
    const der = derOf(rsa(2048));
    let refused = 0;
    for (let at = 300; at < der.length; at += 97) {
      const changed = der.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x02;
      try {
        decodePkcs8(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_TLS_KEY_DECODE' });
        refused++;
      }
    }
    // d itself is not used by the CRT, and nothing is checked against it.
    expect(refused).toBeGreaterThan(5);
  });
});

test('the sizes of RSA keys that sign over BigInt', () => {
  for (const bits of [2048, 2049, 4096]) expect(() => checkSigningSize(bits)).not.toThrow();
  for (const bits of [0, 2047, 4097]) expectRefusal(() => checkSigningSize(bits), { code: 'ERR_TLS_UNSUPPORTED_KEY' });
});

test('an EC key that carries the public key of another is refused by noble', () => {
  const [one, other] = [derOf(curveKey()), derOf(curveKey())];
  // node writes the public point at the end: 65 bytes.
  const mixed = concat([one.subarray(0, -65), other.subarray(-65)]);
  expectRefusal(() => noble.signer(new Secret('private key', mixed)), { code: 'ERR_TLS_KEY_DECODE' });
});

function curveKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

function rsa(modulusLength: number, publicExponent = 65537): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
}

/**
 * A modulus of 2049 bits from primes of 1025 and 1024: PSS encodes to one byte less than the modulus has (RFC 8017
 * §9.1.1). OpenSSL makes none by itself.
 */
function rsa2049(): KeyObject {
  const [p, q] = [primeOf(rsa(2050)), primeOf(rsa(2048))];
  const [n, e] = [p * q, 65537n];
  const d = inverse(e, (p - 1n) * (q - 1n));
  const jwk = { kty: 'RSA', n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  expect(n.toString(2)).toHaveLength(2049);
  const key = Object.fromEntries(
    Object.entries(jwk).map(([name, value]) => [name, typeof value === 'bigint' ? base64url(value) : value]),
  );
  return createPrivateKey({ key, format: 'jwk' });
}

function primeOf(key: KeyObject): bigint {
  const { p = '' } = key.export({ format: 'jwk' });
  return BigInt(`0x${Buffer.from(p, 'base64url').toString('hex')}`);
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

function rsaPss(hashAlgorithm: string, saltLength: number, mgf1HashAlgorithm: string = hashAlgorithm): KeyObject {
  const options = { modulusLength: 2048, hashAlgorithm, mgf1HashAlgorithm };
  // @types/node has a string here, node:crypto wants a number.
  Object.assign(options, { saltLength });
  return generateKeyPairSync('rsa-pss', options).privateKey;
}

function derOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
}

function secretOf(key: KeyObject): Secret<'private key'> {
  return new Secret('private key', derOf(key));
}

/** PKCS#8, and the container of its own that the kind of key has. */
function containersOf(key: KeyObject): readonly Secret<'private key'>[] {
  const own = key.asymmetricKeyType === 'ec' ? 'sec1' : key.asymmetricKeyType === 'rsa' ? 'pkcs1' : undefined;
  if (own === undefined) return [secretOf(key)];
  return [secretOf(key), parsePrivateKey(key.export({ type: own, format: 'pem' }).toString())];
}

function p256(scalar: string): Secret<'private key'> {
  const inner = element(0x30, fromHex('020101'), element(0x04, fromHex(scalar)));
  const algorithm = fromHex('301306072a8648ce3d020106082a8648ce3d030107');
  return new Secret('private key', element(0x30, fromHex('020100'), algorithm, element(0x04, inner)));
}

function publicKeyOf(signer: Signer): Uint8Array {
  if (signer.publicKey === undefined) throw new Error('a signer without its public key');
  return signer.publicKey;
}

function algorithmOf(scheme: number): SignatureAlgorithm {
  const algorithm = algorithms.get(scheme);
  if (algorithm === undefined) throw new Error(`scheme ${scheme}`);
  return algorithm;
}

const algorithms: ReadonlyMap<number, SignatureAlgorithm> = new Map([
  [SignatureScheme.ecdsa_secp256r1_sha256, 'ecdsa_sha256'],
  [SignatureScheme.ecdsa_secp384r1_sha384, 'ecdsa_sha384'],
  [SignatureScheme.ecdsa_secp521r1_sha512, 'ecdsa_sha512'],
  [SignatureScheme.ed25519, 'ed25519'],
  [SignatureScheme.ed448, 'ed448'],
  [SignatureScheme.rsa_pss_rsae_sha256, 'rsa_pss_sha256'],
  [SignatureScheme.rsa_pss_rsae_sha384, 'rsa_pss_sha384'],
  [SignatureScheme.rsa_pss_rsae_sha512, 'rsa_pss_sha512'],
  [SignatureScheme.rsa_pss_pss_sha256, 'rsa_pss_sha256'],
  [SignatureScheme.rsa_pss_pss_sha384, 'rsa_pss_sha384'],
  [SignatureScheme.rsa_pss_pss_sha512, 'rsa_pss_sha512'],
  [SignatureScheme.rsa_pkcs1_sha256, 'rsa_pkcs1_sha256'],
  [SignatureScheme.rsa_pkcs1_sha384, 'rsa_pkcs1_sha384'],
  [SignatureScheme.rsa_pkcs1_sha512, 'rsa_pkcs1_sha512'],
]);
