import { describe, expect, test } from 'vitest';
import { Inbox } from '#opentls/bytes/inbox';
import { Deframer } from '#opentls/record/deframer';
import { ContentType } from '#opentls/wire/enums';
import { randomBytes, randomNumbers } from '../kit/random.ts';
import { record, recordsOf, refusal } from './records.ts';

function read(bytes: Uint8Array) {
  const inbox = new Inbox();
  inbox.append(bytes);
  return new Deframer().next(inbox);
}

/** The same after a good record. */
function readSecond(bytes: Uint8Array) {
  const inbox = new Inbox();
  const deframer = new Deframer();
  inbox.append(record(ContentType.handshake, new Uint8Array([1])));
  deframer.next(inbox);
  deframer.consume(inbox);
  inbox.append(bytes);
  return deframer.next(inbox);
}

describe('records', () => {
  test('type, header and body', () => {
    const view = read(record(ContentType.handshake, new Uint8Array([1, 2, 3])));
    expect(view?.type).toBe(ContentType.handshake);
    expect(view?.header).toEqual(new Uint8Array([22, 3, 3, 0, 3]));
    expect(view?.body).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('stay in the inbox until they are consumed', () => {
    const inbox = new Inbox();
    const deframer = new Deframer();
    inbox.append(
      Buffer.concat([
        record(ContentType.handshake, new Uint8Array([1])),
        record(ContentType.application_data, new Uint8Array([2, 2])),
      ]),
    );
    expect(deframer.next(inbox)?.body).toEqual(new Uint8Array([1]));
    expect(deframer.next(inbox)?.body).toEqual(new Uint8Array([1]));
    deframer.consume(inbox);
    expect(deframer.next(inbox)?.body).toEqual(new Uint8Array([2, 2]));
    deframer.consume(inbox);
    expect(deframer.next(inbox)).toBeUndefined();
    expect(inbox.length).toBe(0);
  });

  test('an incomplete one is waited for, at every length', () => {
    const whole = record(ContentType.handshake, new Uint8Array(20));
    for (let length = 0; length < whole.length; length++) expect(read(whole.subarray(0, length))).toBeUndefined();
    expect(read(whole)?.body).toHaveLength(20);
  });

  test.each([1, 2, 3])('any splits give the same records (seed %i)', (seed) => {
    const next = randomNumbers(seed);
    const random = randomBytes(seed);
    const expected = Array.from({ length: 40 }, () =>
      record(20 + next(4), random(next(3) === 0 ? next(3) : next(16_640))),
    );
    const stream = Buffer.concat(expected);
    const inbox = new Inbox();
    const deframer = new Deframer();
    const seen: string[] = [];
    for (let offset = 0; offset < stream.length; ) {
      const size = 1 + next(9000);
      inbox.append(stream.subarray(offset, offset + size));
      offset += size;
      for (let view = deframer.next(inbox); view !== undefined; view = deframer.next(inbox)) {
        seen.push(Buffer.concat([view.header, view.body]).toString('hex'));
        deframer.consume(inbox);
      }
    }
    expect(seen).toEqual(expected.map((bytes) => Buffer.from(bytes).toString('hex')));
  });

  test.each([0x0300, 0x0301, 0x0304, 0x03ff])('legacy_record_version %i is ignored', (version) => {
    expect(read(record(ContentType.handshake, new Uint8Array([1]), 1, version))?.body).toHaveLength(1);
  });

  test('after the first record even its major byte is', () => {
    expect(readSecond(record(ContentType.application_data, new Uint8Array([1]), 1, 0x7f1c))?.body).toHaveLength(1);
  });

  test('a length of 2^14 + 256 is taken, one more is refused from the header alone', () => {
    const header = (length: number) => record(ContentType.application_data, new Uint8Array(0), length);
    expect(read(header(0x4100))).toBeUndefined();
    expect(recordsOf(record(ContentType.application_data, new Uint8Array(0x4100)))[0]?.body).toHaveLength(0x4100);
    expect(refusal(() => read(header(0x4101)))).toEqual({ code: 'ERR_TLS_RECORD_OVERFLOW', alert: 'record_overflow' });
    expect(refusal(() => readSecond(header(0xffff))).code).toBe('ERR_TLS_RECORD_OVERFLOW');
  });

  test.each([0, 19, 24, 255])('content type %i', (type) => {
    const unknown = { code: 'ERR_TLS_UNEXPECTED_RECORD', alert: 'unexpected_message' };
    expect(refusal(() => readSecond(record(type, new Uint8Array([1]))))).toEqual(unknown);
  });
});

describe('what is not TLS, from its first four bytes', () => {
  const http = { code: 'ERR_TLS_HTTP_REQUEST', alert: 'unexpected_message' };
  const noTls = { code: 'ERR_TLS_NOT_TLS', alert: 'unexpected_message' };
  test.each(['GET ', 'HEAD', 'POST', 'PUT ', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])('%s', (method) => {
    expect(refusal(() => read(Buffer.from(method).subarray(0, 4)))).toEqual(http);
    expect(refusal(() => read(Buffer.from(`${method} / HTTP/1.1\r\n\r\n`)))).toEqual(http);
    expect(read(Buffer.from(method).subarray(0, 3))).toBeUndefined();
  });

  test('CONNECT', () => {
    const expected = { code: 'ERR_TLS_HTTPS_PROXY_REQUEST', alert: 'unexpected_message' };
    expect(refusal(() => read(Buffer.from('CONNECT a:1')))).toEqual(expected);
  });

  test.each(['HTTP/1.1 400', 'SSH-2.0-', '220 mail', '\0\0\0\0', 'get '])('%j', (text) => {
    expect(refusal(() => read(Buffer.from(text)))).toEqual(noTls);
  });

  test('an SSLv2 ClientHello', () => {
    const expected = { code: 'ERR_TLS_UNSUPPORTED_PROTOCOL', alert: 'protocol_version' };
    expect(refusal(() => read(new Uint8Array([0x80, 0x2e, 1, 3])))).toEqual(expected);
    expect(refusal(() => read(new Uint8Array([0x80, 0x2e, 2, 3])))).toEqual(noTls);
  });

  test.each([0x0000, 0x0200, 0x0400, 0xffff])('a first record is one whatever its version: 0x%i', (version) => {
    const first = record(ContentType.handshake, new Uint8Array([1, 2, 3]));
    first.set([version >> 8, version], 1);
    expect(read(first)).toMatchObject({ type: ContentType.handshake, body: new Uint8Array([1, 2, 3]) });
  });

  test('is looked for at the start alone', () => {
    expect(refusal(() => readSecond(Buffer.from('GET / HTTP/1.1'))).code).toBe('ERR_TLS_UNEXPECTED_RECORD');
  });
});
