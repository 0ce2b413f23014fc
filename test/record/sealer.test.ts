import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Secret, TrafficLabel } from '#opentls/crypto/secret';
import { AlertDescription } from '#opentls/errors';
import { nextTraffic, revealForKeylog } from '#opentls/keys/schedule';
import { INITIAL_VERSION, RECORD_VERSION } from '#opentls/record/header';
import { Opener } from '#opentls/record/opener';
import { Outbox } from '#opentls/record/outbox';
import { ALIGNED_FRAGMENT, PlainSealer, Sealer } from '#opentls/record/sealer';
import { ContentType } from '#opentls/wire/enums';
import { randomBytes, randomNumbers } from '../kit/random.ts';
import { suiteProviders } from '../providers/providers.ts';
import { drain, recordingSuite, recordsOf, refusal, secret } from './records.ts';

const DATA = 23;
const random = randomBytes(11);

/** Content lengths of the records that one call makes of `chunks`. */
function fragments(chunks: readonly Uint8Array[], options: ConstructorParameters<typeof Sealer>[2] = {}): number[] {
  const { suite } = recordingSuite();
  const outbox = new Outbox();
  new Sealer(suite, secret(suite), options).seal(DATA, chunks, outbox);
  return recordsOf(drain(outbox)).map(({ body }) => body.length - 17);
}

const bytes = (length: number) => [new Uint8Array(length).fill(1)];

describe('fragments', () => {
  test.each([
    [1, [1]],
    [16_382, [16_382]],
    [16_384, [16_384]],
    [16_385, [16_382, 3]],
    [32_766, [16_382, 16_384]],
    [32_767, [16_382, 16_382, 3]],
    [65_536, [16_382, 16_382, 16_382, 16_382, 8]],
  ])('%i bytes', (length, expected) => {
    expect(fragments(bytes(length))).toEqual(expected);
  });

  test('nothing to send is no record', () => {
    expect(fragments([])).toEqual([]);
    expect(fragments([new Uint8Array(0), new Uint8Array(0)])).toEqual([]);
  });

  test('many small chunks fill records', () => {
    const chunks = Array.from({ length: 20_000 }, (_, i) => new Uint8Array(i % 3).fill(i));
    expect(fragments(chunks)).toEqual([16_382, 19_999 - 16_382]);
  });

  test('maxFragment bounds the last record too', () => {
    expect(fragments(bytes(1000), { maxFragment: 300 })).toEqual([300, 300, 300, 100]);
    expect(fragments(bytes(32_769), { maxFragment: 16_384 })).toEqual([16_384, 16_384, 1]);
  });

  test('one slab per call, with every body on a 4-byte boundary', () => {
    const { suite, alignments } = recordingSuite();
    const outbox = new Outbox();
    const sealer = new Sealer(suite, secret(suite));
    sealer.seal(DATA, bytes(5 * ALIGNED_FRAGMENT + 7), outbox);
    sealer.seal(DATA, bytes(3), outbox);
    expect(outbox.take()).toHaveLength(2);
    expect(alignments).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test('a slab is never written to again, and what was given may be', () => {
    const { suite } = recordingSuite();
    const outbox = new Outbox();
    const sealer = new Sealer(suite, secret(suite));
    const chunk = new Uint8Array([1, 2, 3]);
    sealer.seal(DATA, [chunk], outbox);
    chunk.fill(9);
    const [first] = outbox.take();
    const before = toHex(first ?? chunk);
    sealer.seal(DATA, [chunk], outbox);
    expect(toHex(first ?? chunk)).toBe(before);
    expect(before).toContain('01020317');
  });
});

describe('header, nonce and content type', () => {
  test('the additional data is the header that is sent, and each record has its own nonce', () => {
    const { suite, aads, nonces } = recordingSuite();
    const outbox = new Outbox();
    new Sealer(suite, secret(suite)).seal(ContentType.handshake, bytes(40_000), outbox);
    const records = recordsOf(drain(outbox));
    expect(records.map(({ header }) => toHex(header))).toEqual(aads);
    expect(aads).toEqual(['170303400f', '170303400f', '1703031c55']);
    expect(new Set(nonces).size).toBe(3);
    for (const { body } of records) expect(body.at(-17)).toBe(22);
  });
});

describe('padding', () => {
  test('is zeros behind the content type', () => {
    const { suite } = recordingSuite();
    const outbox = new Outbox();
    const asked: unknown[] = [];
    const padding = (type: number, length: number) => {
      asked.push([type, length]);
      return 5;
    };
    new Sealer(suite, secret(suite), { padding }).seal(DATA, [new Uint8Array([8, 9])], outbox);
    expect(toHex(drain(outbox))).toBe(`1703030018${'0809'}${'17'}${'0000000000'}${'ee'.repeat(16)}`);
    expect(asked).toEqual([[DATA, 2]]);
  });

  test('fills a record up to 2^14 + 1 bytes of inner plaintext, not more', () => {
    for (const length of [1, 100, 16_384]) {
      expect(fragments(bytes(length), { padding: () => 100_000 })).toEqual([16_384]);
    }
    expect(fragments(bytes(16_385), { padding: () => 16_384 })).toEqual([16_384, 16_384]);
  });

  test.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])('an answer of %d is refused', (answer) => {
    expect(refusal(() => fragments(bytes(1), { padding: () => answer })).code).toBe('ERR_TLS_CONFIG');
  });
});

