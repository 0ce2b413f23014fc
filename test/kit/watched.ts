import {
  type AeadAlgorithm,
  type Awaitable,
  type CipherSuite,
  type CryptoProvider,
  type Group,
  type Hash,
  isThenable,
  type KeyShare,
} from '#opentls/crypto/provider';
import { provider } from './provider.ts';

/**
 * A provider that remembers each secret that it made: outputs of HMAC and copies of them, record keys, key shares and
 * shared secrets. Bytes count as wiped once they are zero.
 */
export interface Watched {
  readonly provider: CryptoProvider;
  readonly made: () => number;
  readonly survivors: () => string[];
}

export function watched(): Watched {
  const alive: (readonly [string, () => boolean])[] = [];
  const memory = (label: string, secret: Uint8Array): void => {
    alive.push([label, () => secret.some((byte) => byte !== 0)]);
  };
  const hashes = new Map<Hash, Hash>();
  const hashOf = (hash: Hash): Hash => {
    const known = hashes.get(hash) ?? watchedHash(hash, memory);
    hashes.set(hash, known);
    return known;
  };
  const suites = provider.suites.map(
    (suite): CipherSuite => ({ ...suite, hash: hashOf(suite.hash), aead: watchedAead(suite.aead, memory) }),
  );
  const groups = provider.groups.map((group) =>
    watchedGroup(group, (label, wiped) => alive.push([label, () => !wiped()])),
  );
  return {
    provider: { ...provider, suites, groups },
    made: () => alive.length,
    survivors: () => alive.flatMap(([label, isAlive]) => (isAlive() ? [label] : [])),
  };
}

function watchedHash(hash: Hash, memory: (label: string, secret: Uint8Array) => void): Hash {
  const labels = new WeakMap<Uint8Array, string>();
  return {
    name: hash.name,
    length: hash.length,
    digest: (message) => hash.digest(message),
    start: () => hash.start(),
    hmac(key, ...parts) {
      const output = hash.hmac(key, ...parts);
      const info = parts.at(-1) ?? output;
      // HkdfLabel, RFC 9846 §7.1.
      const label = Buffer.from(info.subarray(3, 3 + (info[2] ?? 0))).toString('latin1');
      labels.set(output, label);
      // The connection sends verify_data, and exported keys belong to the caller: neither is wiped.
      if (label === 'tls13 exporter' || labels.get(key) === 'tls13 finished') return output;
      memory(label, output);
      output.slice = (...range) => {
        const copy = Uint8Array.prototype.slice.apply(output, range);
        memory(`a copy of ${label}`, copy);
        return copy;
      };
      return output;
    },
  };
}

function watchedAead(aead: AeadAlgorithm, memory: (label: string, secret: Uint8Array) => void): AeadAlgorithm {
  return {
    ...aead,
    create(key) {
      memory('record key', key);
      // The token stands for the cipher: it turns zero when the cipher is wiped.
      const token = Uint8Array.of(1);
      memory('cipher', token);
      const made = aead.create(key);
      const wipe = (): void => {
        token.fill(0);
        made.wipe();
      };
      return { seal: (...parts) => made.seal(...parts), open: (...parts) => made.open(...parts), wipe };
    },
  };
}

function watchedGroup(group: Group, add: (label: string, wiped: () => boolean) => void): Group {
  return {
    id: group.id,
    name: group.name,
    generate: () =>
      now(group.generate(), (share) =>
        watchedShare(share, {
          made: (wiped) => add('key share', wiped),
          agree: (peer) =>
            now(share.agree(peer), (shared) => {
              add('shared secret', () => shared.wiped);
              return shared;
            }),
        }),
      ),
    encapsulate: (peer) =>
      now(group.encapsulate(peer), (made) => {
        add('encapsulated secret', () => made.shared.wiped);
        return made;
      }),
  };
}

/** A key share that tells `made` how to find out whether it was wiped, and agrees by `agree`. */
export function watchedShare(
  share: KeyShare,
  { made, agree }: { readonly made: (wiped: () => boolean) => void; readonly agree: KeyShare['agree'] },
): KeyShare {
  let wiped = false;
  made(() => wiped);
  return {
    group: share.group,
    publicKey: share.publicKey,
    agree,
    wipe() {
      wiped = true;
      share.wipe();
    },
  };
}

/** Uses what a provider under test answers: these providers answer at once. */
export function now<T, U>(value: Awaitable<T>, use: (value: T) => U): U {
  if (isThenable(value)) throw new Error('the provider answers later');
  return use(value);
}
