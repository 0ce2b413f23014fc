import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { noble } from '#opentls/providers/noble';
import { Opener } from '#opentls/record/opener';
import { Sending } from '#opentls/record/sending';
import { CipherSuiteId, ContentType } from '#opentls/wire/enums';
import { recordsOf, refusal, secret, suiteOf } from './records.ts';

const suite = suiteOf(noble, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256);
const hello = new Uint8Array([2, 0, 0, 1, 5]);
const finished = new Uint8Array([20, 0, 0, 1, 6]);

function taken(sending: Sending): Uint8Array {
  return Buffer.concat(sending.take());
}

describe('Sending', () => {
  test('messages of one flight share a record', () => {
    const sending = new Sending('server', {});
    sending.handshake(hello);
    sending.handshake(hello);
    expect(toHex(taken(sending))).toBe(`160303000a${toHex(hello)}${toHex(hello)}`);
    expect(sending.take()).toEqual([]);
  });

  test('a change of keys ends the record before it', () => {
    const sending = new Sending('server', {});
    sending.handshake(hello);
    sending.protect(suite, secret(suite));
    sending.handshake(finished);
    const [plain, sealed] = recordsOf(taken(sending));
    expect(toHex(plain?.body ?? hello)).toBe(toHex(hello));
    const opener = new Opener(suite, secret(suite));
    const content = sealed === undefined ? undefined : opener.open(sealed);
    expect(content).toEqual({ type: ContentType.handshake, bytes: finished });
  });

  test('a KeyUpdate goes out under the old key, what follows under the new', () => {
    const sending = new Sending('server', {});
    const opener = new Opener(suite, secret(suite));
    sending.protect(suite, secret(suite));
    sending.data([new Uint8Array([1])]);
    sending.updateKey(finished);
    sending.data([new Uint8Array([2])]);
    const opened = recordsOf(taken(sending)).map((view) => {
      const content = opener.open(view);
      if (content.type === ContentType.handshake) opener.update();
      return `${content.type}:${toHex(content.bytes)}`;
    });
    expect(opened).toEqual(['23:01', `22:${toHex(finished)}`, '23:02']);
  });

  test('change_cipher_spec goes once, in the clear, after what was said before', () => {
    const sending = new Sending('server', {});
    sending.handshake(hello);
    sending.changeCipherSpec();
    sending.changeCipherSpec();
    sending.alert(2, 40);
    expect(toHex(taken(sending))).toBe(`1603030005${toHex(hello)}140303000101${'15030300020228'}`);
  });

  test('length counts what waits in the outbox', () => {
    const sending = new Sending('server', {});
    sending.alert(1, 0);
    expect(sending.length).toBe(7);
    sending.take();
    expect(sending.length).toBe(0);
  });

  test('after wipe() what was sealed may still be taken, and nothing more be sealed', () => {
    const sending = new Sending('server', {});
    sending.protect(suite, secret(suite));
    sending.data([new Uint8Array([1])]);
    sending.wipe();
    expect(recordsOf(taken(sending))).toHaveLength(1);
    expect(refusal(() => sending.data([new Uint8Array([1])])).code).toBe('ERR_TLS_SECRET_WIPED');
  });

  test.each([63, 16_385, 100.5, Number.NaN])('maxFragment %d is refused', (maxFragment) => {
    expect(refusal(() => new Sending('client', { maxFragment })).code).toBe('ERR_TLS_CONFIG');
  });

  test.each([64, 16_384])('maxFragment %d is taken', (maxFragment) => {
    const sending = new Sending('client', { maxFragment });
    sending.protect(suite, secret(suite));
    sending.data([new Uint8Array(maxFragment + 1)]);
    expect(recordsOf(taken(sending)).map(({ body }) => body.length - 17)).toEqual([maxFragment, 1]);
  });
});
