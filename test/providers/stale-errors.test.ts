// What somebody else left in OpenSSL's queue of errors is not taken for a fault of a key.

import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { SignatureScheme } from '#opentls/wire/enums';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { leaf } from '../adapters/node/sides.ts';

const SUBJECT_ALT_NAME = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x11]);

test('a private key is read after any certificate was shown', () => {
  const key = generatePrivateKey('P-256', noble.random);
  const der = Buffer.from(leaf.der);
  const at = der.indexOf(SUBJECT_ALT_NAME);
  for (let i = at + SUBJECT_ALT_NAME.length; i < at + 40; i++) {
    const changed = Buffer.from(der);
    changed[i] = 0xff;
    try {
      inspect(new X509Certificate(changed));
    } catch {
      // Some cannot be read at all.
    }
    expect(node.signer(new Secret('private key', key.expose().slice())).schemes).toContain(
      SignatureScheme.ecdsa_secp256r1_sha256,
    );
  }
});

test('a key that is none is refused', () => {
  const signer = (): unknown => node.signer(new Secret('private key', new Uint8Array(40)));
  expect(signer).toThrow(expect.objectContaining({ code: 'ERR_TLS_KEY_DECODE' }));
});
