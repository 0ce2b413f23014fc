import { describe, expect, test } from 'vitest';
import { type Opened, Opener, openPlain } from '#opentls/record/opener';
import { Outbox } from '#opentls/record/outbox';
import { Sealer } from '#opentls/record/sealer';
import { ContentType } from '#opentls/wire/enums';
import { suiteProviders } from '../providers/providers.ts';
import { drain, record, recordingSuite, recordsOf, refusal, secret } from './records.ts';

const unexpected = { code: 'ERR_TLS_UNEXPECTED_RECORD', alert: 'unexpected_message' };
const badMac = { code: 'ERR_TLS_BAD_RECORD_MAC', alert: 'bad_record_mac' };

function view(bytes: Uint8Array) {
  const [first] = recordsOf(bytes);
  if (first === undefined) throw new Error('no record');
  return first;
}

/** Opens a record with this inner plaintext, under an AEAD that hides nothing. */
function openInner(inner: Uint8Array): Opened {
  const { suite } = recordingSuite();
  const sealed = Buffer.concat([inner, new Uint8Array(16).fill(0xee)]);
  return new Opener(suite, secret(suite)).open(view(record(ContentType.application_data, sealed)));
}

function inner(content: number, type: number, padding = 0): Uint8Array {
  return Buffer.concat([new Uint8Array(content).fill(7), new Uint8Array([type]), new Uint8Array(padding)]);
}

describe('TLSInnerPlaintext', () => {
  test.each([0, 1, 2, 100, 16_283])('%i bytes of padding', (padding) => {
    const opened = openInner(inner(100, 23, padding));
    expect(opened.type).toBe(ContentType.application_data);
    expect(opened.bytes).toEqual(new Uint8Array(100).fill(7));
  });

  test('content that ends in zeros keeps them', () => {
    expect(openInner(new Uint8Array([1, 0, 0, 23, 0])).bytes).toEqual(new Uint8Array([1, 0, 0]));
  });

  test('content and padding of 2^14 bytes are taken, one more is refused', () => {
    expect(openInner(inner(16_384, 23)).bytes).toHaveLength(16_384);
    expect(openInner(inner(0, 23, 16_384)).bytes).toHaveLength(0);
    const overflow = { code: 'ERR_TLS_PLAINTEXT_OVERFLOW', alert: 'record_overflow' };
    expect(refusal(() => openInner(inner(16_385, 23)))).toEqual(overflow);
    expect(refusal(() => openInner(inner(1, 23, 16_384)))).toEqual(overflow);
  });

  test('zeros alone, or nothing at all, have no content type', () => {
    for (const length of [0, 1, 2, 16_385])
      expect(refusal(() => openInner(new Uint8Array(length)))).toEqual({
        ...unexpected,
        code: 'ERR_TLS_NO_CONTENT_TYPE',
      });
  });

  test('handshake and alert must not be empty, padded or not; application data may', () => {
    for (const padding of [0, 1, 1000]) {
      expect(refusal(() => openInner(inner(0, 22, padding)))).toEqual(unexpected);
      expect(refusal(() => openInner(inner(0, 21, padding)))).toEqual(unexpected);
      expect(openInner(inner(0, 23, padding))).toEqual({
        type: ContentType.application_data,
        bytes: new Uint8Array(0),
      });
    }
  });

  test('the content is memory of its own', () => {
    const { suite } = recordingSuite();
    const bytes = record(ContentType.application_data, Buffer.concat([inner(3, 23), new Uint8Array(16).fill(0xee)]));
    const source = view(bytes);
    const { bytes: content } = new Opener(suite, secret(suite)).open(source);
    source.body.fill(0);
    expect(content).toEqual(new Uint8Array([7, 7, 7]));
  });
});

