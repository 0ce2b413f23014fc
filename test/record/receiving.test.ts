import { describe, expect, test } from 'vitest';
import type { CipherSuite } from '#opentls/crypto/provider';
import { AlertDescription } from '#opentls/errors';
import { defaultLimits } from '#opentls/limits';
import { noble } from '#opentls/providers/noble';
import { Receiving } from '#opentls/record/receiving';
import { Sending } from '#opentls/record/sending';
import { CipherSuiteId, ContentType } from '#opentls/wire/enums';
import { randomBytes, randomNumbers } from '../kit/random.ts';
import { innerSealer, record, refusal, secret, suiteOf } from './records.ts';

const suite: CipherSuite = suiteOf(noble, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256);
const limits = { ...defaultLimits, emptyRecords: 3, changeCipherSpecs: 2 };
const ccs = record(ContentType.change_cipher_spec, new Uint8Array([1]));
const finished = new Uint8Array([20, 0, 0, 2, 1, 2]);
const outer = { code: 'ERR_TLS_INVALID_OUTER_RECORD_TYPE', alert: 'unexpected_message' };
const unexpected = { code: 'ERR_TLS_UNEXPECTED_RECORD', alert: 'unexpected_message' };

/** A server's read half, with the write half of its client. */
function ends() {
  return { receiving: new Receiving(limits, 'server'), sending: new Sending('client', {}) };
}

function protectedEnds() {
  const both = ends();
  both.sending.protect(suite, secret(suite, 'c hs traffic'));
  both.receiving.protect(suite, secret(suite, 'c hs traffic'));
  return both;
}

function deliver({ sending, receiving }: ReturnType<typeof ends>): void {
  for (const slab of sending.take()) receiving.append(slab);
}

function all(receiving: Receiving): string[] {
  const seen: string[] = [];
  for (let got = receiving.next(); got !== undefined; got = receiving.next()) {
    seen.push(`${got.type}:${Buffer.from(got.bytes).toString('hex')}`);
  }
  return seen;
}

describe('content', () => {
  test('whole messages, alerts and data come out in order', () => {
    const both = protectedEnds();
    both.sending.handshake(finished);
    both.sending.handshake(finished);
    both.sending.data([new Uint8Array([5])]);
    both.sending.alert(1, 0);
    deliver(both);
    expect(all(both.receiving)).toEqual(['22:140000020102', '22:140000020102', '23:05', '21:0100']);
    expect(both.receiving.buffered).toBe(0);
  });

  test.each([1, 2, 3])('any chunks give the same content (seed %i)', (seed) => {
    const next = randomNumbers(seed);
    const both = protectedEnds();
    const data = randomBytes(seed)(50_000);
    both.sending.handshake(new Uint8Array([11, 0, 0x80, 0, ...new Uint8Array(0x8000)]));
    both.sending.data([data]);
    const stream = Buffer.concat(both.sending.take());
    const seen: string[] = [];
    for (let offset = 0; offset < stream.length; ) {
      const size = 1 + next(next(3) === 0 ? 8000 : 12);
      both.receiving.append(stream.subarray(offset, offset + size));
      offset += size;
      seen.push(...all(both.receiving));
    }
    expect(seen[0]).toHaveLength('22:'.length + 2 * 0x8004);
    expect(
      seen
        .slice(1)
        .map((text) => text.slice(3))
        .join(''),
    ).toBe(Buffer.from(data).toString('hex'));
  });

  test('a record of another type inside a handshake message', () => {
    for (const other of ['data', 'alert'] as const) {
      const both = protectedEnds();
      both.sending.handshake(finished.subarray(0, 3));
      if (other === 'data') both.sending.data([new Uint8Array(1)]);
      if (other === 'alert') both.sending.alert(2, 80);
      deliver(both);
      expect(refusal(() => all(both.receiving))).toEqual(unexpected);
    }
  });

  test('a change_cipher_spec inside a handshake message, where one is taken otherwise', () => {
    for (const length of [3, finished.length]) {
      const client = new Receiving(limits, 'client');
      client.append(record(ContentType.handshake, finished.subarray(0, length)));
      client.append(ccs);
      if (length === finished.length) expect(all(client)).toHaveLength(1);
      else expect(refusal(() => all(client))).toEqual(unexpected);
    }
  });

  test('an inner type that TLS does not have, and a protected change_cipher_spec', () => {
    for (const type of [20, 24, 255]) {
      const { receiving } = protectedEnds();
      receiving.append(innerSealer(suite, secret(suite))(new Uint8Array([1, type])));
      expect(refusal(() => all(receiving))).toEqual(unexpected);
    }
  });
});

describe('change of keys', () => {
  const excess = { code: 'ERR_TLS_EXCESS_HANDSHAKE_DATA', alert: 'unexpected_message' };

  test('a message that ends with its record is fine', () => {
    const both = protectedEnds();
    both.sending.updateKey(finished);
    both.sending.data([new Uint8Array([1])]);
    deliver(both);
    expect(both.receiving.next()?.type).toBe(ContentType.handshake);
    both.receiving.updateKey();
    expect(all(both.receiving)).toEqual(['23:01']);
  });

  test.each([1, 3, 4, 6, 9])('%i handshake bytes beyond it are not', (extra) => {
    const tail = Buffer.concat([finished, finished]).subarray(0, extra);
    for (const change of ['protect', 'updateKey'] as const) {
      const both = protectedEnds();
      both.sending.handshake(Buffer.concat([finished, tail]));
      deliver(both);
      both.receiving.next();
      const act = () =>
        change === 'protect' ? both.receiving.protect(suite, secret(suite)) : both.receiving.updateKey();
      expect(refusal(act)).toEqual(excess);
    }
  });
});

