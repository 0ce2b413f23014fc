import { compare } from '../bytes/equal.ts';
import { fromHex } from '../bytes/hex.ts';
import { wipe } from '../bytes/wipe.ts';
import { Secret } from '../crypto/secret.ts';
import { integer, objectIdentifier, octetString, sequence } from './asn1.ts';

export type GeneratedKeyKind = 'P-256' | 'P-384' | 'P-521' | 'ed25519';

/**
 * A new private key as PKCS#8 PrivateKeyInfo, DER (RFC 5208 §5, RFC 5915 §3, RFC 8410 §7). The public key is not in
 * it: `provider.signer(key).publicKey` has it.
 * @param random cryptographically secure bytes, as `CryptoProvider.random`
 */
export function generatePrivateKey(
  kind: GeneratedKeyKind,
  random: (length: number) => Uint8Array,
): Secret<'private key'> {
  if (kind === 'ed25519') {
    const seed = random(32);
    const inner = octetString(seed);
    const key = sequence(integer(0), sequence(objectIdentifier('1.3.101.112')), octetString(inner));
    wipe(seed, inner);
    return new Secret('private key', key);
  }
  const curve = curves[kind];
  const scalar = randomScalar(fromHex(curve.order), random);
  const inner = sequence(integer(1), octetString(scalar));
  const algorithm = sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier(curve.id));
  const key = sequence(integer(0), algorithm, octetString(inner));
  wipe(scalar, inner);
  return new Secret('private key', key);
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

/** Named curves of RFC 5480 §2.1.1.1 with their orders, SP 800-186 §3.2.1. */
const curves: Readonly<Record<'P-256' | 'P-384' | 'P-521', { readonly id: string; readonly order: string }>> = {
  'P-256': {
    id: '1.2.840.10045.3.1.7',
    order: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  },
  'P-384': {
    id: '1.3.132.0.34',
    order: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  },
  'P-521': {
    id: '1.3.132.0.35',
    order:
      '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  },
};
