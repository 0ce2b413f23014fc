import { strict as assert } from 'node:assert';
import { ContentType } from '#opentls/wire/enums';
import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { WireRecord } from '../../processes/tap.ts';
import type { Scenario, Variant } from '../../types.ts';
import { checkGroup, suites } from './handshake.ts';

/** The client's first share is for a group that the server has not: HelloRetryRequest, RFC 9846 §4.2.4. */
export const retry: Scenario = {
  name: 'retry',
  variants: (['P-256', 'P-384', 'P-521'] as const).flatMap((group) => suites.map((suite) => retryWith(group, suite))),
};

function retryWith(group: string, suite: string): Variant {
  return {
    name: `${group} ${suite}`,
    run: async (context) => {
      const client = { groups: ['X25519', group], suites: [suite] };
      const pair = await open(context, { client, server: { groups: [group] }, tapped: true });
      checkGroup(context, pair, group);
      assert.equal(countRetries(pair.tap?.records ?? []), 1);
      await exchange(pair, pair.theirs);
    },
  };
}

function countRetries(records: readonly WireRecord[]): number {
  return records.filter(
    ({ from, type, body }) => from === 'server' && type === ContentType.handshake && body.includes(retryRandom),
  ).length;
}

/** ServerHello.random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest", RFC 9846 §4.2.3. */
const retryRandom = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
