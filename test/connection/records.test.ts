// The records of a whole connection, RFC 9846 §5.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Event } from '#opentls/connection/connection';
import { ContentType } from '#opentls/wire/enums';
import { credential, errorOf, feed, newPair, openPair, settle, shuttle, sides } from '../kit/pair.ts';
import { randomBytes } from '../kit/random.ts';
import { suiteProviders } from '../providers/providers.ts';
import { record, recordsOf } from '../record/records.ts';

const bytes = randomBytes(9846);

describe('records, RFC 9846 §5', () => {
  test.each([0x0000, 0x0200, 0x7f12])('records of any version, from the first one on, §5.1: 0x%i', (version) => {
    const ends = newPair();
    settle(ends.client, ends.clientEvents);
    const versioned = (slabs: readonly Uint8Array[]): Uint8Array => {
      const bytes = Buffer.concat(slabs);
      bytes.writeUInt16BE(version, 1);
      return bytes;
    };
    feed(ends.server, versioned(ends.client.takeOutput()), ends.serverEvents);
    feed(ends.client, versioned(ends.server.takeOutput()), ends.clientEvents);
    shuttle(ends);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test.each([true, false])('of a whole connection, with middlebox compatibility %s', (middleboxCompatibility) => {
    const sent = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
    const ends = newPair({ middleboxCompatibility, credentials: [credential] }, { clientCertificate: 'required' });
    const carry = () =>
      shuttle(ends, (from, slab) => {
        sent[from].push(slab);
        return [slab];
      });
    carry();
    ends.client.write([bytes(100)]);
    ends.server.write([bytes(100)]);
    carry();
    const shown = (side: 'client' | 'server') =>
      recordsOf(Buffer.concat(sent[side])).map(({ type, header }) => `${type}:${toHex(header.subarray(1, 3))}`);
    // Handshake records in the clear, change_cipher_spec for middleboxes, and from there on nothing in the clear.
    const ccs = middleboxCompatibility ? ['20:0303'] : [];
    const protectedFrom = 1 + ccs.length;
    expect(shown('client').slice(0, protectedFrom)).toEqual(['22:0301', ...ccs]);
    expect(shown('server').slice(0, protectedFrom)).toEqual(['22:0303', ...ccs]);
    for (const side of sides) {
      expect(new Set(shown(side).slice(protectedFrom))).toEqual(new Set(['23:0303']));
    }
  });

  test('change_cipher_spec after the handshake is unexpected_message', () => {
    const changeCipherSpec = record(ContentType.change_cipher_spec, new Uint8Array([1]));
    for (const side of sides) {
      const events: Event[] = [];
      feed(openPair()[side], changeCipherSpec, events);
      expect(errorOf(events)).toMatchObject({ alert: 'unexpected_message' });
    }
  });

  test.each(suiteProviders)('no AEAD of $name expands by more than 255 bytes, or has a short nonce', ({ suites }) => {
    for (const { aead } of suites) {
      expect(aead.tagLength).toBeLessThanOrEqual(255);
      expect(aead.ivLength).toBeGreaterThanOrEqual(8);
    }
  });
});