describe('change_cipher_spec', () => {
  const hello = record(ContentType.handshake, new Uint8Array([1, 0, 0, 0]));

  test('is dropped between the first message and the end of the handshake, within its limit', () => {
    const { receiving } = ends();
    receiving.append(hello);
    expect(all(receiving)).toEqual(['22:01000000']);
    receiving.append(Buffer.concat([ccs, ccs]));
    expect(all(receiving)).toEqual([]);
    receiving.append(ccs);
    const expected = { code: 'ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC', alert: 'unexpected_message' };
    expect(refusal(() => all(receiving))).toEqual(expected);
  });

  test('before the first message: the client has sent its own, the server has not', () => {
    const server = new Receiving(limits, 'server');
    server.append(ccs);
    expect(refusal(() => all(server))).toEqual(unexpected);
    const client = new Receiving(limits, 'client');
    client.append(ccs);
    expect(all(client)).toEqual([]);
  });

  test('after the handshake', () => {
    const { receiving } = protectedEnds();
    receiving.endHandshake();
    receiving.append(ccs);
    expect(refusal(() => all(receiving))).toEqual(unexpected);
  });

  test.each([[[]], [[0]], [[2]], [[1, 1]]])('with the body %j', (body) => {
    const client = new Receiving(limits, 'client');
    client.append(record(ContentType.change_cipher_spec, new Uint8Array(body)));
    expect(refusal(() => all(client))).toEqual(unexpected);
  });
});

describe('a client that fails before it has keys', () => {
  const plainAlert = record(ContentType.alert, new Uint8Array([2, AlertDescription.unknown_ca]));

  test('a server takes its alert in the clear, until a protected record came', () => {
    const both = protectedEnds();
    both.receiving.append(plainAlert);
    expect(all(both.receiving)).toEqual(['21:0230']);
    both.sending.data([new Uint8Array(1)]);
    deliver(both);
    expect(all(both.receiving)).toEqual(['23:00']);
    both.receiving.append(plainAlert);
    expect(refusal(() => all(both.receiving))).toEqual(outer);
  });

  test('a client never does once it has keys', () => {
    const client = new Receiving(limits, 'client');
    client.protect(suite, secret(suite));
    client.append(plainAlert);
    expect(refusal(() => all(client))).toEqual(outer);
  });
});

describe('empty records', () => {
  test('in a row up to the limit; content starts the count again', () => {
    const { receiving } = protectedEnds();
    const seal = innerSealer(suite, secret(suite));
    const empty = new Uint8Array([23, 0, 0]);
    for (let i = 0; i < 3; i++) receiving.append(seal(empty));
    receiving.append(seal(new Uint8Array([9, 23])));
    for (let i = 0; i < 3; i++) receiving.append(seal(empty));
    expect(all(receiving)).toEqual(['23:', '23:', '23:', '23:09', '23:', '23:', '23:']);
    receiving.append(seal(empty));
    const expected = { code: 'ERR_TLS_TOO_MANY_EMPTY_RECORDS', alert: 'unexpected_message' };
    expect(refusal(() => all(receiving))).toEqual(expected);
  });
});

describe('0-RTT data that was refused', () => {
  const early = (length: number) => record(ContentType.application_data, new Uint8Array(length).fill(9));
  const tooMuch = { code: 'ERR_TLS_TOO_MUCH_SKIPPED_EARLY_DATA', alert: 'unexpected_message' };

  test.each(['before there is a key', 'under a key that does not open it'])('%s: passed over up to a bound', (when) => {
    for (const extra of [0, 1]) {
      const both = when === 'before there is a key' ? ends() : protectedEnds();
      both.receiving.skipEarlyData(0);
      for (let left = limits.skippedEarlyData + extra; left > 0; left -= 0x1000) {
        both.receiving.append(early(Math.min(left, 0x1000)));
      }
      if (extra === 0) expect(all(both.receiving)).toEqual([]);
      else expect(refusal(() => all(both.receiving))).toMatchObject(tooMuch);
    }
  });

  test('a record that does not say that it is protected is no such data', () => {
    const both = protectedEnds();
    both.receiving.skipEarlyData(0);
    both.receiving.append(record(ContentType.handshake, new Uint8Array(100).fill(9)));
    expect(refusal(() => all(both.receiving))).toEqual(outer);
  });

  test.each(['before there is a key', 'under a key that does not open it'])('%s: empty records count, too', (when) => {
    for (const extra of [0, 1]) {
      const both = when === 'before there is a key' ? ends() : protectedEnds();
      both.receiving.skipEarlyData(0);
      for (let left = limits.emptyRecords + extra; left > 0; left--) both.receiving.append(early(0));
      if (extra === 0) expect(all(both.receiving)).toEqual([]);
      else expect(refusal(() => all(both.receiving))).toMatchObject({ code: 'ERR_TLS_TOO_MANY_EMPTY_RECORDS' });
    }
  });

  test('twice what the tickets allow, where that is more: records have overhead', () => {
    const size = limits.skippedEarlyData;
    const both = protectedEnds();
    both.receiving.skipEarlyData(size);
    for (let left = 2 * size; left > 0; left -= 0x1000) both.receiving.append(early(0x1000));
    expect(all(both.receiving)).toEqual([]);
    both.receiving.append(early(1));
    expect(refusal(() => all(both.receiving))).toMatchObject(tooMuch);
  });

  test('ends with the first record that opens', () => {
    const both = protectedEnds();
    both.receiving.skipEarlyData(0);
    both.receiving.append(early(100));
    both.sending.handshake(finished);
    deliver(both);
    expect(all(both.receiving)).toEqual(['22:140000020102']);
    both.receiving.append(early(100));
    expect(refusal(() => all(both.receiving))).toMatchObject({ code: 'ERR_TLS_BAD_RECORD_MAC' });
  });
});
