import { Connection, type Event } from '#opentls/connection/connection';
import type { CryptoProvider } from '#opentls/crypto/provider';
import type { ChainRequest, ChainVerdict, ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { perform } from '#opentls/handshake/terms/script';
import { NamedGroup } from '#opentls/wire/enums';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { testCredential } from './credentials.ts';
import { provider } from './provider.ts';

/** Accepts every chain: tests of certification paths are in test/x509. */
export function trustAnything({ chain }: ChainRequest): ChainVerdict {
  return { ok: true, peer: dangerouslyTrust(chain) };
}

export const credential: Credential = testCredential(provider);

export function newClient(config: Partial<ClientConfig> = {}): Connection {
  return Connection.client({
    provider,
    groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    keyShares: [NamedGroup.x25519],
    serverName: 'localhost',
    verifyChain: trustAnything,
    ...config,
  });
}

export function newServer(config: Partial<ServerConfig> = {}): Connection {
  return Connection.server({
    provider,
    groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    credentials: [credential],
    verifyChain: trustAnything,
    ...config,
  });
}

/** Polls until nothing is left, answers each ask at once, and adds the other events to `events`. */
export function settle(engine: Connection, events: Event[] = []): Event[] {
  for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
    if (event.type !== 'ask') {
      events.push(event);
      continue;
    }
    try {
      engine.answer(event.ask, perform(event.ask.request) as never);
    } catch (error) {
      engine.fail(event.ask, error);
    }
  }
  return events;
}

/** Polls to the end as {@link settle} does, and waits for what answers with a promise; `through` may delay an answer. */
export async function settleLater(
  engine: Connection,
  events: Event[],
  through: <T>(answer: T) => T | Promise<T> = (answer) => answer,
): Promise<void> {
  for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
    if (event.type !== 'ask') {
      events.push(event);
      continue;
    }
    try {
      engine.answer(event.ask, (await through(perform(event.ask.request))) as never);
    } catch (error) {
      engine.fail(event.ask, error);
    }
  }
}

/** The two ends of a connection, for tests that hold for both. */
export const sides: readonly ['client', 'server'] = ['client', 'server'];
export type Side = (typeof sides)[number];
export const other: { readonly client: 'server'; readonly server: 'client' } = { client: 'server', server: 'client' };

export interface Ends {
  readonly client: Connection;
  readonly server: Connection;
  readonly clientEvents: Event[];
  readonly serverEvents: Event[];
}

export function newPair(client: Partial<ClientConfig> = {}, server: Partial<ServerConfig> = {}): Ends {
  return { client: newClient(client), server: newServer(server), clientEvents: [], serverEvents: [] };
}

/** Carries bytes both ways until both ends are silent; `alter` may change or split what is carried. */
export function shuttle(ends: Ends, alter: (from: Side, bytes: Uint8Array) => readonly Uint8Array[] = whole): Ends {
  const { client, server, clientEvents, serverEvents } = ends;
  for (let idle = false; !idle; ) {
    idle = true;
    settle(client, clientEvents);
    for (const slab of client.takeOutput()) {
      idle = false;
      for (const part of alter('client', slab)) feed(server, part, serverEvents);
    }
    settle(server, serverEvents);
    for (const slab of server.takeOutput()) {
      idle = false;
      for (const part of alter('server', slab)) feed(client, part, clientEvents);
    }
  }
  return ends;
}

export function feed(engine: Connection, bytes: Uint8Array, events: Event[]): void {
  engine.receive(bytes);
  settle(engine, events);
}

/** A pair whose handshake is done. */
export function openPair(client: Partial<ClientConfig> = {}, server: Partial<ServerConfig> = {}): Ends {
  const ends = shuttle(newPair(client, server));
  if (!ends.client.writable || !ends.server.writable) throw new Error('the handshake did not complete');
  ends.clientEvents.length = 0;
  ends.serverEvents.length = 0;
  return ends;
}

export function errorOf(events: readonly Event[]): { code: string; alert: string | undefined } | undefined {
  for (const event of events) {
    if (event.type === 'error') return { code: event.error.code, alert: event.error.alert };
  }
  return undefined;
}

export function dataOf(events: readonly Event[]): Uint8Array {
  return Buffer.concat(events.flatMap((event) => (event.type === 'data' ? [event.bytes] : [])));
}

/** A provider whose random bytes are given, so that it makes the same in each run. */
export function seeded(base: CryptoProvider, random: (length: number) => Uint8Array): CryptoProvider {
  return { ...base, random };
}

const whole = (_: Side, bytes: Uint8Array): readonly Uint8Array[] => [bytes];
