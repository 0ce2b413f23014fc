import { x25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import type { Group } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { NamedGroup } from '#opentls/wire/enums';

/** A group whose key pair is given: for recorded traces only. */
export function fixedGroup(id: number, privateKey: Uint8Array): Group {
  const nist = id === NamedGroup.secp256r1;
  const publicKey = nist ? p256.getPublicKey(privateKey, false) : x25519.getPublicKey(privateKey);
  const agree = (peer: Uint8Array) =>
    new Secret(
      'shared',
      nist ? p256.getSharedSecret(privateKey, peer).slice(1) : x25519.getSharedSecret(privateKey, peer),
    );
  return {
    id,
    name: nist ? 'P-256' : 'X25519',
    generate: () => ({ group: id, publicKey, agree, wipe: () => {} }),
    encapsulate: (peer) => ({ publicKey, shared: agree(peer) }),
  };
}
