import { describe, expect, test } from 'vitest';
import { AlertDescription } from '#opentls/errors';
import { ContentType } from '#opentls/wire/enums';
import { type Change, changesOf, message } from './changes.ts';
import { type Outcome, type Place, type PlaceName, places } from './places.ts';
import { names } from './samples.ts';
import { expected } from './verdicts.ts';

// Every row of the extension table, in every message that carries extensions, said to the side that receives it by a
// peer that is honest but for that. The cases are made from the table: a row without a sample here fails.

const codes: Readonly<Partial<Record<Change, RegExp>>> = {
  duplicated: /^ERR_TLS_DUPLICATE_EXTENSION$/,
  misplaced: /^ERR_TLS_UNEXPECTED_EXTENSION$/,
  unsolicited: /^ERR_TLS_UNSOLICITED_EXTENSION$/,
};

const anyCode = /^ERR_TLS_[A-Z_]+$/;

describe.each(Object.keys(places) as PlaceName[])('%s', (where) => {
  const place: Place = places[where];
  const rows = names.flatMap((name) =>
    changesOf(place, name).flatMap((change) => {
      const extensions = message(place, name, change);
      if (extensions === undefined) return [];
      const { alert, why } = expected(where, name, change);
      return [[name, change, alert ?? 'no alert', why, extensions, alert] as const];
    }),
  );
  test.each(rows)('%s %s: %s (%s)', (name, change, _, __, extensions, alert) => {
    const outcome = place.say(extensions, change === 'unsolicited' ? name : undefined);
    if (alert === undefined) return expectTaken(outcome);
    expectRefused(outcome, alert, codes[change] ?? anyCode);
  });
});

function expectTaken({ engine, events }: Outcome): void {
  expect(events.filter(({ type }) => type === 'error')).toEqual([]);
  expect(['handshake', 'open']).toContain(engine.phase);
}

/** One error, with its alert and a code of its own; nothing before it, and nothing after it. */
function expectRefused({ engine, events }: Outcome, alert: string, code: RegExp): void {
  expect(events.map(({ type }) => type)).toEqual(['error']);
  const [event] = events;
  if (event?.type !== 'error') return;
  expect(event.error.alert).toBe(alert);
  expect(event.error.code).toMatch(code);
  if (event.error.alert === 'decode_error' && code === anyCode) expect(event.error.code).toMatch(/_DECODE$/);
  expect([engine.phase, engine.writable, engine.earlyRoom]).toEqual(['failed', false, undefined]);
  const output = engine.takeOutput().at(-1) ?? [];
  // Until there are keys, it can be read.
  const inTheClear = [ContentType.alert, 3, 3, 0, 2, 2, AlertDescription[event.error.alert ?? 'close_notify']];
  if (output[0] === ContentType.alert) expect([...output]).toEqual(inTheClear);
  else expect(output.length).toBe(5 + 2 + 1 + 16);
  engine.receive(new Uint8Array([ContentType.handshake, 3, 3, 0, 1, 0]));
  engine.receiveEnd();
  expect(engine.poll()).toBeUndefined();
  expect(engine.takeOutput()).toEqual([]);
}
