import * as crypto from 'node:crypto';
import { fromHex } from '../../bytes/hex.ts';
import type { Group } from '../../crypto/provider.ts';
import { nobleMlKem768, nobleMlKem1024 } from '../noble/groups.ts';
import {
  type DiffieHellman,
  diffieHellmanGroup,
  type HybridOrder,
  hybridGroup,
  type Kem,
} from '../shared/key-exchange.ts';
import { plain } from './hash.ts';

/** The sizes of FIPS 203 §8, and SubjectPublicKeyInfo up to the key (RFC 9935 §4). */
const mlKem768: KemSizes = {
  name: 'ml-kem-768',
  publicLength: 1184,
  ciphertextLength: 1088,
  spki: fromHex('308204b2300b0609608648016503040402038204a100'),
};
const mlKem1024: KemSizes = {
  name: 'ml-kem-1024',
  publicLength: 1568,
  ciphertextLength: 1568,
  spki: fromHex('30820632300b06096086480165030404030382062100'),
};

export const nodeX25519: DiffieHellman<crypto.KeyObject> = /* @__PURE__ */ montgomeryCurve(0x001d, 'X25519', 32, 9);
export const nodeX448: DiffieHellman<crypto.KeyObject> = /* @__PURE__ */ montgomeryCurve(0x001e, 'X448', 56, 5);

export const nodeP256: DiffieHellman<crypto.ECDH> = /* @__PURE__ */ nistCurve(0x0017, 'secp256r1', 'prime256v1', 32);
export const nodeP384: DiffieHellman<crypto.ECDH> = /* @__PURE__ */ nistCurve(0x0018, 'secp384r1', 'secp384r1', 48);
export const nodeP521: DiffieHellman<crypto.ECDH> = /* @__PURE__ */ nistCurve(0x0019, 'secp521r1', 'secp521r1', 66);

/** ML-KEM-768 by node:crypto; undefined before Node 24.7, or over an OpenSSL before 3.5. */
export const nodeMlKem768: Kem<crypto.KeyObject> | undefined = /* @__PURE__ */ mlKem(crypto, mlKem768);
export const nodeMlKem1024: Kem<crypto.KeyObject> | undefined = /* @__PURE__ */ mlKem(crypto, mlKem1024);

/** X25519 and ML-KEM-768 together (draft-ietf-tls-ecdhe-mlkem), by node:crypto. */
export const X25519MLKEM768: Group = /* @__PURE__ */ hybrid(
  0x11ec,
  'X25519MLKEM768',
  'kem first',
  nodeMlKem768,
  nobleMlKem768,
  nodeX25519,
);

/** X25519 (RFC 7748), by node:crypto. */
export const x25519: Group = /* @__PURE__ */ diffieHellmanGroup(nodeX25519);

/** P-256, by node:crypto. */
export const secp256r1: Group = /* @__PURE__ */ diffieHellmanGroup(nodeP256);

/** P-384, by node:crypto. */
export const secp384r1: Group = /* @__PURE__ */ diffieHellmanGroup(nodeP384);

/** P-521, by node:crypto. */
export const secp521r1: Group = /* @__PURE__ */ diffieHellmanGroup(nodeP521);

/** X448 (RFC 7748), by node:crypto. */
export const x448: Group = /* @__PURE__ */ diffieHellmanGroup(nodeX448);

/** P-256 and ML-KEM-768 together (draft-ietf-tls-ecdhe-mlkem), by node:crypto. */
export const SecP256r1MLKEM768: Group = /* @__PURE__ */ hybrid(
  0x11eb,
  'SecP256r1MLKEM768',
  'ecdhe first',
  nodeMlKem768,
  nobleMlKem768,
  nodeP256,
);

/** P-384 and ML-KEM-1024 together (draft-ietf-tls-ecdhe-mlkem), by node:crypto. */
export const SecP384r1MLKEM1024: Group = /* @__PURE__ */ hybrid(
  0x11ed,
  'SecP384r1MLKEM1024',
  'ecdhe first',
  nodeMlKem1024,
  nobleMlKem1024,
  nodeP384,
);

/**
 * All groups by node:crypto, best first. On a Node without ML-KEM (before 24.7, or over an OpenSSL before 3.5) that half of
 * the hybrids is @noble/post-quantum's.
 */
export const nodeGroups: readonly Group[] = [
  X25519MLKEM768,
  x25519,
  secp256r1,
  secp384r1,
  secp521r1,
  x448,
  SecP256r1MLKEM768,
  SecP384r1MLKEM1024,
];

