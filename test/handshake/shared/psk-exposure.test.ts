// A server that has nothing but PSKs tells nobody which identities it knows, RFC 9846 Appendix F.6.

import { expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { ExternalPsk } from '#opentls/keys/importer';
import { TicketKeys } from '#opentls/session/tickets';
import { NamedGroup } from '#opentls/wire/enums';
import { errorOf, newClient, newServer, settle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(966);
const newPsk = (hash: ExternalPsk['hash'] = 'sha256'): ExternalPsk => ({
  identity: bytes(10),
  secret: new Secret('psk', bytes(32)),
  hash,
});

/** All that the server sends to a client which has guessed a key, and nothing that is chance. */
function answerTo(psk: ExternalPsk, client: Partial<ClientConfig>, server: Partial<ServerConfig>): object {
  const guessed = { ...psk, secret: new Secret('psk', bytes(32)) };
  const ends = [newClient({ externalPsks: [guessed], ...client }), newServer(server)] as const;
  const events = settle(ends[1]);
  let sent = '';
  for (let round = 0; round < 3; round++) {
    settle(ends[0]);
    for (const slab of ends[0].takeOutput()) ends[1].receive(slab);
    settle(ends[1], events);
    for (const slab of ends[1].takeOutput()) {
      sent += Buffer.from(slab).toString('hex');
      ends[0].receive(slab);
    }
  }
  return { sent, alert: errorOf(events)?.alert };
}

const hybrid = { groups: [NamedGroup.secp256r1, NamedGroup.x25519], keyShares: [NamedGroup.x25519] };

test.each<[string, Partial<ClientConfig>, Partial<ServerConfig>]>([
  ['as ever', {}, {}],
  ['where the client would be asked again', hybrid, { groups: [NamedGroup.secp256r1] }],
  [
    'where the client would be asked again, without state',
    hybrid,
    { groups: [NamedGroup.secp256r1], retryCookies: cookies() },
  ],
  ['without a key exchange', { pskModes: ['psk_ke'] }, { pskModes: ['psk_ke'] }],
  ['without a group in common', { pskModes: ['psk_ke'] }, { pskModes: ['psk_ke'], groups: [NamedGroup.secp384r1] }],
  ['in both modes', { pskModes: ['psk_ke', 'psk_dhe_ke'] }, { pskModes: ['psk_dhe_ke', 'psk_ke'] }],
  ['with an ALPN protocol that the server has not', { alpn: [bytes(2)] }, { alpn: [bytes(3)] }],
  ['with tickets', {}, { tickets: new TicketKeys(provider) }],
])('an unknown identity and a wrong key end alike: %s', (_, client, server) => {
  for (const hash of ['sha256', 'sha384'] as const) {
    const [known, unknown] = [newPsk(hash), newPsk(hash)];
    const findPsk = (identity: Uint8Array) => (Buffer.from(identity).equals(known.identity) ? known : undefined);
    const config = { credentials: [], findPsk, ...server };
    const answers = [known, unknown].map((psk) => answerTo(psk, client, config));
    expect(answers[0]).toMatchObject({ alert: 'decrypt_error' });
    expect(answers[1]).toEqual(answers[0]);
  }
});

test('with boringsslChecks, an unknown identity shows', () => {
  const config = { credentials: [], findPsk: () => undefined, boringsslChecks: true };
  expect(answerTo(newPsk(), {}, config)).toMatchObject({ alert: 'handshake_failure' });
});

function cookies(): NonNullable<ServerConfig['retryCookies']> {
  return { seal: () => new Uint8Array(8).fill(1), open: () => undefined };
}
