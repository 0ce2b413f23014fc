import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { Secret } from '#opentls/crypto/secret';
import type { TlsErrorCode } from '#opentls/errors';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { openssl } from '../../kit/openssl.ts';
import { expectRefusal } from '../../kit/refusals.ts';

const withOpenssl = openssl ? '' : ' (skipped: no openssl command)';

const keys: readonly { name: string; key: KeyObject; own: 'sec1' | 'pkcs1' | undefined }[] = [
  ...(['prime256v1', 'secp384r1', 'secp521r1'] as const).map((namedCurve) => ({
    name: namedCurve,
    key: generateKeyPairSync('ec', { namedCurve }).privateKey,
    own: 'sec1' as const,
  })),
  { name: 'ed25519', key: generateKeyPairSync('ed25519').privateKey, own: undefined },
  { name: 'ed448', key: generateKeyPairSync('ed448').privateKey, own: undefined },
  { name: 'rsa', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, own: 'pkcs1' },
  { name: 'rsa-pss', key: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, own: undefined },
];

describe.each(keys)('$name', ({ key, own }) => {
  test('PKCS#8, PEM and DER', () => {
    expectSame(parsePrivateKey(pem(key, 'pkcs8')), key);
    expectSame(parsePrivateKey(bytes(pem(key, 'pkcs8'))), key);
    expectSame(parsePrivateKey(der(key, 'pkcs8')), key);
  });

  if (own !== undefined) {
    test('its own container (SEC 1, PKCS#1), PEM and DER', () => {
      expectSame(parsePrivateKey(pem(key, own)), key);
      expectSame(parsePrivateKey(der(key, own)), key);
    });
  }

  test('PBES2 of node:crypto, with each AES key size', () => {
    for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc']) {
      const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher, passphrase: 'pässword' });
      expectSame(parsePrivateKey(encrypted.toString(), 'pässword'), key);
      expectSame(parsePrivateKey(encrypted.toString(), bytes('pässword')), key);
    }
    const encrypted = key.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'secret' });
    expectSame(parsePrivateKey(new Uint8Array(encrypted), 'secret'), key);
  });

  test.skipIf(!openssl)(`what the openssl command writes${withOpenssl}`, () => {
    const plain = pem(key, 'pkcs8');
    expectSame(parsePrivateKey(run(['pkey'], plain)), key);
    if (own !== undefined) expectSame(parsePrivateKey(run(['pkey', '-traditional'], plain)), key);
    for (const flags of [
      ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA1'],
      ['-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA512', '-iter', '5000'],
      ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA384'],
      ['-scrypt'],
    ]) {
      const text = run(['pkcs8', '-topk8', '-passout', 'pass:secret', ...flags], plain);
      expectSame(parsePrivateKey(text, 'secret'), key);
    }
  });

  test('the input stays as it was, and the secret is a copy', () => {
    const input = der(key, 'pkcs8');
    const before = input.slice();
    const secret = parsePrivateKey(input);
    secret.wipe();
    expect(input).toEqual(before);
  });

  test('every truncation is refused, and so is a byte too many', () => {
    for (const input of [der(key, 'pkcs8'), ...(own === undefined ? [] : [der(key, own)])]) {
      for (let length = 0; length < input.length; length += 11) {
        expectKeyRefusal(() => parsePrivateKey(input.subarray(0, length)), 'ERR_TLS_KEY_DECODE');
      }
      expectKeyRefusal(() => parsePrivateKey(concat([input, new Uint8Array(1)])), 'ERR_TLS_KEY_DECODE');
    }
  });
});

describe('PEM', () => {
  const [{ key } = { key: undefined }] = keys;
  if (key === undefined) throw new Error('no key');

  test('the first private key of a text is taken, whatever stands around it', () => {
    const other = pem(generateKeyPairSync('ed25519').privateKey, 'pkcs8');
    const params = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const text = `Bag Attributes\n${params}some words\n${pem(key, 'sec1').replaceAll('\n', '\r\n')}${other}`;
    expectSame(parsePrivateKey(text), key);
  });

  test('no private key, or one of another kind', () => {
    expectKeyRefusal(() => parsePrivateKey(''), 'ERR_TLS_KEY_DECODE');
    expectKeyRefusal(
      () => parsePrivateKey('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      'ERR_TLS_KEY_DECODE',
    );
    expectKeyRefusal(() => parsePrivateKey('-----BEGIN PRIVATE KEY-----\nAAAA'), 'ERR_TLS_KEY_DECODE');
    expectKeyRefusal(
      () => parsePrivateKey(pem(key, 'pkcs8').replaceAll('PRIVATE', 'OPENSSH PRIVATE')),
      'ERR_TLS_UNSUPPORTED_KEY',
    );
  });

  test.each(['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc'])(
    'a key under RFC 1421 encryption: %s',
    (cipher) => {
      const legacy = key.export({ type: 'sec1', format: 'pem', cipher, passphrase: 'secret' }).toString();
      expect(legacy).toContain(`DEK-Info: ${cipher.toUpperCase()}`);
      if (cipher.startsWith('des')) {
        expectKeyRefusal(() => parsePrivateKey(legacy, 'secret'), 'ERR_TLS_UNSUPPORTED_KEY');
        return;
      }
      expectSame(parsePrivateKey(legacy, 'secret'), key);
      expectKeyRefusal(() => parsePrivateKey(legacy), 'ERR_TLS_KEY_PASSPHRASE');
      for (let i = 0; i < 20; i++)
        expectKeyRefusal(() => parsePrivateKey(legacy, `wrong${i}`), 'ERR_TLS_KEY_PASSPHRASE');
      expectKeyRefusal(
        () => parsePrivateKey(legacy.replace(/(DEK-Info: [\w-]+),\w+/, '$1,00'), 'secret'),
        'ERR_TLS_UNSUPPORTED_KEY',
      );
    },
  );

  test('an encrypted key without its passphrase, or with another', () => {
    const encrypted = key
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'secret' })
      .toString();
    expectKeyRefusal(() => parsePrivateKey(encrypted), 'ERR_TLS_KEY_PASSPHRASE');
    for (let i = 0; i < 20; i++)
      expectKeyRefusal(() => parsePrivateKey(encrypted, `wrong${i}`), 'ERR_TLS_KEY_PASSPHRASE');
  });
});

/** Compares what the two containers mean: node:crypto reads ours back. */
function expectSame(secret: Secret<'private key'>, key: KeyObject): void {
  expect(secret).toBeInstanceOf(Secret);
  const parsed = createPrivateKey({ key: Buffer.from(secret.expose()), format: 'der', type: 'pkcs8' });
  expect(parsed.equals(key)).toBe(true);
}

function expectKeyRefusal(operation: () => unknown, code: TlsErrorCode): void {
  expectRefusal(operation, { code, blame: 'config' });
}

function pem(key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1'): string {
  return key.export({ type, format: 'pem' }).toString();
}

function der(key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1'): Uint8Array {
  return new Uint8Array(key.export({ type, format: 'der' }));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function run(args: readonly string[], input: string): string {
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
}
