import { describe, expect, test } from 'vitest';
import type { Connection } from '#opentls/connection/connection';
import { NamedGroup } from '#opentls/wire/enums';
import { credential, errorOf, newPair, type Side, settle, shuttle, sides } from '../kit/pair.ts';

/**
 * Each byte of each flight is changed in turn. A change of legacy_record_version in an unprotected record (ignored by
 * RFC 9846 §5.1) may go unseen; all others end both sides with an error and an alert, and never with success.
 */
const configs = {
  plain: [{}, {}],
  'HelloRetryRequest and client certificate': [
    { groups: [NamedGroup.secp256r1, NamedGroup.x25519], keyShares: [NamedGroup.x25519], credentials: [credential] },
    { groups: [NamedGroup.secp256r1], clientCertificate: 'required' },
  ],
} as const;

/** Runs a handshake in which byte `position` of what `side` sends is changed. */
function run(kind: keyof typeof configs, side: Side, position: number) {
  const [client, server] = configs[kind];
  const ends = newPair(client, server);
  let offset = 0;
  let place = { field: -1, type: -1 };
  shuttle(ends, (from, bytes) => {
    if (from !== side) return [bytes];
    const at = position - offset;
    offset += bytes.length;
    if (at < 0 || at >= bytes.length) return [bytes];
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x55;
    place = placeOf(bytes, at);
    return [changed];
  });
  return { ends, sent: offset, ...place };
}

/** Where in its record a byte stands (0 type, 1 and 2 version, 3 and 4 length, 5 and on the body), and its type. */
function placeOf(slab: Uint8Array, position: number): { readonly field: number; readonly type: number } {
  let start = 0;
  for (;;) {
    const end = start + 5 + (((slab[start + 3] ?? 0) << 8) | (slab[start + 4] ?? 0));
    if (position < end) return { field: position - start, type: slab[start] ?? 0 };
    start = end;
  }
}

function finish(engine: Connection, events: Parameters<typeof settle>[1]): void {
  engine.receiveEnd();
  settle(engine, events);
}

describe.each(Object.keys(configs) as (keyof typeof configs)[])('%s', (kind) => {
  test.each(sides)(
    'every byte of the %s changed',
    (side) => {
      const { sent } = run(kind, side, Number.MAX_SAFE_INTEGER);
      for (let position = 0; position < sent; position++) {
        const { ends, field, type } = run(kind, side, position);
        // An ECDSA signature may be a byte or two shorter this time: then there was nothing left to change.
        if (type === -1) continue;
        const receiver = side === 'client' ? ends.server : ends.client;
        const events = side === 'client' ? ends.serverEvents : ends.clientEvents;
        finish(receiver, events);
        const error = errorOf(events);
        const where = `byte ${position}, field ${field} of a record of type ${type}`;
        if ((field === 1 || field === 2) && type !== 23 && error === undefined) continue;
        if (error === undefined) {
          // What the receiver cannot see, the sender must: the transcripts then differ.
          const other = side === 'client' ? ends.clientEvents : ends.serverEvents;
          expect(errorOf(other), where).toBeDefined();
          continue;
        }
        expect(error.code, where).toMatch(/^(ERR_TLS_|INVALID_CERTIFICATE)/);
        expect(error.code, where).not.toBe('ERR_TLS_INTERNAL');
        // A length that was made longer leaves the receiver waiting, until the transport ends.
        if (error.code !== 'ERR_TLS_TRUNCATED') expect(error.alert, where).toBeDefined();
        expect(receiver.phase, where).toBe('failed');
      }
    },
    120_000,
  );
});
