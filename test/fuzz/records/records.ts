import { Connection, type Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription, isAlertReceived, TlsError } from '#opentls/errors';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { type PendingAsk, perform } from '#opentls/handshake/terms/script';
import { defaultLimits } from '#opentls/limits';
import { node } from '#opentls/providers/node';
import { Receiving } from '#opentls/record/receiving';
import { ContentType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { testCredential } from '../../kit/credentials.ts';
import { trustAnything } from '../../kit/pair.ts';
import { randomNumbers } from '../../kit/random.ts';
import { mutate, type Numbers } from '../mutate.ts';
import { inputs, lawful } from './inputs.ts';
import { type Live, Pen, type Verdict } from './pen.ts';

export interface RecordRuns {
  /** Inputs that were said to live connections, and flights of handshakes that were mutated. */
  readonly runs: number;
  readonly connections: number;
  /** How often each kind of input came. */
  readonly kinds: Readonly<Record<string, number>>;
  /** The most bytes of answers that a connection held for a peer that took none. */
  readonly mostUnsent: number;
  /** What should not have been: a line for each. */
  readonly findings: readonly string[];
}

/**
 * Says hostile things to live connections of both roles: records that are padded, split, reordered, replayed, forged or
 * none, and messages after the handshake. What must come of each is known: data comes out as it was sent or not at all,
 * else the alert of the RFC goes out, and it is the one that the error names.
 */
export function fuzzRecords(seed: number, runs: number): RecordRuns {
  const number = randomNumbers(seed);
  const tally = { connections: 0, kinds: {} as Record<string, number>, mostUnsent: 0, findings: [] as string[] };
  const names = Object.keys(inputs);
  const harmless = Object.keys(lawful);
  for (let run = 0; run < runs && tally.findings.length < 20; ) {
    tally.connections++;
    if (number(20) === 0) {
      run++;
      tally.findings.push(...mutateHandshake(number).map((finding) => `run ${run}: ${finding}`));
      continue;
    }
    const live = open(number);
    for (let on = true; on && run < runs; run++) {
      // Mostly what a connection survives: a handshake is dear.
      const pool = number(5) > 0 ? harmless : names;
      const name = pool[number(pool.length)] ?? '';
      tally.kinds[name] = (tally.kinds[name] ?? 0) + 1;
      const told = tell(live, name, number);
      tally.mostUnsent = Math.max(tally.mostUnsent, live.engine.outputLength);
      on = told.goesOn;
      if (told.finding !== undefined) tally.findings.push(`run ${run}: ${live.role}, ${name}: ${told.finding}`);
    }
    live.engine.destroy();
  }
  return { runs, ...tally };
}

const credential = testCredential(node);

function configs(number: Numbers, more: Partial<ClientConfig>): readonly [ClientConfig, ServerConfig] {
  // A key and nothing else makes a handshake cheap.
  const key = {
    identity: Uint8Array.of(1),
    secret: new Secret('psk', new Uint8Array(32).fill(1)),
    hash: 'sha256',
  } as const;
  const bare = number(50) > 0;
  const common = {
    provider: node,
    groups: [NamedGroup.x25519],
    keylog: true,
    verifyChain: trustAnything,
    pskModes: ['psk_ke'],
  } as const;
  return [
    { ...common, serverName: 'localhost', credentials: [credential], ...(bare && { externalPsks: [key] }), ...more },
    { ...common, credentials: [credential], findPsk: () => key },
  ];
}

/** A connection after an honest handshake; the keys of its peer are the test's. */
function open(number: Numbers): Live {
  const role = (['client', 'server'] as const)[number(2)] ?? 'client';
  const answers = role === 'client' && number(2) === 0;
  const [clientConfig, serverConfig] = configs(number, { postHandshakeAuth: answers });
  const client = Connection.client(clientConfig);
  const server = Connection.server(serverConfig);
  const events: Event[] = [];
  for (let i = 0; i < 3; i++) {
    events.push(...settle(client));
    for (const slab of client.takeOutput()) server.receive(slab);
    settle(server);
    for (const slab of server.takeOutput()) client.receive(slab);
  }
  const suite = node.suites.find(({ id }) => id === client.facts?.suite.id);
  if (suite === undefined || server.facts === undefined) throw new Error('an honest handshake failed');
  const secret = (label: string): Uint8Array =>
    events.flatMap((event) => (event.type === 'secret' && event.label === label ? [event.secret] : []))[0] ??
    new Uint8Array(0);
  const secrets = { client: secret('CLIENT_TRAFFIC_SECRET_0'), server: secret('SERVER_TRAFFIC_SECRET_0') };
  const [engine, peer] = role === 'client' ? ([client, 'server'] as const) : ([server, 'client'] as const);
  const answered = new Receiving(defaultLimits, peer);
  answered.protect(suite, new Secret(role === 'client' ? 'c ap traffic' : 's ap traffic', secrets[role].slice()));
  return {
    role,
    engine,
    answers,
    answered,
    pen: new Pen(suite, peer === 'client' ? 'c ap traffic' : 's ap traffic', secrets[peer]),
    expected: [],
    empties: 0,
    warnings: 0,
    debt: 0,
    closed: false,
  };
}

interface Told {
  readonly goesOn: boolean;
  readonly finding: string | undefined;
}

/** Says it, in pieces, and looks at all that comes of it. */
function tell(live: Live, name: string, number: Numbers): Told {
  const { engine } = live;
  try {
    act(live, number);
    const { bytes, verdict } = inputs[name]?.(live, number) ?? { bytes: new Uint8Array(0), verdict: undefined };
    const events: Event[] = [];
    // Byte by byte, in a few pieces, or at once.
    const size = [bytes.length < 300 ? 1 : 500, 1 + number(bytes.length), bytes.length][number(3)] ?? 1;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + Math.min(engine.inputRoom, size));
      if (piece.length === 0) return { goesOn: false, finding: 'there is no room, though everything was polled' };
      engine.receive(piece);
      at += piece.length;
      events.push(...settle(engine));
    }
    const finding = check(live, events, verdict) ?? (number(4) === 0 ? checkOutput(live, events) : undefined);
    return { goesOn: finding === undefined && verdict === 'on', finding: finding ?? last(live, verdict) };
  } catch (error) {
    return { goesOn: false, finding: `threw ${error instanceof Error ? error.stack : error}` };
  }
}

