import { ed448 } from '@noble/curves/ed448.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { equal } from '../../bytes/equal.ts';
import type { Signer } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { TlsError } from '../../errors.ts';
import {
  checkSecretKey,
  type DecodedEcKey,
  type DecodedRsaKey,
  decodePkcs8,
  encodeRsaPublicKey,
  encodeSpki,
} from '../shared/pkcs8.ts';
import { checkSigningSize, rsaSign } from '../shared/rsa.ts';
import { parametersFor, type SignatureParameters, schemesOf } from '../shared/signature-algorithms.ts';
import { nobleHashes } from './hash.ts';
import { nobleCurves } from './verify.ts';

/**
 * Makes a signer by noble, or by BigInt for RSA of 2048 to 4096 bits (rsa.ts warns of its timing). RSASSA-PKCS1-v1_5 is
 * there for certificates.
 */
export function nobleSigner(key: Secret<'private key'>): Signer {
  checkSecretKey(key);
  const decoded = decode(key);
  switch (decoded.algorithm) {
    case 'ec':
      return ecdsaSigner(decoded);
    case 'ed25519': {
      const publicKey = encodeSpki(decoded.identifier, ed25519.getPublicKey(decoded.seed));
      return signerOf(publicKey, (_scheme, message) => ed25519.sign(message, decoded.seed));
    }
    case 'ed448': {
      const publicKey = encodeSpki(decoded.identifier, ed448.getPublicKey(decoded.seed));
      return signerOf(publicKey, (_scheme, message) => ed448.sign(message, decoded.seed));
    }
    case 'rsa':
    case 'rsa-pss':
      return rsaSigner(decoded);
  }
}

/** Reads a key and wipes the caller's, also where it cannot be read. */
function decode(key: Secret<'private key'>): ReturnType<typeof decodePkcs8> {
  try {
    return decodePkcs8(key.expose());
  } finally {
    key.wipe();
  }
}

function ecdsaSigner({ identifier, curve, scalar, point }: DecodedEcKey): Signer {
  const noble = nobleCurves[curve];
  if (!noble.utils.isValidSecretKey(scalar)) refuse('an EC private key that is zero or not below the order');
  const derived = noble.getPublicKey(scalar, false);
  const given = point?.length === derived.length ? derived : noble.getPublicKey(scalar, true);
  if (point !== undefined && !equal(point, given)) refuse('an EC private key with the public key of another');
  return signerOf(encodeSpki(identifier, derived), (parameters, message) =>
    // RFC 6979 with extra entropy: neither a fault nor a weak random generator reveals the key.
    noble.sign(nobleHashes[parameters.hash].digest(message), scalar, {
      prehash: false,
      lowS: false,
      format: 'der',
      extraEntropy: true,
    }),
  );
}

function rsaSigner({ identifier, key }: DecodedRsaKey): Signer {
  checkSigningSize(key.bits);
  return signerOf(encodeSpki(identifier, encodeRsaPublicKey(key)), ({ family, hash }, message) =>
    rsaSign(key, family === 'pss' ? 'pss' : 'pkcs1', nobleHashes[hash], message, (length) => randomBytes(length)),
  );
}

function signerOf(
  publicKey: Uint8Array,
  sign: (parameters: SignatureParameters, message: Uint8Array) => Uint8Array,
): Signer {
  const schemes = schemesOf(publicKey);
  return { schemes, publicKey, sign: (scheme, message) => sign(parametersFor(schemes, scheme), message) };
}

function refuse(message: string): never {
  throw new TlsError('ERR_TLS_KEY_DECODE', message, { blame: 'config' });
}
