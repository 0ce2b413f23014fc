import { strict as assert } from 'node:assert';
import { factsAfterData, open, openInVain } from '../../ends/pair.ts';
import type { ExternalKey, Scenario, Variant } from '../../types.ts';

/** A key agreed outside of TLS in place of a certificate, RFC 9846 §4.3.11. */
export const externalPsk: Scenario = {
  name: 'external-psk',
  variants: [agreed('sha256', 'TLS_AES_128_GCM_SHA256'), agreed('sha256', 'TLS_CHACHA20_POLY1305_SHA256')],
};

/** The same for the other hash, which `pskCallback` and `-psk` do not have. */
export const externalPsk384: Scenario = {
  name: 'external-psk-sha384',
  variants: [agreed('sha384', 'TLS_AES_256_GCM_SHA384')],
};

/** Two keys of one name. */
export const wrongPsk: Scenario = {
  name: 'external-psk-wrong',
  variants: [
    {
      name: 'the binder does not verify',
      run: async (context) => {
        const suites = ['TLS_AES_128_GCM_SHA256'];
        const client = { suites, psk: keyOf('sha256') };
        const server = { suites, psk: { ...keyOf('sha256'), key: '00'.repeat(32) }, credential: undefined };
        const { error, failure } = await openInVain(context, { client, server });
        if (context.role === 'client')
          assert.match(error?.code ?? '', /^ERR_SSL_.*ALERT_(ILLEGAL_PARAMETER|DECRYPT_ERROR)$/);
        else assert.equal(failure.alert, 'decrypt_error');
      },
    },
  ],
};

function agreed(hash: ExternalKey['hash'], suite: string): Variant {
  return {
    name: suite,
    run: async (context) => {
      const both = { psk: keyOf(hash), suites: [suite] };
      // At a second ticket of a server without a certificate NSS gives up.
      const server = { ...both, credential: undefined, ticketCount: 1 };
      const pair = await open(context, { client: both, server });
      assert.equal(pair.socket.getCipher()?.name, suite);
      assert.equal(Buffer.from(pair.socket.facts?.externalPsk ?? []).toString(), both.psk.identity);
      const facts = await factsAfterData(pair);
      if (facts.pskIdentity !== undefined) assert.equal(facts.pskIdentity, both.psk.identity);
      // OpenSSL's word for it; no certificate was shown in its place: there is none.
      else assert.equal(facts.reused, true);
    },
  };
}

function keyOf(hash: ExternalKey['hash']): ExternalKey {
  return { identity: 'Client_identity', key: '5a'.repeat(hash === 'sha256' ? 32 : 48), hash };
}