/** What the application does meanwhile. */
function act(live: Live, number: Numbers): void {
  const { engine } = live;
  if (!engine.writable || number(8) > 0) return;
  const what = number(12);
  if (what === 0) {
    engine.closeWrite();
    live.closed = true;
  } else if (what < 4) engine.updateKeys(number(2) === 0);
  else engine.write([new Uint8Array(number(300))]);
}

/** Data as it was sent; the right end, and nothing behind it. */
function check(live: Live, events: readonly Event[], verdict: Verdict | undefined): string | undefined {
  const ends = events.filter(({ type }) => type === 'error' || type === 'end');
  const [end] = ends;
  if (ends.length > 1 || (end !== undefined && events.at(-1) !== end)) return 'something came behind the end';
  for (const event of events) {
    if (event.type !== 'data') continue;
    const sent = live.expected.shift();
    if (sent === undefined || Buffer.compare(sent, event.bytes) !== 0) return 'data that nobody sent';
    if (event.bytes.buffer.byteLength > 2 * event.bytes.length + 64) return 'data that keeps its padding alive';
  }
  if (end?.type === 'error') {
    const { error } = end;
    if (!(error instanceof TlsError) || error.code === 'ERR_TLS_INTERNAL') return `an error of ours: ${error.stack}`;
    if (error.alert === undefined && !isAlertReceived(error)) return `${error.code} without an alert`;
  }
  if (verdict === undefined) return undefined;
  const outcome = outcomeOf(end);
  const right = Array.isArray(verdict) ? verdict.includes(outcome) : verdict === outcome;
  if (!right) return `${outcome} instead of ${verdict}`;
  return verdict === 'on' && live.expected.length > 0 ? 'data is missing' : undefined;
}