describe.each(suiteProviders)('sealed and opened, $name', ({ suites }) => {
  test.each(suites)('$name: any chunks, any padding, any length', (suite) => {
    const next = randomNumbers(suite.id);
    const padding = (_: number, length: number) => (length % 3 === 0 ? length % 50 : 0);
    const sealer = new Sealer(suite, secret(suite), { padding });
    const opener = new Opener(suite, secret(suite));
    const outbox = new Outbox();
    for (let round = 0; round < 25; round++) {
      const chunks = Array.from({ length: 1 + next(5) }, () => random(next(round % 5 === 0 ? 9000 : 90)));
      sealer.seal(DATA, chunks, outbox);
      const opened = recordsOf(drain(outbox)).map((view) => opener.open(view));
      expect(opened.every(({ type }) => type === DATA)).toBe(true);
      expect(Buffer.concat(opened.map((content) => content.bytes)).equals(Buffer.concat(chunks))).toBe(true);
    }
  });

  test.each(suites)('$name: a KeyUpdate on both sides starts again at sequence number 0', (suite) => {
    const sealer = new Sealer(suite, secret(suite));
    const opener = new Opener(suite, secret(suite));
    const outbox = new Outbox();
    for (let generation = 0; generation < 3; generation++) {
      sealer.seal(DATA, [new Uint8Array([generation])], outbox);
      sealer.seal(DATA, [new Uint8Array([generation])], outbox);
      const views = recordsOf(drain(outbox));
      expect(views.map((view) => toHex(opener.open(view).bytes))).toEqual([`0${generation}`, `0${generation}`]);
      sealer.update();
      opener.update();
    }
    sealer.update();
    sealer.seal(DATA, [new Uint8Array(1)], outbox);
    const [view] = recordsOf(drain(outbox));
    expect(refusal(() => view !== undefined && opener.open(view)).code).toBe('ERR_TLS_BAD_RECORD_MAC');
  });

  test.each(suites)('$name: nothing is sealed after wipe()', (suite) => {
    const sealer = new Sealer(suite, secret(suite));
    sealer.wipe();
    expect(refusal(() => sealer.seal(DATA, bytes(1), new Outbox())).code).toBe('ERR_TLS_SECRET_WIPED');
    expect(refusal(() => sealer.update()).code).toBe('ERR_TLS_SECRET_WIPED');
  });
});

describe('keys', () => {
  test('needsUpdate at the record limit, and no longer after the update', () => {
    const { suite } = recordingSuite({ recordLimit: 3 });
    const sealer = new Sealer(suite, secret(suite));
    const outbox = new Outbox();
    for (const expected of [false, false, true]) {
      sealer.seal(DATA, bytes(1), outbox);
      expect(sealer.needsUpdate).toBe(expected);
    }
    sealer.update();
    expect(sealer.needsUpdate).toBe(false);
  });

  test('update() derives the next secret, wipes the old key, and starts again at nonce 0', () => {
    const { suite, nonces, wiped } = recordingSuite();
    const first = secret(suite);
    const second: Secret<TrafficLabel> = nextTraffic(suite.hash, secret(suite));
    const outbox = new Outbox();
    const sealer = new Sealer(suite, first);
    sealer.seal(DATA, bytes(1), outbox);
    sealer.update();
    expect(first.wiped).toBe(true);
    expect(wiped).toHaveLength(1);
    sealer.seal(DATA, bytes(1), outbox);
    new Sealer(suite, second).seal(DATA, bytes(1), outbox);
    expect(nonces[1]).toBe(nonces[2]);
    expect(nonces[0]).not.toBe(nonces[1]);
    expect(toHex(revealForKeylog(second))).not.toBe('5a'.repeat(32));
  });
});

describe('PlainSealer', () => {
  test('0x0301 for the first ClientHello, all of its records, and 0x0303 after it', () => {
    const outbox = new Outbox();
    const sealer = new PlainSealer(INITIAL_VERSION);
    sealer.seal(ContentType.handshake, bytes(16_385), outbox);
    sealer.seal(ContentType.handshake, bytes(1), outbox);
    const headers = recordsOf(drain(outbox)).map(({ header }) => toHex(header));
    expect(headers).toEqual(['1603014000', '1603010001', '1603030001']);
  });

  test('0x0303 for all that a server sends', () => {
    const outbox = new Outbox();
    new PlainSealer(RECORD_VERSION).seal(
      ContentType.alert,
      [new Uint8Array([2, AlertDescription.handshake_failure])],
      outbox,
    );
    expect(toHex(drain(outbox))).toBe('15030300020228');
  });
});
