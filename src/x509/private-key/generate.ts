import { compare } from '../../bytes/equal.ts';
import { fromHex } from '../../bytes/hex.ts';
import { wipe } from '../../bytes/wipe.ts';
import { Secret } from '../../crypto/secret.ts';
import { callable, oneOf, secretBytes } from '../../options.ts';
import { integer, objectIdentifier } from '../asn1/asn1js.ts';
import { context, Tag } from '../asn1/der.ts';
import { element } from '../asn1/der-write.ts';
import { Oid } from '../asn1/oids.ts';

/** Kinds of keys that {@link generatePrivateKey} makes. */
export type GeneratedKeyKind =
  | 'P-256'
  | 'P-384'
  | 'P-521'
  | 'ed25519'
  | 'ed448'
  | 'ml_dsa_44'
  | 'ml_dsa_65'
  | 'ml_dsa_87';

/**
 * A new private key as PKCS#8 PrivateKeyInfo, DER (RFC 5208 §5, RFC 5915 §3, RFC 8410 §7; of ML-DSA the
 * seed, RFC 9881 §6). The public key is not in
 * it: `provider.signer(key).publicKey` has it.
 * @param random cryptographically secure bytes, as `CryptoProvider.random`
 * @throws TlsError ERR_TLS_CONFIG for another kind, and for a `random` that is no function or answers other bytes
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { encodePem, generatePrivateKey } from 'opentls/x509';
 *
 * const key = generatePrivateKey('ed25519', noble.random);
 * const pem = encodePem('PRIVATE KEY', key.expose()); // before signer(), which wipes the key
 * const signer = noble.signer(key);
 * console.log(pem.split('\n')[0], key.wiped); // -----BEGIN PRIVATE KEY----- true
 * ```
 */
export function generatePrivateKey(
  kind: GeneratedKeyKind,
  random: (length: number) => Uint8Array,
): Secret<'private key'> {
  oneOf(...kinds)(kind, 'generatePrivateKey: kind');
  callable(random, 'generatePrivateKey: random (as noble.random)');
  const draw = (length: number): Uint8Array => secretBytes(length)(random(length), `random(${length})`);
  if (kind === 'ed25519' || kind === 'ed448') {
    const seed = draw(kind === 'ed25519' ? 32 : 57);
    return privateKeyInfo([objectIdentifier(Oid[kind])], element(Tag.octetString, seed), seed);
  }
  if (kind === 'ml_dsa_44' || kind === 'ml_dsa_65' || kind === 'ml_dsa_87') {
    const seed = draw(32);
    return privateKeyInfo([objectIdentifier(mlDsa[kind])], element(context(0, 'primitive'), seed), seed);
  }
  const curve = curves[kind];
  const scalar = randomScalar(fromHex(curve.order), draw);
  const inner = element(Tag.sequence, integer(1), element(Tag.octetString, scalar));
  return privateKeyInfo([objectIdentifier(Oid.ecPublicKey), objectIdentifier(curve.id)], inner, scalar);
}

/** Wipes the parts: the key is in the whole. */
function privateKeyInfo(
  algorithm: readonly Uint8Array[],
  privateKey: Uint8Array,
  secret: Uint8Array,
): Secret<'private key'> {
  const wrapped = element(Tag.octetString, privateKey);
  const whole = element(Tag.sequence, integer(0), element(Tag.sequence, ...algorithm), wrapped);
  wipe(secret, privateKey, wrapped);
  return new Secret('private key', whole);
}

/** Uniform in [1, order): tries until one fits (FIPS 186-5 §A.2.2), because reducing would favour small values. */
function randomScalar(order: Uint8Array, random: (length: number) => Uint8Array): Uint8Array {
  const topMask = 2 ** (32 - Math.clz32(order[0] ?? 0)) - 1;
  for (;;) {
    const scalar = random(order.length);
    scalar[0] = (scalar[0] ?? 0) & topMask;
    if (scalar.some((byte) => byte !== 0) && compare(scalar, order) < 0) return scalar;
  }
}

const mlDsa = { ml_dsa_44: Oid.mlDsa44, ml_dsa_65: Oid.mlDsa65, ml_dsa_87: Oid.mlDsa87 } as const;

/** Named curves of RFC 5480 §2.1.1.1 with their orders, SP 800-186 §3.2.1. */
const curves: Readonly<Record<'P-256' | 'P-384' | 'P-521', { readonly id: string; readonly order: string }>> = {
  'P-256': {
    id: Oid.prime256v1,
    order: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  },
  'P-384': {
    id: Oid.secp384r1,
    order: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  },
  'P-521': {
    id: Oid.secp521r1,
    order:
      '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  },
};

const kinds = ['P-256', 'P-384', 'P-521', 'ed25519', 'ed448', 'ml_dsa_44', 'ml_dsa_65', 'ml_dsa_87'] as const;