describe.each(suiteProviders)('protection, $name', ({ suites }) => {
  test.each(suites)('$name: each flipped bit of header, body or tag is bad_record_mac', (suite) => {
    const outbox = new Outbox();
    new Sealer(suite, secret(suite)).seal(ContentType.application_data, [new Uint8Array([1, 2, 3, 4])], outbox);
    const sealed = drain(outbox);
    // The version and the length are covered by the tag though nobody looks at the former.
    for (let at = 1; at < sealed.length; at++) {
      if (at === 3 || at === 4) continue;
      const flipped = view(sealed);
      const part = at < 5 ? flipped.header : flipped.body;
      const index = at < 5 ? at : at - 5;
      part[index] = (part[index] ?? 0) ^ (1 << (at % 8));
      expect(refusal(() => new Opener(suite, secret(suite)).open(flipped))).toEqual(badMac);
    }
  });

  test.each(suites)('$name: what is shorter than a tag is bad_record_mac', (suite) => {
    for (const length of [0, 1, 15, 16]) {
      const short = view(record(ContentType.application_data, new Uint8Array(length)));
      expect(refusal(() => new Opener(suite, secret(suite)).open(short))).toEqual(badMac);
    }
  });

  test.each(suites)('$name: a record twice, left out, or in another order is bad_record_mac', (suite) => {
    const outbox = new Outbox();
    const sealer = new Sealer(suite, secret(suite));
    for (let i = 0; i < 3; i++) sealer.seal(ContentType.application_data, [new Uint8Array([i])], outbox);
    const views = recordsOf(drain(outbox));
    for (const order of [[0, 0], [1], [0, 2]]) {
      const opener = new Opener(suite, secret(suite));
      const last = order.at(-1) ?? 0;
      for (const index of order.slice(0, -1)) opener.open(views[index] ?? view(new Uint8Array(0)));
      expect(refusal(() => opener.open(views[last] ?? view(new Uint8Array(0))))).toEqual(badMac);
    }
  });

  test.each(suites)('$name: nothing is opened after wipe()', (suite) => {
    const opener = new Opener(suite, secret(suite));
    opener.wipe();
    expect(refusal(() => opener.open(view(record(ContentType.application_data, new Uint8Array(40))))).code).toBe(
      'ERR_TLS_SECRET_WIPED',
    );
  });
});

describe('the outer type of a record, where keys are in use', () => {
  const outer = { code: 'ERR_TLS_INVALID_OUTER_RECORD_TYPE', alert: 'unexpected_message' };

  test.each([20, 21, 22, 24, 99])('%i is looked at before the record is opened, whatever it holds', (type) => {
    const { suite, nonces } = recordingSuite();
    const opener = new Opener(suite, secret(suite));
    const sealed = Buffer.concat([inner(1, 23), new Uint8Array(16).fill(0xee)]);
    for (const body of [sealed, new Uint8Array(20), new Uint8Array(3)]) {
      const view = { type, header: record(type, body).subarray(0, 5), body };
      expect(refusal(() => opener.open(view))).toEqual(outer);
      // Not even where records are passed over that do not open (RFC 9846 §4.3.10: they are application_data).
      expect(refusal(() => opener.tryOpen(view))).toEqual(outer);
    }
    expect(nonces).toEqual([]);
  });

  test.each([20, 21, 22])('%i is looked at behind the protection, where that is asked for', (type) => {
    const { suite } = recordingSuite();
    const opener = new Opener(suite, secret(suite), true);
    const sealed = Buffer.concat([inner(1, 23), new Uint8Array(16).fill(0xee)]);
    expect(refusal(() => opener.open(view(record(type, new Uint8Array(20)))))).toEqual(badMac);
    expect(refusal(() => opener.open(view(record(type, sealed))))).toEqual(outer);
  });
});

describe('before there are keys', () => {
  test('content up to 2^14 bytes, in memory of its own', () => {
    const source = view(record(ContentType.handshake, new Uint8Array(16_384).fill(3)));
    const { type, bytes } = openPlain(source);
    source.body.fill(0);
    expect([type, bytes.length, bytes[16_383]]).toEqual([22, 16_384, 3]);
    const expected = { code: 'ERR_TLS_RECORD_OVERFLOW', alert: 'record_overflow' };
    expect(refusal(() => openPlain(view(record(ContentType.handshake, new Uint8Array(16_385)))))).toEqual(expected);
  });

  test('application data, empty handshake and empty alert are refused', () => {
    expect(refusal(() => openPlain(view(record(ContentType.application_data, new Uint8Array(1)))))).toEqual(unexpected);
    expect(refusal(() => openPlain(view(record(ContentType.handshake, new Uint8Array(0)))))).toEqual(unexpected);
    expect(refusal(() => openPlain(view(record(ContentType.alert, new Uint8Array(0)))))).toEqual(unexpected);
  });
});
