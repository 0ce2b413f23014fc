/**
 * Makes groups from a provider's primitives: (EC)DHE alone, a KEM alone, and hybrids of both. It sees to what every group
 * needs: single use, wiping, the order of the parts, and the alert for a bad share (RFC 9846 §4.3.8, §7.4).
 */
import { concat } from '../../bytes/concat.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { Encapsulation, Group, KeyShare } from '../../crypto/provider.ts';
import { Secret } from '../../crypto/secret.ts';
import { misuse, reject, TlsError } from '../../errors.ts';

/** A Diffie-Hellman function with key pairs of type `K`. */
export interface DiffieHellman<K> {
  /** NamedGroup code point, RFC 9846 §4.3.7. */
  readonly id: number;
  readonly name: string;
  /** Length of a public key, bytes. */
  readonly publicLength: number;
  generate(): KeyPair<K>;
  /** Computes the shared secret. Throws any error for a peer's key of the right length that is not valid. */
  agree(privateKey: K, peer: Uint8Array): Uint8Array;
  wipe(privateKey: K): void;
}

/** A key encapsulation mechanism with key pairs of type `K`. */
export interface Kem<K> {
  readonly publicLength: number;
  readonly ciphertextLength: number;
  generate(): KeyPair<K>;
  /** Throws any error for an encapsulation key of the right length that is not valid (FIPS 203 §7.2). */
  encapsulate(publicKey: Uint8Array): { readonly ciphertext: Uint8Array; readonly shared: Uint8Array };
  decapsulate(privateKey: K, ciphertext: Uint8Array): Uint8Array;
  wipe(privateKey: K): void;
}

export interface KeyPair<K> {
  readonly publicKey: Uint8Array;
  readonly privateKey: K;
}

export function diffieHellmanGroup<K>(dh: DiffieHellman<K>): Group {
  return {
    id: dh.id,
    name: dh.name,
    generate() {
      const { publicKey, privateKey } = dh.generate();
      return new SingleUseShare(dh.id, publicKey, {
        agree: (peer) => agreeChecked(dh, privateKey, peer),
        wipe: () => dh.wipe(privateKey),
      });
    },
    encapsulate(peer) {
      const { publicKey, privateKey } = dh.generate();
      try {
        return { publicKey, shared: new Secret('shared', agreeChecked(dh, privateKey, peer)) };
      } finally {
        dh.wipe(privateKey);
      }
    },
  };
}

/** Makes a group of a KEM alone (draft-ietf-tls-mlkem). */
export function kemGroup<K>(id: number, name: string, kem: Kem<K>): Group {
  return {
    id,
    name,
    generate() {
      const { publicKey, privateKey } = kem.generate();
      return new SingleUseShare(id, publicKey, {
        agree(peer) {
          checkLength(name, peer, kem.ciphertextLength);
          return checked(name, () => kem.decapsulate(privateKey, peer));
        },
        wipe: () => kem.wipe(privateKey),
      });
    },
    encapsulate(peer) {
      checkLength(name, peer, kem.publicLength);
      const { ciphertext, shared } = checked(name, () => kem.encapsulate(peer));
      return { publicKey: ciphertext, shared: new Secret('shared', shared) };
    },
  };
}

/** Which half comes first in the shares and in the secret of a hybrid (draft-ietf-tls-ecdhe-mlkem §4.1 to §4.3). */
export type HybridOrder = 'kem first' | 'ecdhe first';

