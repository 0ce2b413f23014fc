// What a connection says whose application failed, or answered something else than it was asked for.
import { expect, test } from 'vitest';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { credential, newPair, shuttle } from '../kit/pair.ts';

const fail = (): never => {
  throw new Error('the KMS is away');
};
const odd = (): never => 7 as never;
const h2 = new TextEncoder().encode('h2');

type Case = readonly [
  what: string,
  side: 'client' | 'server',
  client: Partial<ClientConfig>,
  server: Partial<ServerConfig>,
  message: string,
];

const cases: readonly Case[] = [
  [
    'a signer that fails',
    'server',
    {},
    { credentials: [{ ...credential, signer: { ...credential.signer, sign: fail } }] },
    'the signer failed: the KMS is away',
  ],
  [
    'a signer that answers no bytes',
    'server',
    {},
    { credentials: [{ ...credential, signer: { ...credential.signer, sign: odd } }] },
    'the signer failed: the answer must be a Uint8Array with the signature, not a number',
  ],
  ['verifyChain that fails', 'client', { verifyChain: fail }, {}, 'verifyChain failed: the KMS is away'],
  [
    'verifyChain that answers no verdict',
    'client',
    { verifyChain: odd },
    {},
    'verifyChain failed: the answer must be a verdict, { ok: true, peer } or { ok: false, code, reason }, not a number',
  ],
  [
    'chooseCredentials that fails',
    'server',
    {},
    { chooseCredentials: fail },
    'chooseCredentials failed: the KMS is away',
  ],
  [
    'chooseCredentials that answers one credential',
    'server',
    {},
    { chooseCredentials: () => credential as never },
    'chooseCredentials failed: the answer must be an array of credentials or undefined, not an object',
  ],
  [
    'chooseProtocol that answers text',
    'server',
    { alpn: [h2] },
    { chooseProtocol: () => 'h2' as never },
    'chooseProtocol failed: the answer must be a Uint8Array or undefined, not a string',
  ],
  ['takeSession that fails', 'client', { takeSession: fail }, {}, 'takeSession failed: the KMS is away'],
];

test.each(cases)('%s', (_what, side, client, server, message) => {
  const { clientEvents, serverEvents } = shuttle(newPair(client, server));
  const errors = (side === 'client' ? clientEvents : serverEvents).flatMap((event) =>
    event.type === 'error' ? [event.error] : [],
  );
  expect(errors).toMatchObject([{ code: 'ERR_TLS_INTERNAL', alert: 'internal_error', blame: 'config', message }]);
});

test('null is no answer, as undefined is none', () => {
  const nothing = () => null as never;
  const { clientEvents, serverEvents } = shuttle(newPair({ takeSession: nothing }, {}));
  const opened = [...clientEvents, ...serverEvents].filter(({ type }) => type === 'open' || type === 'error');
  expect(opened.map(({ type }) => type)).toEqual(['open', 'open']);
});
