import type { Duplex } from 'node:stream';
import { serverName } from '../credentials/certificates.ts';
import { startTap, type Tap } from '../processes/tap.ts';
import type { Context, PeerFacts, PeerFailure, PeerSession, Settings } from '../types.ts';
import { exchange } from './data.ts';
import type { CodedError, OwnSide, Seen, Socket } from './subject.ts';

export interface PairOptions {
  readonly ours?: Settings;
  readonly theirs?: Settings;
  /** For whichever of the two is the server, or the client. */
  readonly server?: Settings;
  readonly client?: Settings;
  /** Puts a tap between the two. */
  readonly tapped?: boolean;
  /** Takes the peer's server that other cells have used with the same settings. */
  readonly shared?: boolean;
}

/** Two ends that have begun to talk. */
export interface Pair {
  readonly ours: OwnSide;
  readonly theirs: PeerSession;
  /** Sees nothing unless `tapped`. */
  readonly tap: Tap | undefined;
}

export interface OpenPair {
  readonly socket: Socket;
  /** Application data of this side: the socket, or what the peer's protocol leaves of it. */
  readonly stream: Duplex;
  readonly theirs: PeerSession;
  readonly facts: PeerFacts;
  readonly tap: Tap | undefined;
  readonly keylog: readonly string[];
  readonly seen: Seen;
}

/**
 * Lets opentls and the peer meet. Unless told otherwise the server shows its P-256 certificate for `server.test`, and
 * the client asks for that name and trusts the right root.
 */
export async function start(context: Context, options: PairOptions = {}): Promise<Pair> {
  const { role, peer, subject, scope } = context;
  const { client, server } = bothSettings(context, options);
  if (role === 'client') {
    const settings = { ...server, ...options.theirs };
    const listener = await (options.shared ? context.sharedServer(settings) : peer.listen(settings, scope));
    const tap = options.tapped ? await startTap(listener.port, scope) : undefined;
    const theirs = listener.session();
    const ours = subject.connect(tap?.port ?? listener.port, { ...client, ...options.ours }, scope);
    return { ours, theirs, tap };
  }
  const listener = await subject.listen({ ...server, ...options.ours }, scope);
  const tap = options.tapped ? await startTap(listener.port, scope) : undefined;
  const ours = listener.next();
  const theirs = peer.connect(tap?.port ?? listener.port, { ...client, ...options.theirs }, scope);
  return { ours, theirs, tap };
}

/** With what a client and a server are told unless they are told otherwise. */
export function bothSettings(
  { certificates }: Context,
  options: Pick<PairOptions, 'client' | 'server'>,
): { readonly client: Settings; readonly server: Settings } {
  return {
    client: { ca: certificates.ca, servername: serverName, ...options.client },
    server: { credential: certificates.leaves['P-256'], ...options.server },
  };
}

/** As {@link start}, and waits for both to finish the handshake. */
export async function open(context: Context, options: PairOptions = {}): Promise<OpenPair> {
  const { ours, theirs, tap } = await start(context, options);
  const frame = context.peer.frame ?? ((socket: Duplex) => Promise.resolve(socket));
  const opened = ours.opened.then(async (socket) => ({ socket, stream: await frame(socket) }));
  const [{ socket, stream }, facts] = await Promise.all([opened, theirs.facts()]);
  return { socket, stream, theirs, facts, tap, keylog: ours.keylog, seen: ours.seen };
}

/** Exchanges data first: selfserv says most of what it knows when some has come. */
export async function factsAfterData(pair: Pick<OpenPair, 'stream' | 'theirs'>): Promise<PeerFacts> {
  await exchange(pair, pair.theirs);
  return await pair.theirs.facts();
}

/** As {@link start}, and waits for both to give up. A client may have finished the handshake before it is refused. */
export async function openInVain(
  context: Context,
  options: PairOptions,
): Promise<{ readonly error: CodedError | undefined; readonly failure: PeerFailure }> {
  const { ours, theirs } = await start(context, options);
  ours.opened.then(
    (socket) => socket.resume(),
    () => undefined,
  );
  const [error, failure] = await Promise.all([ours.failed, theirs.failure()]);
  return { error, failure };
}
