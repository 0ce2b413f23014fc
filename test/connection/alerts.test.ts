import { expect, test } from 'vitest';
import { readAlert } from '#opentls/connection/alert';
import { isAlertReceived, TlsError } from '#opentls/errors';

test('an alert of the peer is told from an error about one', () => {
  const wrong: string[] = [];
  for (const level of [0, 1, 2, 3, 255]) {
    for (let description = 0; description < 256; description++) {
      // RFC 9846 §6: the description decides; a level that is none is illegal_parameter, which is answered.
      const known = level === 1 || level === 2;
      const what = outcome(Uint8Array.of(level, description));
      const harmless = known && (description === 0 || description === 90);
      const right = what instanceof TlsError ? !harmless && isAlertReceived(what) === known : harmless;
      if (!right) wrong.push(`${level}, ${description}`);
    }
  }
  expect(wrong).toEqual([]);
});

function outcome(bytes: Uint8Array): unknown {
  try {
    return readAlert(bytes);
  } catch (error) {
    return error;
  }
}
