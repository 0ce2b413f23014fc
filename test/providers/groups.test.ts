import { createECDH, createPrivateKey, type ECDH, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { p256 } from '@noble/curves/nist.js';
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import type { CryptoProvider, Group } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import * as nobleGroups from '#opentls/providers/noble/groups';
import { node } from '#opentls/providers/node';
import * as nodeGroups from '#opentls/providers/node/groups';
import { type DiffieHellman, diffieHellmanGroup, hybridGroup, type Kem } from '#opentls/providers/shared/key-exchange';
import { NamedGroup } from '#opentls/wire/enums';
import { expectRefusal } from '../kit/refusals.ts';
import { providers } from './providers.ts';
import { ecdhVectors, hybridVectors, x25519Iterations, x25519Vectors } from './vectors.ts';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

describe.each(providers)('groups of $name', (provider) => {
  test('are in order of preference', () => {
    expect(provider.groups.map(({ id }) => id)).toEqual([
      NamedGroup.X25519MLKEM768,
      NamedGroup.x25519,
      NamedGroup.secp256r1,
      NamedGroup.secp384r1,
      NamedGroup.secp521r1,
      NamedGroup.x448,
      NamedGroup.SecP256r1MLKEM768,
      NamedGroup.SecP384r1MLKEM1024,
    ]);
  });

  test.each(provider.groups)('$name: agrees with the other provider, both ways', async (group) => {
    const other = groupOf(provider === noble ? node : noble, group.id);
    for (const [client, server] of [
      [group, other],
      [other, group],
      [group, group],
    ] as const) {
      const share = await client.generate();
      const answer = await server.encapsulate(share.publicKey);
      const secret = await share.agree(answer.publicKey);
      expect(secret.expose()).toEqual(answer.shared.expose());
      expect(share.publicKey).toHaveLength(lengths.get(group.id)?.client ?? 0);
      expect(answer.publicKey).toHaveLength(lengths.get(group.id)?.server ?? 0);
      expect(secret).toHaveLength(lengths.get(group.id)?.shared ?? 0);
    }
  });

  test.each(provider.groups)('$name: shares and secrets are fresh each time', async (group) => {
    const shares = await Promise.all([group.generate(), group.generate()]);
    expect(shares[0].publicKey).not.toEqual(shares[1].publicKey);
    const [first, second] = [
      await group.encapsulate(shares[0].publicKey),
      await group.encapsulate(shares[0].publicKey),
    ];
    expect(first.publicKey).not.toEqual(second.publicKey);
    expect(first.shared.expose()).not.toEqual(second.shared.expose());
  });

  test.each(provider.groups)('$name: a share is used once', async (group) => {
    const share = await group.generate();
    const { publicKey } = await group.encapsulate(share.publicKey);
    await share.agree(publicKey);
    expect(() => share.agree(publicKey)).toThrow('used twice');
    const wiped = await group.generate();
    wiped.wipe();
    expect(() => wiped.agree(publicKey)).toThrow('used twice');
  });

  test.each(provider.groups)('$name: a share of another length is refused', async (group) => {
    const { publicKey } = await group.generate();
    const answer = await group.encapsulate(publicKey);
    for (const bad of [publicKey.subarray(1), new Uint8Array([...publicKey, 0]), new Uint8Array(0)]) {
      expectBadShare(() => group.encapsulate(bad));
    }
    for (const bad of [answer.publicKey.subarray(1), new Uint8Array([...answer.publicKey, 0]), new Uint8Array(0)]) {
      const share = await group.generate();
      expectBadShare(() => share.agree(bad));
    }
  });

  test.each([NamedGroup.secp256r1, NamedGroup.secp384r1, NamedGroup.secp521r1])(
    'curve 0x%s: only uncompressed points of the curve',
    async (id) => {
      const group = groupOf(provider, id);
      const { publicKey } = await group.generate();
      const size = (publicKey.length - 1) / 2;
      const odd = (publicKey.at(-1) ?? 0) & 1;
      const bad: Uint8Array[] = [
        new Uint8Array([2 + odd, ...publicKey.subarray(1, 1 + size)]),
        new Uint8Array([6 + odd, ...publicKey.subarray(1)]),
        new Uint8Array(publicKey.length),
        new Uint8Array([4, ...new Uint8Array(2 * size)]),
        new Uint8Array([4, ...new Uint8Array(2 * size).fill(0xff)]),
        new Uint8Array([0]),
        changeLast(publicKey),
      ];
      for (const share of bad) expectBadShare(() => group.encapsulate(share));
    },
  );

  test.each(smallOrder)('x25519: the all-zero secret of %s is refused', async (point) => {
    const group = groupOf(provider, NamedGroup.x25519);
    expectBadShare(() => group.encapsulate(fromHex(point)));
    const share = await group.generate();
    expectBadShare(() => share.agree(fromHex(point)));
    const hybrid = groupOf(provider, NamedGroup.X25519MLKEM768);
    const hello = (await hybrid.generate()).publicKey;
    hello.set(fromHex(point), 1184);
    expectBadShare(() => hybrid.encapsulate(hello));
  });

  test('X25519MLKEM768: an encapsulation key with a coefficient of q or more is refused', async () => {
    const hybrid = groupOf(provider, NamedGroup.X25519MLKEM768);
    const hello = (await hybrid.generate()).publicKey;
    // The first 12 bits, little-endian, become 3329 = 0xd01: FIPS 203 §7.2, modulus check.
    hello[0] = 0x01;
    hello[1] = ((hello[1] ?? 0) & 0xf0) | 0x0d;
    expectBadShare(() => hybrid.encapsulate(hello));
  });

  test('X25519MLKEM768: a changed ciphertext gives another secret, not an error', async () => {
    const hybrid = groupOf(provider, NamedGroup.X25519MLKEM768);
    const share = await hybrid.generate();
    const answer = await hybrid.encapsulate(share.publicKey);
    answer.publicKey[5] = (answer.publicKey[5] ?? 0) ^ 1;
    const secret = await share.agree(answer.publicKey);
    // FIPS 203 §6.3: implicit rejection; the X25519 half is untouched.
    expect(secret.expose().subarray(0, 32)).not.toEqual(answer.shared.expose().subarray(0, 32));
    expect(secret.expose().subarray(32)).toEqual(answer.shared.expose().subarray(32));
  });
});

describe.each(['noble', 'node'] as const)('Diffie-Hellman functions of %s', (name) => {
  test.each(x25519Vectors)('$source', ({ privateKey, publicKey, shared }) => {
    expect(toHex(agreeWith(name, 'x25519', privateKey, publicKey))).toBe(toHex(shared));
  });

  test('RFC 7748 §5.2: the ladder after 1 and after 1,000 iterations', () => {
    let [k, u] = [x25519Iterations.start, x25519Iterations.start];
    for (let i = 1; i <= 1000; i++) {
      [k, u] = [agreeWith(name, 'x25519', k, u), k];
      if (i === 1) expect(toHex(k)).toBe(toHex(x25519Iterations.after1));
    }
    expect(toHex(k)).toBe(toHex(x25519Iterations.after1000));
  });

  test.each(ecdhVectors)('$source', ({ group, privateKey, publicKey, shared }) => {
    expect(toHex(agreeWith(name, group, privateKey, publicKey))).toBe(toHex(shared));
  });

  test.skipIf(absent('x25519_test'))(title('x25519_test'), () => {
    const { wrong, ran } = mismatches('x25519_test', (vector) => {
      const outcome = attempt(() => agreeWith(name, 'x25519', bytes(vector, 'private'), bytes(vector, 'public')));
      if (vector.flags?.includes('ZeroSharedSecret')) return outcome === undefined;
      return outcome !== undefined && toHex(outcome) === vector['shared'];
    });
    expect(wrong).toEqual([]);
    expect(ran).toBe(518);
  });

  test.skipIf(absent('x448_test'))(title('x448_test'), () => {
    const { wrong, ran } = mismatches('x448_test', (vector) => {
      const peer = bytes(vector, 'public');
      const outcome = attempt(() => agreeWith(name, 'x448', bytes(vector, 'private'), peer));
      if (vector.flags?.includes('ZeroSharedSecret') || peer.length !== 56) return outcome === undefined;
      return outcome !== undefined && toHex(outcome) === vector['shared'];
    });
    expect(wrong).toEqual([]);
    expect(ran).toBeGreaterThan(400);
  });

  test.skipIf(absent('ecdh_secp256r1_ecpoint_test')).each([
    ['secp256r1', 32, 355],
    ['secp384r1', 48, 790],
    ['secp521r1', 66, 661],
  ] as const)(`${title('ecdh_secp256r1_ecpoint_test')} and its like: %s`, { timeout: 60_000 }, (group, size, count) => {
    const { wrong, ran } = mismatches(`ecdh_${group}_ecpoint_test`, (vector) => {
      const digits = String(vector['private'])
        .padStart(2 * size, '0')
        .slice(-2 * size);
      const outcome = attempt(() => agreeWith(name, group, fromHex(digits), bytes(vector, 'public')));
      // `acceptable` are compressed points, which TLS does not have.
      if (vector.result !== 'valid') return outcome === undefined;
      return outcome !== undefined && toHex(outcome) === vector['shared'];
    });
    expect(wrong).toEqual([]);
    expect(ran).toBe(count);
  });
});

/** Shares and secrets that others composed, met by a client whose key pairs are those of the vector. */
function expectHybrid(vector: HybridVector): void {
  const pair = ml_kem768.keygen(vector.mlkemSeed);
  const kem: Kem<Uint8Array> = {
    ...nobleGroups.nobleMlKem768,
    generate: () => ({ publicKey: pair.publicKey, privateKey: pair.secretKey.slice() }),
  };
  const client =
    vector.clientX25519Private === undefined
      ? hybridGroup(
          NamedGroup.SecP256r1MLKEM768,
          'SecP256r1MLKEM768',
          'ecdhe first',
          kem,
          fixedP256(vector.clientP256Private),
        )
      : hybridGroup(
          NamedGroup.X25519MLKEM768,
          'X25519MLKEM768',
          'kem first',
          kem,
          fixedX25519(vector.clientX25519Private),
        );
  const share = client.generate();
  if ('then' in share) throw new Error('noble answers at once');
  expect(toHex(share.publicKey)).toBe(toHex(vector.clientKeyShare));
  const secret = share.agree(vector.serverKeyShare);
  if ('then' in secret) throw new Error('noble answers at once');
  expect(toHex(secret.expose())).toBe(toHex(vector.sharedSecret));
}

interface HybridVector {
  readonly mlkemSeed: Uint8Array;
  readonly clientX25519Private?: Uint8Array;
  readonly clientP256Private?: Uint8Array;
  readonly clientKeyShare: Uint8Array;
  readonly serverKeyShare: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

test.each(hybridVectors)('$source: client and server secrets', expectHybrid);

const hybrids = new URL('../../../shared/vectors/rfc/tls-hybrid-mlkem768.json', import.meta.url);
const composed = existsSync(hybrids)
  ? 'X25519MLKEM768 and SecP256r1MLKEM768 composed with OpenSSL'
  : 'tls-hybrid-mlkem768.json (skipped: the outside test data is not beside the repository)';

test.skipIf(!existsSync(hybrids))(composed, () => {
  const { vectors }: { readonly vectors: readonly Readonly<Record<string, unknown>>[] } = JSON.parse(
    readFileSync(hybrids, 'utf8'),
  );
  expect(vectors).toHaveLength(16);
  for (const vector of vectors) {
    const hex = Object.entries(vector).flatMap(([name, value]) =>
      typeof value === 'string' && /^(?:[0-9a-f]{2})+$/.test(value) ? [[name, fromHex(value)]] : [],
    );
    expectHybrid(Object.fromEntries(hex));
  }
});

describe.each([768, 1024] as const)('ML-KEM-%i', (size) => {
  const reference = size === 768 ? ml_kem768 : ml_kem1024;
  const kems: readonly { name: string; kem: Kem<never> | undefined; importSeed: (seed: Uint8Array) => unknown }[] = [
    {
      name: 'noble',
      kem: (size === 768 ? nobleGroups.nobleMlKem768 : nobleGroups.nobleMlKem1024) as Kem<never>,
      importSeed: (seed) => reference.keygen(seed).secretKey,
    },
    {
      name: 'node',
      kem: (size === 768 ? nodeGroups.nodeMlKem768 : nodeGroups.nodeMlKem1024) as Kem<never> | undefined,
      importSeed: (seed) => importNodeSeed(size, seed),
    },
  ];
  const [decaps, encaps] = [`mlkem_${size}_test`, `mlkem_${size}_encaps_test`];
  for (const { name, kem, importSeed } of kems) {
    const why = kem === undefined ? ' (skipped: this Node has no ML-KEM)' : '';
    test.skipIf(kem === undefined || absent(decaps))(`${title(decaps)} over ${name}${why}`, () => {
      const { wrong, ran } = mismatches(decaps, (vector) => {
        const outcome = attempt(() => {
          const ciphertext = bytes(vector, 'c');
          const seed = bytes(vector, 'seed');
          // The group checks the length of a share; the length of a seed is the test's own affair.
          if (ciphertext.length !== kem?.ciphertextLength || seed.length !== 64) throw new RangeError('length');
          return kem.decapsulate(importSeed(seed) as never, ciphertext);
        });
        if (vector.result === 'invalid') return outcome === undefined;
        return outcome !== undefined && toHex(outcome) === vector['K'];
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(100);
    });

    test.skipIf(kem === undefined || absent(encaps))(`${title(encaps)}: which keys ${name} takes${why}`, () => {
      const { wrong, ran } = mismatches(encaps, (vector) => {
        const key = bytes(vector, 'ek');
        const outcome = key.length === kem?.publicLength ? attempt(() => kem.encapsulate(key).shared) : undefined;
        return (outcome !== undefined) === (vector.result !== 'invalid');
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(100);
    });
  }
});

/** Sizes of draft-ietf-tls-ecdhe-mlkem §4 and RFC 9846 §4.3.8.2. */
const lengths: ReadonlyMap<number, { client: number; server: number; shared: number }> = new Map([
  [NamedGroup.X25519MLKEM768, { client: 1216, server: 1120, shared: 64 }],
  [NamedGroup.x25519, { client: 32, server: 32, shared: 32 }],
  [NamedGroup.secp256r1, { client: 65, server: 65, shared: 32 }],
  [NamedGroup.secp384r1, { client: 97, server: 97, shared: 48 }],
  [NamedGroup.secp521r1, { client: 133, server: 133, shared: 66 }],
  [NamedGroup.x448, { client: 56, server: 56, shared: 56 }],
  [NamedGroup.SecP256r1MLKEM768, { client: 1249, server: 1153, shared: 64 }],
  [NamedGroup.SecP384r1MLKEM1024, { client: 1665, server: 1665, shared: 80 }],
]);

/** The points of order 1, 2, 4 and 8 with canonical and non-canonical encodings, little-endian (RFC 7748 §6.1). */
const smallOrder: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
];

type DhName = 'x25519' | 'x448' | 'secp256r1' | 'secp384r1' | 'secp521r1';

/** Through the whole group, so that its checks of the peer's share take part, with a private key of our choice. */
function agreeWith(provider: 'noble' | 'node', name: DhName, privateKey: Uint8Array, peer: Uint8Array): Uint8Array {
  if (provider === 'noble') return agreeOnce(nobleFunctions[name], privateKey.slice(), peer);
  if (name === 'x25519') return agreeOnce(nodeGroups.nodeX25519, importX25519(privateKey), peer);
  if (name === 'x448') return agreeOnce(nodeGroups.nodeX448, importX448(privateKey), peer);
  const { dh, curve } = nodeCurves[name];
  const key = createECDH(curve);
  key.setPrivateKey(privateKey);
  return agreeOnce(dh, key, peer);
}

function agreeOnce<K>(dh: DiffieHellman<K>, privateKey: K, peer: Uint8Array): Uint8Array {
  const fixed = { ...dh, generate: () => ({ privateKey, publicKey: new Uint8Array(dh.publicLength) }) };
  const share = diffieHellmanGroup(fixed).generate();
  if ('then' in share) throw new Error('providers answer at once');
  const secret = share.agree(peer);
  if ('then' in secret) throw new Error('providers answer at once');
  return secret.expose();
}

const nobleFunctions: Readonly<Record<DhName, DiffieHellman<Uint8Array>>> = {
  x25519: nobleGroups.nobleX25519,
  x448: nobleGroups.nobleX448,
  secp256r1: nobleGroups.nobleP256,
  secp384r1: nobleGroups.nobleP384,
  secp521r1: nobleGroups.nobleP521,
};

const nodeCurves: Readonly<Record<Exclude<DhName, 'x25519' | 'x448'>, { dh: DiffieHellman<ECDH>; curve: string }>> = {
  secp256r1: { dh: nodeGroups.nodeP256, curve: 'prime256v1' },
  secp384r1: { dh: nodeGroups.nodeP384, curve: 'secp384r1' },
  secp521r1: { dh: nodeGroups.nodeP521, curve: 'secp521r1' },
};

function fixedP256(privateKey: Uint8Array = new Uint8Array(0)): DiffieHellman<Uint8Array> {
  return {
    ...nobleGroups.nobleP256,
    generate: () => ({ privateKey: privateKey.slice(), publicKey: p256.getPublicKey(privateKey, false) }),
  };
}

function fixedX25519(privateKey: Uint8Array): DiffieHellman<Uint8Array> {
  const base = new Uint8Array(32);
  base[0] = 9;
  return {
    ...nobleGroups.nobleX25519,
    generate: () => ({
      privateKey: privateKey.slice(),
      publicKey: nobleGroups.nobleX25519.agree(privateKey, base),
    }),
  };
}

function importX448(privateKey: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from('3046020100300506032b656f043a0438', 'hex'), privateKey]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function importX25519(privateKey: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** RFC 9935 §6: the seed alone. */
function importNodeSeed(size: 768 | 1024, seed: Uint8Array): KeyObject {
  const arc = size === 768 ? '02' : '03';
  const header = Buffer.from(`3054020100300b06096086480165030404${arc}04428040`, 'hex');
  return createPrivateKey({ key: Buffer.concat([header, seed]), format: 'der', type: 'pkcs8' });
}

function groupOf(provider: CryptoProvider, id: number): Group {
  const group = provider.groups.find((candidate) => candidate.id === id);
  if (group === undefined) throw new Error(`${provider.name} has no group ${id}`);
  return group;
}

function expectBadShare(operation: () => unknown): void {
  expectRefusal(operation, { code: 'ERR_TLS_INVALID_KEY_SHARE', alert: 'illegal_parameter' });
}

function changeLast(share: Uint8Array): Uint8Array {
  const changed = share.slice();
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

function attempt<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch {
    return undefined;
  }
}
