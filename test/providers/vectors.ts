/** The known answers that the repository carries (vectors/README.md), as bytes. */
import { fromHex } from '#opentls/bytes/hex';
import type { HashName, SignatureAlgorithm } from '#opentls/crypto/provider';
import known from '../../vectors/rfc/crypto.json' with { type: 'json' };
import hybrid from '../../vectors/rfc/tls-hybrid-mlkem768.json' with { type: 'json' };

export const aeadVectors = known.aeads.map(({ source, aead, ...values }) => ({ source, aead, ...asBytes(values) }));
export const x25519Vectors = known.x25519.map(({ source, ...values }) => ({ source, ...asBytes(values) }));
export const x25519Iterations = asBytes(known.x25519Iterations);
export const ecdhVectors = known.ecdh.map(({ source, group, ...values }) => ({
  source,
  group: group as 'secp256r1' | 'secp384r1' | 'secp521r1',
  ...asBytes(values),
}));
export const hashVectors = known.hashes.map(({ source, hash, ...values }) => ({
  source,
  hash: hash as HashName,
  ...asBytes(values),
}));
export const macVectors = known.macs.map(({ source, hash, ...values }) => ({
  source,
  hash: hash as HashName,
  ...asBytes(values),
}));
export const signatureVectors = known.signatures.map(({ source, algorithm, ...values }) => ({
  source,
  algorithm: algorithm as SignatureAlgorithm,
  ...asBytes(values),
}));
export const hybridVectors = hybrid.vectors.map(({ source, ...values }) => ({ source, ...asBytes(values) }));

function asBytes<K extends string>(values: Readonly<Record<K, string>>): Record<K, Uint8Array> {
  const entries = Object.entries<string>(values).map(([name, hex]) => [name, fromHex(hex)]);
  return Object.fromEntries(entries) as Record<K, Uint8Array>;
}