function hybrid<D>(
  id: number,
  name: string,
  order: HybridOrder,
  native: Kem<crypto.KeyObject> | undefined,
  fallback: Kem<Uint8Array>,
  dh: DiffieHellman<D>,
): Group {
  return native === undefined ? hybridGroup(id, name, order, fallback, dh) : hybridGroup(id, name, order, native, dh);
}

/**
 * Computes a public key as the agreement with the base point `u` (RFC 7748 §6), which takes half the time of encoding a
 * KeyObject, and imports keys as JWK, in a tenth of the time of a SubjectPublicKeyInfo. OpenSSL refuses the all-zero
 * result, as RFC 9846 §7.4.2 demands.
 */
function montgomeryCurve(
  id: number,
  crv: 'X25519' | 'X448',
  length: number,
  u: number,
): DiffieHellman<crypto.KeyObject> {
  const importKey = (key: Uint8Array): crypto.KeyObject =>
    crypto.createPublicKey({ key: { kty: 'OKP', crv, x: Buffer.from(key).toString('base64url') }, format: 'jwk' });
  const basePoint = new Uint8Array(length);
  basePoint[0] = u;
  const base = importKey(basePoint);
  return {
    id,
    name: crv === 'X25519' ? 'x25519' : 'x448',
    publicLength: length,
    generate() {
      const { privateKey } =
        crv === 'X25519' ? crypto.generateKeyPairSync('x25519') : crypto.generateKeyPairSync('x448');
      return { privateKey, publicKey: plain(crypto.diffieHellman({ privateKey, publicKey: base })) };
    },
    agree(privateKey, peer) {
      return plain(crypto.diffieHellman({ privateKey, publicKey: importKey(peer) }));
    },
    // OpenSSL holds the keys, and erases them when it frees them.
    wipe() {},
  };
}

function nistCurve(id: number, name: string, curve: string, bytes: number): DiffieHellman<crypto.ECDH> {
  return {
    id,
    name,
    publicLength: 1 + 2 * bytes,
    generate() {
      const privateKey = crypto.createECDH(curve);
      return { publicKey: plain(privateKey.generateKeys()), privateKey };
    },
    agree(privateKey, peer) {
      // OpenSSL also takes the hybrid forms 06 and 07, which are as long; RFC 9846 §4.3.8.2 allows 04 alone.
      if (peer[0] !== 4) throw new RangeError('not an uncompressed point');
      return plain(privateKey.computeSecret(peer));
    },
    wipe() {},
  };
}

interface KemSizes {
  readonly name: 'ml-kem-768' | 'ml-kem-1024';
  readonly publicLength: number;
  readonly ciphertextLength: number;
  /** SubjectPublicKeyInfo up to the key. */
  readonly spki: Uint8Array;
}

/** The ML-KEM functions of node:crypto, which the types of Node 20 do not have. */
interface KemCrypto {
  generateKeyPairSync(type: KemSizes['name']): {
    readonly publicKey: crypto.KeyObject;
    readonly privateKey: crypto.KeyObject;
  };
  encapsulate(publicKey: crypto.KeyObject): { readonly sharedKey: Uint8Array; readonly ciphertext: Uint8Array };
  decapsulate(privateKey: crypto.KeyObject, ciphertext: Uint8Array): Uint8Array;
}

function hasKem(module: object): module is KemCrypto {
  return 'encapsulate' in module && 'decapsulate' in module;
}

function mlKem(module: object, sizes: KemSizes): Kem<crypto.KeyObject> | undefined {
  if (!hasKem(module)) return undefined;
  const { name, publicLength, ciphertextLength, spki } = sizes;
  try {
    module.generateKeyPairSync(name);
  } catch {
    return undefined;
  }
  return {
    publicLength,
    ciphertextLength,
    generate() {
      const { publicKey, privateKey } = module.generateKeyPairSync(name);
      return { privateKey, publicKey: rawPublicKey(publicKey, publicLength) };
    },
    encapsulate(publicKey) {
      const { sharedKey, ciphertext } = module.encapsulate(importSpki(spki, publicKey));
      return { ciphertext: plain(ciphertext), shared: plain(sharedKey) };
    },
    decapsulate: (privateKey, ciphertext) => plain(module.decapsulate(privateKey, ciphertext)),
    wipe() {},
  };
}

/** The key at the end of a SubjectPublicKeyInfo. */
function rawPublicKey(key: crypto.KeyObject, length: number): Uint8Array {
  return plain(key.export({ type: 'spki', format: 'der' }).subarray(-length));
}

function importSpki(header: Uint8Array, key: Uint8Array): crypto.KeyObject {
  return crypto.createPublicKey({ key: Buffer.concat([header, key]), format: 'der', type: 'spki' });
}
