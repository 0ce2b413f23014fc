// KeyUpdate, RFC 9846 §4.7.3.

import { expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import { Opener } from '#opentls/record/opener';
import { CipherSuiteId } from '#opentls/wire/enums';
import { parseMessage } from '#opentls/wire/messages';
import { newPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { recordsOf, suiteOf } from '../../record/records.ts';

test('a KeyUpdate is asked for once, until it has come', () => {
  const ends = shuttle(newPair({ keylog: true, suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] }));
  const logged = ends.clientEvents.find(
    (event) => event.type === 'secret' && event.label === 'CLIENT_TRAFFIC_SECRET_0',
  );
  if (logged?.type !== 'secret') return expect.fail('no secret was logged');
  const opener = new Opener(
    suiteOf(provider, CipherSuiteId.TLS_AES_128_GCM_SHA256),
    new Secret('c ap traffic', logged.secret.slice()),
  );
  const asked: number[] = [];
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3; i++) ends.client.updateKeys(true);
    shuttle(ends, (from, slab) => {
      if (from === 'client') {
        for (const view of recordsOf(slab)) {
          const { body } = parseMessage(opener.open(view).bytes);
          if ('requestUpdate' in body) asked.push(body.requestUpdate);
          opener.update();
        }
      }
      return [slab];
    });
  }
  expect(asked).toEqual([1, 0, 0, 1, 0, 0]);
});
