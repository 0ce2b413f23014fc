import { randomBytes } from 'node:crypto';
import type { Context, PeerFacts, PeerSession, Settings } from '../types.ts';
import { until } from './data.ts';
import { bothSettings } from './pair.ts';
import type { Seen, Socket } from './subject.ts';

export interface RevisitOptions {
  readonly client?: Settings;
  readonly server?: Settings;
  /** For the second connection alone. */
  readonly again?: Settings;
  /** Whether the server of the second connection can read what that of the first one gave. */
  readonly keys: 'same' | 'changed';
  /** Takes the peer's server that other cells have used with the same settings. */
  readonly shared?: boolean;
}

/** The second connection, once both say that its handshake is over. */
export interface Revisit {
  readonly socket: Socket;
  readonly stream: Socket;
  readonly theirs: PeerSession;
  readonly facts: PeerFacts;
  readonly seen: Seen;
}

/** The client connects, gets a ticket and ends; then it offers that ticket. */
export function revisit(context: Context, options: RevisitOptions): Promise<Revisit> {
  return context.role === 'client' ? revisitPeer(context, options) : revisitUs(context, options);
}

async function revisitPeer(context: Context, options: RevisitOptions): Promise<Revisit> {
  const { peer, subject, scope } = context;
  const { client, server } = bothSettings(context, options);
  const listener = await (options.shared ? context.sharedServer(server) : peer.listen(server, scope));
  const begun = listener.session();
  const first = subject.connect(listener.port, client, scope);
  const [socket] = await Promise.all([first.opened, begun.facts()]);
  await until(() => first.seen.sessions.length > 0);
  socket.resume();
  socket.end();
  await begun.ended();
  const { port, session } = options.keys === 'same' ? listener : await peer.listen(server, scope);
  return await open(context, port, session(), {
    ...client,
    ...options.again,
    session: first.seen.sessions.at(-1),
  });
}

/** A connection of ours to a server of the peer. */
export async function open(
  { subject, scope }: Context,
  port: number,
  theirs: PeerSession,
  settings: Settings,
): Promise<Revisit> {
  const ours = subject.connect(port, settings, scope);
  const [socket, facts] = await Promise.all([ours.opened, theirs.facts()]);
  return { socket, stream: socket, theirs, facts, seen: ours.seen };
}

async function revisitUs(context: Context, options: RevisitOptions): Promise<Revisit> {
  const { peer, subject, scope } = context;
  const { client, server } = bothSettings(context, options);
  const listener = await subject.listen({ suites: client.suites, ...server }, scope);
  const first = listener.next();
  const { port } = listener;
  if (peer.revisit === undefined) throw new Error(`${peer.name} does not come again`);
  const visits = peer.revisit({ first: port, second: port }, { ...client, ...options.again }, scope);
  const begun = (await first.opened).resume();
  if (options.keys === 'changed') listener.setTicketKeys(randomBytes(48));
  if (peer.waitsForEnd) begun.end();
  const second = listener.next();
  const theirs = await visits;
  const [socket, facts] = await Promise.all([second.opened, theirs.facts()]);
  return { socket, stream: socket, theirs, facts, seen: second.seen };
}
