import { strict as assert } from 'node:assert';
import { exchange } from '../../ends/data.ts';
import { open, openInVain } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';

/** Application-Layer Protocol Negotiation, RFC 7301. */
export const alpn: Scenario = {
  name: 'alpn',
  variants: [
    {
      name: 'match',
      run: async (context) => {
        const client = { alpn: ['acme-tls/1', 'http/1.1'] };
        const pair = await open(context, { client, server: { alpn: ['http/1.1', 'x'] } });
        assert.equal(pair.socket.alpnProtocol, 'http/1.1');
        assert.equal(pair.facts.alpn, 'http/1.1');
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'not offered',
      run: async (context) => {
        const pair = await open(context, { server: { alpn: ['http/1.1'] } });
        assert.equal(pair.socket.alpnProtocol, false);
        assert.ok(!pair.facts.alpn);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'no match',
      run: async (context) => {
        const options = { client: { alpn: ['http/1.1'] }, server: { alpn: ['x'] } };
        const { error, failure } = await openInVain(context, options);
        if (context.role === 'client') {
          assert.equal(error?.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
        } else {
          assert.equal(error?.code, 'ERR_SSL_NO_APPLICATION_PROTOCOL');
          assert.equal(failure.alert, 'no_application_protocol');
        }
      },
    },
  ],
};
