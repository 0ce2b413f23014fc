import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { wipe } from '../bytes/wipe.ts';
import type { Group } from '../crypto/provider.ts';
import { type DiffieHellman, diffieHellmanGroup, hybridGroup, type Kem } from './key-exchange.ts';

/** RFC 7748 §5; noble refuses the all-zero result, as RFC 9846 §7.4.2 demands. */
export const nobleX25519: DiffieHellman<Uint8Array> = {
  id: 0x001d,
  name: 'x25519',
  publicLength: 32,
  generate() {
    const { secretKey, publicKey } = x25519.keygen();
    return { privateKey: secretKey, publicKey };
  },
  agree: (privateKey, peer) => x25519.getSharedSecret(privateKey, peer),
  wipe,
};

export const nobleP256: DiffieHellman<Uint8Array> = nistCurve(0x0017, 'secp256r1', p256);
export const nobleP384: DiffieHellman<Uint8Array> = nistCurve(0x0018, 'secp384r1', p384);
export const nobleP521: DiffieHellman<Uint8Array> = nistCurve(0x0019, 'secp521r1', p521);

/** FIPS 203, ML-KEM-768; noble makes the checks of §7.2 (modulus) and §7.3. */
export const nobleMlKem768: Kem<Uint8Array> = {
  publicLength: ml_kem768.lengths.publicKey ?? 0,
  ciphertextLength: ml_kem768.lengths.cipherText ?? 0,
  generate() {
    const { secretKey, publicKey } = ml_kem768.keygen();
    return { privateKey: secretKey, publicKey };
  },
  encapsulate(publicKey) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
    // noble's secret is a view whose other half it has wiped: a copy leaves nothing behind.
    const shared = sharedSecret.slice();
    wipe(sharedSecret);
    return { ciphertext: cipherText, shared };
  },
  decapsulate(privateKey, ciphertext) {
    const sharedSecret = ml_kem768.decapsulate(ciphertext, privateKey);
    const shared = sharedSecret.slice();
    wipe(sharedSecret);
    return shared;
  },
  wipe,
};

export const nobleGroups: readonly Group[] = [
  hybridGroup(0x11ec, 'X25519MLKEM768', nobleMlKem768, nobleX25519),
  diffieHellmanGroup(nobleX25519),
  diffieHellmanGroup(nobleP256),
  diffieHellmanGroup(nobleP384),
  diffieHellmanGroup(nobleP521),
];

/** Uncompressed points only (RFC 9846 §4.3.8.2); the secret is the X coordinate (§7.4.2). */
function nistCurve(id: number, name: string, curve: typeof p256): DiffieHellman<Uint8Array> {
  return {
    id,
    name,
    publicLength: 1 + 2 * curve.Point.Fp.BYTES,
    generate() {
      const privateKey = curve.utils.randomSecretKey();
      return { privateKey, publicKey: curve.getPublicKey(privateKey, false) };
    },
    agree(privateKey, peer) {
      // getSharedSecret decodes the point, which checks the curve equation; compressed output is 02|03 || X.
      const point = curve.getSharedSecret(privateKey, peer, true);
      const x = point.slice(1);
      wipe(point);
      return x;
    },
    wipe,
  };
}
