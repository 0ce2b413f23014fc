// Errors that end in internal_error say whose fault they are: never the peer's.
import { describe, expect, test } from 'vitest';
import { ownFault, reject, TlsError } from '#opentls/errors';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { NonceSequence } from '#opentls/record/nonce';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { testCredential } from '../kit/credentials.ts';
import { newPair, shuttle } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';

const h2 = new TextEncoder().encode('h2');
const other = testCredential(provider).chain;

type Case = readonly [
  what: string,
  side: 'client' | 'server',
  client: Partial<ClientConfig>,
  server: Partial<ServerConfig>,
];
const cases: readonly Case[] = [
  ['chooseProtocol answers an empty name', 'server', { alpn: [h2] }, { chooseProtocol: () => new Uint8Array(0) }],
  [
    'verifyChain answers for another certificate',
    'client',
    { verifyChain: () => ({ ok: true, peer: dangerouslyTrust(other) }) },
    {},
  ],
  [
    'the timestamps of a credential are no list of them',
    'server',
    { requestTimestamps: true },
    { credentials: [{ ...testCredential(provider), timestamps: new Uint8Array([1]) }] },
  ],
];

describe('the application', () => {
  test.each(cases)('%s', (_what, side, client, server) => {
    const { clientEvents, serverEvents } = shuttle(newPair(client, server));
    const errors = (side === 'client' ? clientEvents : serverEvents).flatMap((event) =>
      event.type === 'error' ? [event.error] : [],
    );
    expect(errors).toMatchObject([{ alert: 'internal_error', blame: 'config' }]);
  });
});

test('this library, where the sequence number would wrap', () => {
  const nonces = new NonceSequence(new Uint8Array(12), Number.MAX_SAFE_INTEGER);
  expect(() => nonces.next()).toThrow(expect.objectContaining({ code: 'ERR_TLS_SEQUENCE_EXHAUSTED', blame: 'local' }));
});

test('who rejects blames the peer, and cannot say internal_error', () => {
  const thrown = (run: () => never): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  // @ts-expect-error internal_error says that the peer broke no rule
  expect(thrown(() => reject('ERR_TLS_DECODE', 'internal_error', ''))).toBeInstanceOf(TlsError);
  expect(thrown(() => reject('ERR_TLS_DECODE', 'decode_error', ''))).toMatchObject({ blame: 'peer' });
  expect(thrown(() => ownFault('ERR_TLS_CONFIG', 'config', ''))).toMatchObject({
    alert: 'internal_error',
    blame: 'config',
  });
});