/** Makes a group of a KEM and Diffie-Hellman: an attacker has to break both to learn the secret. */
export function hybridGroup<K, D>(
  id: number,
  name: string,
  order: HybridOrder,
  kem: Kem<K>,
  dh: DiffieHellman<D>,
): Group {
  const put = (ofKem: Uint8Array, ofDh: Uint8Array): Uint8Array =>
    concat(order === 'kem first' ? [ofKem, ofDh] : [ofDh, ofKem]);
  const take = (share: Uint8Array, kemLength: number): { readonly kem: Uint8Array; readonly dh: Uint8Array } => {
    checkLength(name, share, kemLength + dh.publicLength);
    if (order === 'kem first') return { kem: share.subarray(0, kemLength), dh: share.subarray(kemLength) };
    return { kem: share.subarray(dh.publicLength), dh: share.subarray(0, dh.publicLength) };
  };
  return {
    id,
    name,
    generate() {
      const kemPair = kem.generate();
      const dhPair = dh.generate();
      return new SingleUseShare(id, put(kemPair.publicKey, dhPair.publicKey), {
        agree(peer) {
          const halves = take(peer, kem.ciphertextLength);
          const shared = checked(name, () => kem.decapsulate(kemPair.privateKey, halves.kem));
          return join(shared, () => agreeChecked(dh, dhPair.privateKey, halves.dh), put);
        },
        wipe() {
          kem.wipe(kemPair.privateKey);
          dh.wipe(dhPair.privateKey);
        },
      });
    },
    encapsulate(peer): Encapsulation {
      const halves = take(peer, kem.publicLength);
      const { ciphertext, shared } = checked(name, () => kem.encapsulate(halves.kem));
      const { publicKey, privateKey } = dh.generate();
      try {
        const secret = join(shared, () => agreeChecked(dh, privateKey, halves.dh), put);
        return { publicKey: put(ciphertext, publicKey), shared: new Secret('shared', secret) };
      } finally {
        dh.wipe(privateKey);
      }
    },
  };
}

/** Joins both halves of a secret. Wipes the KEM's half, also where `agree` throws. */
function join(
  ofKem: Uint8Array,
  agree: () => Uint8Array,
  put: (ofKem: Uint8Array, ofDh: Uint8Array) => Uint8Array,
): Uint8Array {
  let ofDh: Uint8Array | undefined;
  try {
    ofDh = agree();
    return put(ofKem, ofDh);
  } finally {
    wipe(ofKem, ofDh);
  }
}

/** A key share whose first `agree` wipes the private key, also where it throws: RFC 9846 §4.3.8 forbids reuse. */
class SingleUseShare implements KeyShare {
  readonly group: number;
  readonly publicKey: Uint8Array;
  #half: { agree(peer: Uint8Array): Uint8Array; wipe(): void } | undefined;

  constructor(group: number, publicKey: Uint8Array, half: { agree(peer: Uint8Array): Uint8Array; wipe(): void }) {
    this.group = group;
    this.publicKey = publicKey;
    this.#half = half;
  }

  agree(peer: Uint8Array): Secret<'shared'> {
    const half = this.#half ?? misuse('ERR_TLS_INVALID_STATE', 'a key share is used twice');
    try {
      return new Secret('shared', half.agree(peer));
    } finally {
      this.wipe();
    }
  }

  wipe(): void {
    this.#half?.wipe();
    this.#half = undefined;
  }
}

function agreeChecked<K>(dh: DiffieHellman<K>, privateKey: K, peer: Uint8Array): Uint8Array {
  checkLength(dh.name, peer, dh.publicLength);
  return checked(dh.name, () => dh.agree(privateKey, peer));
}

function checkLength(name: string, share: Uint8Array, length: number): void {
  if (share.length === length) return;
  reject(
    'ERR_TLS_INVALID_KEY_SHARE',
    'illegal_parameter',
    `a ${name} key share of ${share.length} bytes, not ${length}`,
  );
}

/** Turns any error of a primitive into the one for a bad share: only the peer's bytes can have caused it. */
function checked<T>(name: string, operation: () => T): T {
  try {
    return operation();
  } catch (cause) {
    if (cause instanceof TlsError) throw cause;
    throw new TlsError('ERR_TLS_INVALID_KEY_SHARE', `the ${name} key share is not valid`, {
      alert: 'illegal_parameter',
      cause,
    });
  }
}