function outcomeOf(end: Event | undefined): string {
  if (end === undefined) return 'on';
  if (end.type !== 'error') return 'end';
  return isAlertReceived(end.error) ? 'silence' : (end.error.alert ?? 'no alert');
}

/** All that goes out can be read, and the alert is the one that the error names. */
function checkOutput(live: Live, events: readonly Event[]): string | undefined {
  const end = events.at(-1);
  for (const slab of live.engine.takeOutput()) live.answered.append(slab);
  let alert: number | undefined;
  for (let content = live.answered.next(); content !== undefined; content = live.answered.next()) {
    if (content.type === ContentType.alert) alert = content.bytes[1];
    if (content.type === ContentType.handshake && content.bytes[0] === HandshakeType.key_update)
      live.answered.updateKey();
  }
  if (end?.type !== 'error') return undefined;
  const said = alert === undefined ? undefined : Object.entries(AlertDescription).find(([, id]) => id === alert)?.[0];
  const wanted = isAlertReceived(end.error) ? undefined : end.error.alert;
  // Who has said goodbye says no more.
  return live.closed || said === wanted ? undefined : `the alert ${said} instead of ${wanted}`;
}

/** When it is over: nothing more comes of it, and what it has to say is in the output. */
function last(live: Live, verdict: Verdict | undefined): string | undefined {
  const { engine } = live;
  if (verdict === 'on') return undefined;
  if (verdict !== undefined) {
    engine.receive(live.pen.content(ContentType.application_data, Uint8Array.of(1)));
    return engine.poll() === undefined ? undefined : 'something came behind the end';
  }
  engine.receiveEnd();
  const events = settle(engine);
  return engine.phase === 'failed' || events.some(({ type }) => type === 'end') ? undefined : 'it does not end';
}

/** Answers asks, and says if there is no end of events. */
function settle(engine: Connection): Event[] {
  const events: Event[] = [];
  for (let left = 10_000; left > 0; left--) {
    const event = engine.poll();
    if (event === undefined) return events;
    if (event.type === 'ask') answer(engine, event.ask);
    else events.push(event);
  }
  throw new Error('no end of events');
}

function answer(engine: Connection, ask: PendingAsk): void {
  try {
    engine.answer(ask, perform(ask.request) as never);
  } catch (error) {
    engine.fail(ask, error);
  }
}

/** One flight of a handshake is mutated: whatever comes of it, no data does, and no error of ours. */
function mutateHandshake(number: Numbers): string[] {
  const [clientConfig, serverConfig] = configs(number, {});
  const ends = [Connection.client(clientConfig), Connection.server(serverConfig)] as const;
  const victim = number(4);
  const findings: string[] = [];
  try {
    for (let flight = 0; flight < 4; flight++) {
      const [from, to] = flight % 2 === 0 ? ends : [ends[1], ends[0]];
      settle(from);
      const bytes = Buffer.concat(from.takeOutput());
      const said = flight === victim ? mutate(bytes, bytes, number) : bytes;
      for (let at = 0; at < said.length; at += 60_000) {
        to.receive(said.subarray(at, at + 60_000));
        for (const event of settle(to)) {
          if (event.type === 'data') findings.push('data in a handshake');
          if (event.type === 'error' && event.error.code === 'ERR_TLS_INTERNAL') findings.push(`${event.error.stack}`);
        }
      }
    }
  } catch (error) {
    findings.push(`a handshake threw ${error instanceof Error ? error.stack : error}`);
  }
  for (const end of ends) end.destroy();
  return findings;
}
