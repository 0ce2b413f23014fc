import { describe, expect, test } from 'vitest';
import { defaultLimits } from '#opentls/limits';
import { Joiner } from '#opentls/record/joiner';
import { randomBytes, randomNumbers } from '../kit/random.ts';
import { refusal } from './records.ts';

function message(type: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([header(type, body.length), body]);
}

function header(type: number, length: number): Uint8Array {
  return new Uint8Array([type, length >> 16, (length >> 8) & 255, length & 255]);
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

describe('Joiner', () => {
  test('several messages in one fragment', () => {
    const joiner = new Joiner(defaultLimits);
    const messages = [message(8, randomBytes(1)(10)), message(14, new Uint8Array(0)), message(20, randomBytes(2)(32))];
    joiner.push(Buffer.concat(messages));
    for (const expected of messages) {
      expect(joiner.empty).toBe(false);
      expect(hex(joiner.next())).toBe(hex(expected));
    }
    expect(joiner.next()).toBeUndefined();
    expect(joiner.empty).toBe(true);
  });

  test('one message in one-byte fragments', () => {
    const joiner = new Joiner(defaultLimits);
    const whole = message(11, randomBytes(3)(300));
    for (let i = 0; i < whole.length - 1; i++) {
      joiner.push(whole.subarray(i, i + 1));
      expect(joiner.next()).toBeUndefined();
      expect(joiner.empty).toBe(false);
    }
    joiner.push(whole.subarray(whole.length - 1));
    expect(hex(joiner.next())).toBe(hex(whole));
    expect(joiner.empty).toBe(true);
  });

  test.each([1, 2, 3, 4])('any fragments give the same messages (seed %i)', (seed) => {
    const next = randomNumbers(seed);
    const random = randomBytes(seed);
    const expected = Array.from({ length: 60 }, () => message(next(256), random(next(4) === 0 ? 0 : next(3000))));
    const stream = Buffer.concat(expected);
    const joiner = new Joiner(defaultLimits);
    const seen: (string | undefined)[] = [];
    for (let offset = 0; offset < stream.length; ) {
      const size = 1 + next(next(2) === 0 ? 5 : 5000);
      joiner.push(stream.subarray(offset, offset + size));
      offset += size;
      for (let found = joiner.next(); found !== undefined; found = joiner.next()) seen.push(hex(found));
    }
    expect(seen).toEqual(expected.map(hex));
    expect(joiner.empty).toBe(true);
  });

  test('a message is memory of its own: neither the fragment nor what follows changes it', () => {
    const joiner = new Joiner(defaultLimits);
    const fragment = message(20, new Uint8Array([1, 2, 3]));
    joiner.push(fragment);
    const found = joiner.next();
    fragment.fill(0xff);
    joiner.push(message(20, new Uint8Array([7, 7, 7])));
    joiner.next();
    expect(hex(found)).toBe('14000003010203');
    expect(found?.buffer.byteLength).toBe(7);
  });

  test.each([
    ['client_hello', 1, 'handshakeMessage'],
    ['an unknown type', 99, 'handshakeMessage'],
    ['certificate', 11, 'certificateMessage'],
    ['compressed_certificate', 25, 'certificateMessage'],
  ] as const)('%s: the limit, at n and n + 1, from the header alone', (_, type, limit) => {
    const limits = { ...defaultLimits, handshakeMessage: 1000, certificateMessage: 2000 };
    const joiner = new Joiner(limits);
    joiner.push(header(type, limits[limit]));
    expect(joiner.next()).toBeUndefined();
    joiner.push(new Uint8Array(limits[limit]));
    expect(joiner.next()).toHaveLength(limits[limit] + 4);
    joiner.push(header(type, limits[limit] + 1).subarray(0, 3));
    expect(joiner.next()).toBeUndefined();
    joiner.push(header(type, limits[limit] + 1).subarray(3));
    expect(refusal(() => joiner.next())).toEqual({ code: 'ERR_TLS_MESSAGE_TOO_LARGE', alert: 'decode_error' });
  });

  test('wipe() drops a message that is not whole', () => {
    const joiner = new Joiner(defaultLimits);
    joiner.push(header(20, 2));
    joiner.wipe();
    expect(joiner.empty).toBe(true);
    joiner.push(message(1, new Uint8Array(1)));
    expect(hex(joiner.next())).toBe('0100000100');
  });
});
