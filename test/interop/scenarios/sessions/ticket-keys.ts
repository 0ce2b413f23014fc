import { until } from '../../ends/data.ts';
import { bothSettings } from '../../ends/pair.ts';
import { open, type Revisit } from '../../ends/revisit.ts';
import type { Context, Scenario, Settings } from '../../types.ts';
import { checkFull, checkResumed } from './resumption.ts';

/** Two servers with the same `ticketKeys`, as `node:tls` has them; the client takes a ticket from one to the other. */
export const ticketKeys: Scenario = {
  name: 'ticket-keys',
  variants: [
    {
      name: 'of two servers of one kind',
      run: async (context) => checkResumed(await visitBoth(context, context.role === 'client' ? 'peer' : 'opentls')),
    },
    {
      // Each kind seals tickets in a form of its own: to the other they are unknown, never an error.
      name: 'of opentls and the peer',
      run: async (context) => checkFull(await visitBoth(context, context.role === 'client' ? 'opentls' : 'peer')),
    },
  ],
};

/** @param first whose server gives the ticket; the second one is never the client's own kind */
async function visitBoth(context: Context, first: 'opentls' | 'peer'): Promise<Revisit> {
  const { client, server } = bothSettings(context, {});
  const settings = { ...server, ticketKeys: keys };
  const port =
    first === 'peer' ? (await context.peer.listen(settings, context.scope)).port : await sink(context, settings);
  return context.role === 'client'
    ? weVisit(context, port, client, settings)
    : theyVisit(context, port, client, settings);
}

async function weVisit(context: Context, first: number, client: Settings, server: Settings): Promise<Revisit> {
  const { peer, subject, scope } = context;
  const begun = subject.connect(first, client, scope);
  await until(() => begun.seen.sessions.length > 0);
  (await begun.opened).destroy();
  const { port, session } = await peer.listen(server, scope);
  return await open(context, port, session(), { ...client, session: begun.seen.sessions.at(-1) });
}

async function theyVisit(context: Context, first: number, client: Settings, server: Settings): Promise<Revisit> {
  const { peer, subject, scope } = context;
  if (peer.revisit === undefined) throw new Error(`${peer.name} does not come again`);
  const listener = await subject.listen(server, scope);
  const ours = listener.next();
  const theirs = await peer.revisit({ first, second: listener.port }, client, scope);
  const [socket, facts] = await Promise.all([ours.opened, theirs.facts()]);
  return { socket, stream: socket, theirs, facts, seen: ours.seen };
}

/** A server of ours that has nothing to say. */
async function sink({ subject, scope }: Context, settings: Settings): Promise<number> {
  const listener = await subject.listen(settings, scope);
  listener.next().opened.then(
    (socket) => socket.resume(),
    () => undefined,
  );
  return listener.port;
}

const keys = '3f'.repeat(48);
