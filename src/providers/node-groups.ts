import * as crypto from 'node:crypto';
import { fromHex } from '../bytes/hex.ts';
import type { Group } from '../crypto/provider.ts';
import { type DiffieHellman, diffieHellmanGroup, hybridGroup, type Kem } from './key-exchange.ts';
import { nobleMlKem768 } from './noble-groups.ts';
import { plain } from './node-hash.ts';

/** OpenSSL refuses the all-zero result, as RFC 9846 §7.4.2 demands. */
export const nodeX25519: DiffieHellman<crypto.KeyObject> = {
  id: 0x001d,
  name: 'x25519',
  publicLength: 32,
  generate() {
    const { privateKey, publicKey } = crypto.generateKeyPairSync('x25519');
    return { privateKey, publicKey: rawPublicKey(publicKey, 32) };
  },
  agree(privateKey, peer) {
    const publicKey = importSpki(X25519_SPKI, peer);
    return plain(crypto.diffieHellman({ privateKey, publicKey }));
  },
  // Keys live in OpenSSL's memory, which cleanses them when they are freed.
  wipe() {},
};

export const nodeP256: DiffieHellman<crypto.ECDH> = nistCurve(0x0017, 'secp256r1', 'prime256v1', 32);
export const nodeP384: DiffieHellman<crypto.ECDH> = nistCurve(0x0018, 'secp384r1', 'secp384r1', 48);
export const nodeP521: DiffieHellman<crypto.ECDH> = nistCurve(0x0019, 'secp521r1', 'secp521r1', 66);

/** node:crypto since Node 24.7 over OpenSSL 3.5; undefined where the runtime has no ML-KEM. */
export const nodeMlKem768: Kem<crypto.KeyObject> | undefined = mlKem768(crypto);

/**
 * All of node:crypto, but for ML-KEM on a Node that has none (before 24.7, or built over an OpenSSL before 3.5):
 * there that half of the hybrid is @noble/post-quantum's.
 */
export const nodeGroups: readonly Group[] = [
  nodeMlKem768 === undefined
    ? hybridGroup(0x11ec, 'X25519MLKEM768', nobleMlKem768, nodeX25519)
    : hybridGroup(0x11ec, 'X25519MLKEM768', nodeMlKem768, nodeX25519),
  diffieHellmanGroup(nodeX25519),
  diffieHellmanGroup(nodeP256),
  diffieHellmanGroup(nodeP384),
  diffieHellmanGroup(nodeP521),
];

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
      // OpenSSL takes the hybrid forms 06 and 07 too, which are as long (RFC 9846 §4.3.8.2 has 04 alone).
      if (peer[0] !== 4) throw new RangeError('not an uncompressed point');
      return plain(privateKey.computeSecret(peer));
    },
    wipe() {},
  };
}

/** The part of node:crypto that @types/node of our oldest Node does not know. */
interface KemCrypto {
  generateKeyPairSync(type: 'ml-kem-768'): {
    readonly publicKey: crypto.KeyObject;
    readonly privateKey: crypto.KeyObject;
  };
  encapsulate(publicKey: crypto.KeyObject): { readonly sharedKey: Uint8Array; readonly ciphertext: Uint8Array };
  decapsulate(privateKey: crypto.KeyObject, ciphertext: Uint8Array): Uint8Array;
}

function hasKem(module: object): module is KemCrypto {
  return 'encapsulate' in module && 'decapsulate' in module;
}

function mlKem768(module: object): Kem<crypto.KeyObject> | undefined {
  if (!hasKem(module)) return undefined;
  try {
    module.generateKeyPairSync('ml-kem-768');
  } catch {
    return undefined;
  }
  return {
    publicLength: 1184,
    ciphertextLength: 1088,
    generate() {
      const { publicKey, privateKey } = module.generateKeyPairSync('ml-kem-768');
      return { privateKey, publicKey: rawPublicKey(publicKey, 1184) };
    },
    encapsulate(publicKey) {
      const { sharedKey, ciphertext } = module.encapsulate(importSpki(ML_KEM_768_SPKI, publicKey));
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

/** SubjectPublicKeyInfo up to the key: RFC 8410 §4, RFC 9935 §4. */
const X25519_SPKI = fromHex('302a300506032b656e032100');
const ML_KEM_768_SPKI = fromHex('308204b2300b0609608648016503040402038204a100');
