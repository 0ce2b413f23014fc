// What one connection does, from the handshake to the end (SHIM-SPEC §3 and §4).
import { concat } from '#opentls/bytes/concat';
import { utf8 } from '#opentls/bytes/utf8';
import { TlsError } from '#opentls/errors';
import type { Facts } from '#opentls/handshake/terms/facts';
import type { KeylogLabel } from '#opentls/handshake/terms/record-layer';
import type { Session } from '#opentls/session/session';
import { HandshakeType } from '#opentls/wire/enums';
import type { Observed } from '../flags/configs.ts';
import type { Options } from '../flags/flags.ts';
import { ShimError } from '../names.ts';
import { checkHandshake, checkResumed, checkSession } from './checks.ts';
import type { Endpoint, News } from './endpoint.ts';
import type { Memory } from './memory.ts';

/** One connection of a test. */
export interface Task {
  readonly options: Options;
  /** What holds once the server has refused the client's 0-RTT data. */
  readonly retry: Options;
  /** Not the first connection. */
  readonly resuming: boolean;
  readonly memory: Memory;
}

/** @throws TlsError, ShimError for whatever makes the test fail */
export async function exchange(endpoint: Endpoint, task: Task, observed: Observed): Promise<void> {
  const sessions = new Sessions(task.memory);
  const { facts, left } = await handshake(endpoint, task.options, observed, sessions);
  const refused = facts.role === 'client' && facts.earlyData === 'rejected';
  const options = refused ? task.retry : task.options;
  checkHandshake(options, facts, observed, task.memory);
  checkResumed(options, facts, task.resuming);
  writeExports(endpoint, options);
  if (options['send-alert']) return sendAlert(endpoint);
  // Refused 0-RTT data is not sent again: it would be the application's choice.
  writeFirst(endpoint, options, refused ? initialWrites(options) : left);
  if (!options['shim-shuts-down']) await echo(endpoint, options, sessions);
  checkSession(options, sessions.last);
  await shutDown(endpoint, options, sessions);
}

/** The tickets of a connection. */
class Sessions {
  last: Session | undefined;
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  add(session: Session): void {
    this.last = session;
    this.#memory.keep(session);
  }
}

interface Opened {
  readonly facts: Facts;
  /** What of the initial writes did not go out as 0-RTT data. */
  readonly left: readonly Uint8Array[];
}

async function handshake(
  endpoint: Endpoint,
  options: Options,
  observed: Observed,
  sessions: Sessions,
): Promise<Opened> {
  const unsent = initialWrites(options);
  let left = unsent;
  const after = options['early-write-after-message'];
  const write = (): void => {
    left = unsent.map((bytes) => endpoint.writeEarly(bytes)).filter(({ length }) => length > 0);
  };
  endpoint.onFirstFlight = () => {
    if (endpoint.connection.earlyRoom === undefined) return;
    observed.earlyOffered = true;
    writeExports(endpoint, options);
    if (options['read-with-unfinished-write']) endpoint.holding(write);
    else if (after === undefined) write();
  };
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined) throw new ShimError('SHIM_TRANSPORT', 'the handshake stands still');
    if (news.type === 'open') {
      endpoint.release();
      endpoint.flush();
      return { facts: news.facts, left };
    }
    if (after !== undefined && tellsOf(news) === after) write();
    // 0-RTT data is answered at once, before the client's Finished.
    if (news.type === 'data') answer(endpoint, options, news.bytes);
    if (news.type === 'session') sessions.add(news.session);
  }
}

/** @returns the message of the server that this is the first sign of */
function tellsOf(news: News): number | undefined {
  if (news.type === 'early') return HandshakeType.encrypted_extensions;
  const derived = news.type === 'secret' && news.label === 'SERVER_HANDSHAKE_TRAFFIC_SECRET';
  return derived ? HandshakeType.server_hello : undefined;
}

function writeExports(endpoint: Endpoint, options: Options): void {
  const { 'export-keying-material': length, 'export-label': label = '', 'export-context': context = '' } = options;
  if (length !== undefined) endpoint.write(endpoint.connection.exportKey(label, utf8(context), length));
  if (!options['export-traffic-secrets']) return;
  const labels: readonly KeylogLabel[] = ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0'];
  const [write, read] = (options.server ? [...labels].reverse() : labels).map((name) => endpoint.secrets.get(name));
  if (read === undefined || write === undefined) throw new ShimError('SHIM_EXPECTATION', 'no traffic secrets');
  endpoint.write(concat([new Uint8Array([read.length & 0xff, read.length >> 8]), read, write]));
}

/** decompression_failure, which no connection sends by itself any more. */
function sendAlert(endpoint: Endpoint): void {
  endpoint.connection.abort(new TlsError('ERR_TLS_INTERNAL', 'asked for by the runner'), 30);
  endpoint.flush();
}

function initialWrites(options: Options): readonly Uint8Array[] {
  if (!options['shim-writes-first'] && !options['read-with-unfinished-write']) return [];
  const bytes = utf8(options['shim-initial-write'] ?? 'hello');
  return Array.from({ length: options['repeat-shim-initial-write'] ?? 1 }, () => bytes);
}

function writeFirst(endpoint: Endpoint, options: Options, writes: readonly Uint8Array[]): void {
  const write = (): void => {
    for (const bytes of writes) endpoint.write(bytes);
  };
  if (options['read-with-unfinished-write'] && writes.length > 0) endpoint.holding(write);
  else write();
}

/** Sends back what comes until there is no more. */
async function echo(endpoint: Endpoint, options: Options, sessions: Sessions): Promise<void> {
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined || news.type === 'end') return;
    if (news.type === 'data') answer(endpoint, options, news.bytes);
    if (news.type === 'session') sessions.add(news.session);
  }
}

/** Every bit turned. */
function answer(endpoint: Endpoint, options: Options, bytes: Uint8Array): void {
  endpoint.release();
  const size = options['read-size'] ?? 512;
  for (let i = 0; i < bytes.length; i += size) {
    if (options['key-update']) endpoint.connection.updateKeys();
    endpoint.write(bytes.subarray(i, i + size).map((byte) => byte ^ 0xff));
  }
}

async function shutDown(endpoint: Endpoint, options: Options, sessions: Sessions): Promise<void> {
  if (!options['check-close-notify']) return;
  endpoint.connection.closeWrite();
  endpoint.flush();
  if (!options['shim-shuts-down']) return;
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined) return;
    if (news.type === 'session') sessions.add(news.session);
    if (news.type === 'end' && !news.closeNotify) {
      throw new ShimError('SHIM_SHUTDOWN', 'the peer ended without a close_notify');
    }
    if (news.type === 'end') return;
  }
}
