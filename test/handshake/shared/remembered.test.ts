// What a session says of the signatures on its peer's chain: they need not be checked again, and all else is.

import { describe, expect, test } from 'vitest';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { pathSignatures } from '#opentls/x509/path/signatures';
import { TrustStore } from '#opentls/x509/path/trust';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { dangerouslyTrust, verifyPeer } from '#opentls/x509/verify/verify';
import { newPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { sessionsOf } from '../../kit/sessions.ts';
import { authority, type Holder, serverLeaf } from '../../x509/made/chain.ts';

const root = authority('root');
const intermediate = authority('intermediate', root);
const leaf = serverLeaf(intermediate, { extendedKeyUsage: ['serverAuth', 'clientAuth'] });
const credentials = [
  { chain: [leaf.der, intermediate.der], signer: provider.signer(parsePrivateKey(leaf.key)) },
] as const;

/** Verifies, and counts what that costs. */
function judge(change: Partial<VerifyOptions> = {}, trusted: Holder = root) {
  const calls: string[] = [];
  const verifiers = provider.verifiers.map((verifier) => ({
    ...verifier,
    verify: (...given: Parameters<typeof verifier.verify>) => {
      calls.push(verifier.algorithm);
      return verifier.verify(...given);
    },
  }));
  const verifyChain: ClientConfig['verifyChain'] = ({ chain, peer, remembered }) =>
    verifyPeer(chain, {
      trust: TrustStore.from([trusted.der]),
      verifiers,
      remembered,
      purpose: peer,
      name: 'any',
      time: Date.now(),
      ...change,
    });
  return { calls, verifyChain };
}

const server: Partial<ServerConfig> = { credentials, tickets: new TicketKeys(provider) };

function sessionOf(client: Partial<ClientConfig>, to: Partial<ServerConfig> = server): Session {
  const [session] = sessionsOf(shuttle(newPair(client, to)).clientEvents);
  if (session === undefined) throw new Error('no session came');
  return session;
}

/** Offers what a store would give back of a session. */
function offer(session: Session, client: Partial<ClientConfig>, to: Partial<ServerConfig> = server) {
  return shuttle(newPair({ ...client, takeSession: () => decodeSession(encodeSession(session)) }, to));
}

describe('a client', () => {
  test('checks no signature of a chain again', () => {
    const first = judge();
    const session = sessionOf({ verifyChain: first.verifyChain });
    expect(first.calls).toHaveLength(2);
    expect(session.peerSignatures.map(({ length }) => length)).toEqual([32, 32]);
    const second = judge();
    const { client } = offer(session, { verifyChain: second.verifyChain });
    expect(client.facts?.resumed).toBe(true);
    expect(client.facts?.peer).toMatchObject({ verified: true });
    expect(client.facts?.peer?.certificates).toHaveLength(3);
    expect(second.calls).toEqual([]);
  });

  test('nor after another resumption', () => {
    const { verifyChain } = judge();
    const [next] = sessionsOf(offer(sessionOf({ verifyChain }), { verifyChain }).clientEvents);
    const third = judge();
    expect(next && offer(next, { verifyChain: third.verifyChain }).client.facts?.resumed).toBe(true);
    expect(third.calls).toEqual([]);
  });

  test.each<[string, Partial<VerifyOptions>, Holder?]>([
    ['another anchor', {}, authority('root')],
    ['a later time', { time: Date.now() + 2 * 86_400_000 }],
    ['another name', { name: { dns: 'other.test' } }],
    [
      'no verifier for its signatures',
      { verifiers: provider.verifiers.filter(({ algorithm }) => algorithm !== 'ecdsa_sha256') },
    ],
  ])('looks at all the rest: %s', (_, change, trusted) => {
    const session = sessionOf({ verifyChain: judge().verifyChain });
    const { verifyChain } = judge(change, trusted);
    const verdicts: (boolean | 'late')[] = [];
    const told: ClientConfig['verifyChain'] = (request) => {
      const verdict = verifyChain(request);
      verdicts.push('then' in verdict ? 'late' : verdict.ok);
      return verdict;
    };
    const { client, server: other } = offer(session, { verifyChain: told });
    // Of the session, and of the full handshake after it.
    expect(verdicts).toEqual([false, false]);
    expect([client.facts, other.facts]).toEqual([undefined, undefined]);
  });

  test('believes no session of a chain that was not verified', () => {
    const session = sessionOf({ verifyChain: ({ chain }) => ({ ok: true, peer: dangerouslyTrust(chain) }) });
    expect(session.peerSignatures).toEqual([]);
    const { calls, verifyChain } = judge();
    expect(offer(session, { verifyChain }).client.facts?.resumed).toBe(true);
    expect(calls).toHaveLength(2);
  });

  test('checks what the session does not speak of: the signature of another leaf', () => {
    const session = sessionOf({ verifyChain: judge().verifyChain });
    const forged = serverLeaf(intermediate, { forgedBy: authority('intermediate') });
    const { calls, verifyChain } = judge();
    const { client } = offer({ ...session, peerChain: [forged.der, intermediate.der] }, { verifyChain });
    // It is not resumed; two signatures more are those of the full handshake.
    expect(client.facts?.resumed).toBe(false);
    expect(calls).toHaveLength(3);
  });
});

test('a server checks no signature of a client again', () => {
  const [first, second] = [judge(), judge()];
  const client = { verifyChain: judge().verifyChain, credentials };
  const asking = { ...server, clientCertificate: 'required' } as const;
  const session = sessionOf(client, { ...asking, verifyChain: first.verifyChain });
  expect(first.calls).toHaveLength(2);
  const ends = offer(session, client, { ...asking, verifyChain: second.verifyChain });
  expect(ends.server.facts?.resumed).toBe(true);
  expect(ends.server.facts?.peer).toMatchObject({ verified: true });
  expect(second.calls).toEqual([]);
});

test('the digests are the same with every provider', () => {
  const path = [leaf, intermediate, root].map(({ der }) => parseCertificate(der));
  const [ours, theirs] = [noble, node].map(({ hashes }) => pathSignatures(path, hashes.sha256));
  expect(ours?.map((digest) => Buffer.from(digest))).toEqual(theirs?.map((digest) => Buffer.from(digest)));
});
