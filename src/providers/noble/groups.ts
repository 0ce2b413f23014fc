import { x448 as x448Curve } from '@noble/curves/ed448.js';
import { x25519 as x25519Curve } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { wipe } from '../../bytes/wipe.ts';
import type { Group } from '../../crypto/provider.ts';
import { type DiffieHellman, diffieHellmanGroup, hybridGroup, type Kem, kemGroup } from '../shared/key-exchange.ts';

/** RFC 7748 §5 and §6. */
export const nobleX25519: DiffieHellman<Uint8Array> = /* @__PURE__ */ montgomeryCurve(
  0x001d,
  'x25519',
  32,
  x25519Curve,
);
export const nobleX448: DiffieHellman<Uint8Array> = /* @__PURE__ */ montgomeryCurve(0x001e, 'x448', 56, x448Curve);

export const nobleP256: DiffieHellman<Uint8Array> = /* @__PURE__ */ nistCurve(0x0017, 'secp256r1', p256);
export const nobleP384: DiffieHellman<Uint8Array> = /* @__PURE__ */ nistCurve(0x0018, 'secp384r1', p384);
export const nobleP521: DiffieHellman<Uint8Array> = /* @__PURE__ */ nistCurve(0x0019, 'secp521r1', p521);

/** FIPS 203; noble makes the checks of §7.2 (modulus) and §7.3. */
export const nobleMlKem768: Kem<Uint8Array> = /* @__PURE__ */ mlKem(ml_kem768);
export const nobleMlKem1024: Kem<Uint8Array> = /* @__PURE__ */ mlKem(ml_kem1024);

/** X25519 and ML-KEM-768 together (draft-ietf-tls-ecdhe-mlkem), by noble. */
export const X25519MLKEM768: Group = /* @__PURE__ */ hybridGroup(
  0x11ec,
  'X25519MLKEM768',
  'kem first',
  nobleMlKem768,
  nobleX25519,
);

/** X25519 (RFC 7748), by noble. */
export const x25519: Group = /* @__PURE__ */ diffieHellmanGroup(nobleX25519);

/** P-256, by noble. */
export const secp256r1: Group = /* @__PURE__ */ diffieHellmanGroup(nobleP256);

/** P-384, by noble. */
export const secp384r1: Group = /* @__PURE__ */ diffieHellmanGroup(nobleP384);

/** P-521, by noble. */
export const secp521r1: Group = /* @__PURE__ */ diffieHellmanGroup(nobleP521);

/** X448 (RFC 7748), by noble. */
export const x448: Group = /* @__PURE__ */ diffieHellmanGroup(nobleX448);

/** P-256 and ML-KEM-768 together (draft-ietf-tls-ecdhe-mlkem), by noble. */
export const SecP256r1MLKEM768: Group = /* @__PURE__ */ hybridGroup(
  0x11eb,
  'SecP256r1MLKEM768',
  'ecdhe first',
  nobleMlKem768,
  nobleP256,
);

/** P-384 and ML-KEM-1024 together (draft-ietf-tls-ecdhe-mlkem), by noble. */
export const SecP384r1MLKEM1024: Group = /* @__PURE__ */ hybridGroup(
  0x11ed,
  'SecP384r1MLKEM1024',
  'ecdhe first',
  nobleMlKem1024,
  nobleP384,
);

export const nobleGroups: readonly Group[] = [
  X25519MLKEM768,
  x25519,
  secp256r1,
  secp384r1,
  secp521r1,
  x448,
  SecP256r1MLKEM768,
  SecP384r1MLKEM1024,
];

/** ML-KEM-768 alone (draft-ietf-tls-mlkem). */
export const MLKEM768: Group = /* @__PURE__ */ kemGroup(0x0201, 'MLKEM768', nobleMlKem768);

/** ML-KEM-1024 alone (draft-ietf-tls-mlkem). */
export const MLKEM1024: Group = /* @__PURE__ */ kemGroup(0x0202, 'MLKEM1024', nobleMlKem1024);

/**
 * ML-KEM without Diffie-Hellman: no provider offers it by default. Ask for it with
 * `{ ...noble, groups: [...noble.groups, ...mlKemGroups] }`.
 */
export const mlKemGroups: readonly Group[] = [MLKEM768, MLKEM1024];

function mlKem(kem: typeof ml_kem768): Kem<Uint8Array> {
  return {
    publicLength: kem.lengths.publicKey ?? 0,
    ciphertextLength: kem.lengths.cipherText ?? 0,
    generate() {
      const { secretKey, publicKey } = kem.keygen();
      return { privateKey: secretKey, publicKey };
    },
    encapsulate(publicKey) {
      const { cipherText, sharedSecret } = kem.encapsulate(publicKey);
      // noble's secret is a view whose other half it has wiped: a copy leaves nothing behind.
      const shared = sharedSecret.slice();
      wipe(sharedSecret);
      return { ciphertext: cipherText, shared };
    },
    decapsulate(privateKey, ciphertext) {
      const sharedSecret = kem.decapsulate(ciphertext, privateKey);
      const shared = sharedSecret.slice();
      wipe(sharedSecret);
      return shared;
    },
    wipe,
  };
}

/** noble refuses the all-zero result, as RFC 9846 §7.4.2 demands. */
function montgomeryCurve(
  id: number,
  name: string,
  length: number,
  curve: typeof x25519Curve,
): DiffieHellman<Uint8Array> {
  return {
    id,
    name,
    publicLength: length,
    generate() {
      const { secretKey, publicKey } = curve.keygen();
      return { privateKey: secretKey, publicKey };
    },
    agree: (privateKey, peer) => curve.getSharedSecret(privateKey, peer),
    wipe,
  };
}

/** Takes uncompressed points only (RFC 9846 §4.3.8.2); the secret is the X coordinate (§7.4.2). */
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
      // getSharedSecret checks that the point is on the curve; its compressed output is 02|03 || X.
      const point = curve.getSharedSecret(privateKey, peer, true);
      const x = point.slice(1);
      wipe(point);
      return x;
    },
    wipe,
  };
}
