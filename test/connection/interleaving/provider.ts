import type { AeadAlgorithm, CipherSuite, CryptoProvider, Group, Hash, KeyShare } from '#opentls/crypto/provider';
import type { Secret } from '#opentls/crypto/secret';
import { now, watchedShare } from '../../kit/watched.ts';
import type { Asked } from './answers.ts';

// Secrets: every one of them goes through the provider.

/**
 * What a connection made of secrets, as its provider sees it: keys and shares, and the memory of each output of HMAC,
 * which is what a `Secret` of the key schedule holds. It counts as wiped once it is zero.
 */
export class Ledger {
  readonly #alive: (readonly [label: string, alive: () => boolean])[] = [];
  readonly #labels = new WeakMap<Uint8Array, string>();

  add(label: string, alive: () => boolean): void {
    this.#alive.push([label, alive]);
  }

  bytes(label: string, secret: Uint8Array): void {
    this.add(label, () => secret.some((byte) => byte !== 0));
  }

  secret<T extends Secret<'psk' | 'shared'>>(secret: T): T {
    this.add(`Secret '${secret.label}'`, () => !secret.wiped);
    return secret;
  }

  hmac(key: Uint8Array, parts: readonly Uint8Array[], output: Uint8Array): void {
    const label = labelOf(parts.at(-1) ?? output);
    if (label !== undefined) this.#labels.set(output, label);
    // verify_data is sent, and exported keys are the caller's.
    const known = label === 'exporter' || this.#labels.get(key) === 'finished';
    if (!known) this.bytes(`HMAC '${label ?? 'extract'}'`, output);
  }

  get size(): number {
    return this.#alive.length;
  }

  get survivors(): string[] {
    return this.#alive.flatMap(([label, alive]) => (alive() ? [label] : []));
  }
}

/** Of HkdfLabel, RFC 9846 §7.1; undefined for any other message. */
function labelOf(info: Uint8Array): string | undefined {
  const name = Buffer.from(info.subarray(3, 3 + (info[2] ?? 0))).toString('latin1');
  return name.startsWith('tls13 ') ? name.slice(6) : undefined;
}

/** The same provider, whose work is entered in `ledger`, and where `asked` says when it is done. */
export function watched(base: CryptoProvider, ledger: Ledger, asked: Asked): CryptoProvider {
  const hashes = new Map<Hash, Hash>();
  const hashOf = (hash: Hash): Hash => {
    const known = hashes.get(hash) ?? watchedHash(hash, ledger);
    hashes.set(hash, known);
    return known;
  };
  const { sha1, sha256, sha384, sha512 } = base.hashes;
  return {
    ...base,
    random: (length) => base.random(length),
    signer: (key) => base.signer(key),
    hashes: { sha1: hashOf(sha1), sha256: hashOf(sha256), sha384: hashOf(sha384), sha512: hashOf(sha512) },
    suites: base.suites.map(
      (suite): CipherSuite => ({ ...suite, hash: hashOf(suite.hash), aead: watchedAead(suite.aead, ledger) }),
    ),
    groups: base.groups.map((group): Group => watchedGroup(group, ledger, asked)),
    verifiers: base.verifiers.map((verifier) => ({
      algorithm: verifier.algorithm,
      verify: (...parts) => asked('verifySignature', () => verifier.verify(...parts)),
    })),
  };
}

function watchedHash(hash: Hash, ledger: Ledger): Hash {
  return {
    name: hash.name,
    length: hash.length,
    digest: (message) => hash.digest(message),
    start: () => hash.start(),
    hmac(key, ...parts) {
      const output = hash.hmac(key, ...parts);
      ledger.hmac(key, parts, output);
      return output;
    },
  };
}

function watchedAead(aead: AeadAlgorithm, ledger: Ledger): AeadAlgorithm {
  return {
    ...aead,
    create(key) {
      const record = aead.create(key);
      let wiped = false;
      ledger.bytes('record key, as given', key);
      ledger.add('record key', () => !wiped);
      return {
        seal: (...parts) => record.seal(...parts),
        open: (...parts) => record.open(...parts),
        wipe() {
          wiped = true;
          record.wipe();
        },
      };
    },
  };
}

function watchedGroup(group: Group, ledger: Ledger, asked: Asked): Group {
  const shareOf = (share: KeyShare): KeyShare =>
    watchedShare(share, {
      made: (wiped) => ledger.add('key share', () => !wiped()),
      agree: (peer) => asked('agree', () => now(share.agree(peer), (shared) => ledger.secret(shared))),
    });
  return {
    id: group.id,
    name: group.name,
    generate: () => asked('keyShare', () => now(group.generate(), shareOf)),
    encapsulate: (peer) =>
      asked('encapsulate', () =>
        now(group.encapsulate(peer), (answer) => {
          ledger.secret(answer.shared);
          return answer;
        }),
      ),
  };
}
