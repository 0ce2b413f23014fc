// RFC 9846 Appendix B: what is reserved.

import { expect, test } from 'vitest';
import { AlertDescription } from '#opentls/errors';
import { HandshakeType } from '#opentls/wire/enums';
import { suiteProviders } from '../../providers/providers.ts';

test('what older versions had and RFC 9846 Appendix B reserves has no name here to be sent by', () => {
  const reserved = {
    alerts: [21, 30, 41, 60, 100, 111, 114],
    messages: [0, 3, 6, 12, 14, 16, 21, 22, 23],
    groups: [...Array(0x17).keys(), 0x1a, 0x1b, 0x1c, 0xff01, 0xff02],
  };
  const known = {
    alerts: Object.values(AlertDescription) as number[],
    messages: Object.values(HandshakeType) as number[],
    groups: suiteProviders.flatMap(({ groups }) => groups.map(({ id }) => id)),
  };
  expect(known.alerts.filter((value) => reserved.alerts.includes(value))).toEqual([]);
  expect(known.messages.filter((value) => reserved.messages.includes(value))).toEqual([]);
  expect(known.groups.filter((value) => reserved.groups.includes(value))).toEqual([]);
});
