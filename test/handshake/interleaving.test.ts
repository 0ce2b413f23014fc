import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pump } from '#opentls/adapters/pump';
import { equal } from '#opentls/bytes/equal';
import { Connection, type Event } from '#opentls/connection';
import type {
  AeadAlgorithm,
  Awaitable,
  CipherSuite,
  CryptoProvider,
  Group,
  Hash,
  KeyShare,
  Signer,
} from '#opentls/crypto/provider';
import { isThenable } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { TlsError } from '#opentls/errors';
import type { CertificateCompression } from '#opentls/handshake/compression';
import type { ClientConfig, CommonConfig, Credential, ServerConfig } from '#opentls/handshake/config';
import { type AskName, type PendingAsk, perform } from '#opentls/handshake/script';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { createCertificate } from '#opentls/x509/create';
import { generatePrivateKey } from '#opentls/x509/generate';
import { provider } from '../provider.ts';
import { randomNumbers } from '../random.ts';
import { newPair, shuttle, trustAnything } from './pair.ts';

// Two connections, all that they may ask for, and everything that may happen to them, in any order.

const RUNS = 300;
const FIRST_SEED = 1;

type Side = 'client' | 'server';
const sides = ['client', 'server'] as const;
const other = { client: 'server', server: 'client' } as const;

type Pick = (bound: number) => number;

// ---------------------------------------------------------------------------------------------------------------
// Secrets: every one of them goes through the provider.

/**
 * What a connection made of secrets, as its provider sees it: keys and shares, and the memory of each output of HMAC,
 * which is what a `Secret` of the key schedule holds. It counts as wiped once it is zero.
 */
class Ledger {
  readonly #alive: (readonly [label: string, alive: () => boolean])[] = [];
  readonly #labels = new WeakMap<Uint8Array, string>();

  add(label: string, alive: () => boolean): void {
    this.#alive.push([label, alive]);
  }

  bytes(label: string, secret: Uint8Array): void {
    this.add(label, () => secret.some((byte) => byte !== 0));
  }

  secret<T extends Secret<'psk' | 'shared'>>(secret: T): T {
    this.add(`Secret '${secret.label}'`, () => !secret.wiped);
    return secret;
  }

  hmac(key: Uint8Array, parts: readonly Uint8Array[], output: Uint8Array): void {
    const label = labelOf(parts.at(-1) ?? output);
    if (label !== undefined) this.#labels.set(output, label);
    // verify_data is sent, and exported keys are the caller's.
    const known = label === 'exporter' || this.#labels.get(key) === 'finished';
    if (!known) this.bytes(`HMAC '${label ?? 'extract'}'`, output);
  }

  get size(): number {
    return this.#alive.length;
  }

  get survivors(): string[] {
    return this.#alive.flatMap(([label, alive]) => (alive() ? [label] : []));
  }
}

/** Of HkdfLabel, RFC 9846 §7.1; undefined for any other message. */
function labelOf(info: Uint8Array): string | undefined {
  const name = Buffer.from(info.subarray(3, 3 + (info[2] ?? 0))).toString('latin1');
  return name.startsWith('tls13 ') ? name.slice(6) : undefined;
}

/** The same provider, whose work is entered in `ledger`, and where `asked` says when it is done. */
function watched(base: CryptoProvider, ledger: Ledger, asked: Asked): CryptoProvider {
  const hashes = new Map<Hash, Hash>();
  const hashOf = (hash: Hash): Hash => {
    const known = hashes.get(hash) ?? watchedHash(hash, ledger);
    hashes.set(hash, known);
    return known;
  };
  const { sha1, sha256, sha384, sha512 } = base.hashes;
  return {
    ...base,
    random: (length) => base.random(length),
    signer: (key) => base.signer(key),
    hashes: { sha1: hashOf(sha1), sha256: hashOf(sha256), sha384: hashOf(sha384), sha512: hashOf(sha512) },
    suites: base.suites.map(
      (suite): CipherSuite => ({ ...suite, hash: hashOf(suite.hash), aead: watchedAead(suite.aead, ledger) }),
    ),
    groups: base.groups.map((group): Group => watchedGroup(group, ledger, asked)),
    verifiers: base.verifiers.map((verifier) => ({
      algorithm: verifier.algorithm,
      verify: (...parts) => asked('verifySignature', () => verifier.verify(...parts)),
    })),
  };
}

function watchedHash(hash: Hash, ledger: Ledger): Hash {
  return {
    name: hash.name,
    length: hash.length,
    digest: (message) => hash.digest(message),
    start: () => hash.start(),
    hmac(key, ...parts) {
      const output = hash.hmac(key, ...parts);
      ledger.hmac(key, parts, output);
      return output;
    },
  };
}

function watchedAead(aead: AeadAlgorithm, ledger: Ledger): AeadAlgorithm {
  return {
    ...aead,
    create(key) {
      const record = aead.create(key);
      let wiped = false;
      ledger.bytes('record key, as given', key);
      ledger.add('record key', () => !wiped);
      return {
        seal: (...parts) => record.seal(...parts),
        open: (...parts) => record.open(...parts),
        wipe() {
          wiped = true;
          record.wipe();
        },
      };
    },
  };
}

function watchedGroup(group: Group, ledger: Ledger, asked: Asked): Group {
  const watchedShare = (share: KeyShare): KeyShare => {
    let wiped = false;
    ledger.add('key share', () => !wiped);
    return {
      group: share.group,
      publicKey: share.publicKey,
      agree: (peer) => asked('agree', () => now(share.agree(peer), (shared) => ledger.secret(shared))),
      wipe() {
        wiped = true;
        share.wipe();
      },
    };
  };
  return {
    id: group.id,
    name: group.name,
    generate: () => asked('keyShare', () => now(group.generate(), watchedShare)),
    encapsulate: (peer) =>
      asked('encapsulate', () =>
        now(group.encapsulate(peer), (answer) => {
          ledger.secret(answer.shared);
          return answer;
        }),
      ),
  };
}

/** The providers under test answer at once. */
function now<T, U>(value: Awaitable<T>, use: (value: T) => U): U {
  if (isThenable(value)) throw new Error('the provider answers later');
  return use(value);
}

// ---------------------------------------------------------------------------------------------------------------
// Answers: at once, later, never, or none.

type Fate = 'at once' | 'later' | 'throws' | 'rejects' | 'never';
const fates: readonly Fate[] = ['at once', 'later', 'throws', 'rejects', 'never'];

/** Does what is asked for, when and if it pleases. */
type Asked = <T>(what: AskName, make: () => Awaitable<T>) => Awaitable<T>;

/** What has been asked for and not yet answered; and how often each was fated to what. */
class Answers {
  readonly #pick: Pick;
  readonly #fateOf: (what: AskName) => Fate;
  readonly #later: (() => void)[] = [];

  constructor(pick: Pick, fateOf: (what: AskName) => Fate) {
    this.#pick = pick;
    this.#fateOf = fateOf;
  }

  readonly asked: Asked = <T>(what: AskName, make: () => Awaitable<T>): Awaitable<T> => {
    const fate = this.#fateOf(what);
    seen.add(`${what} ${fate}`);
    switch (fate) {
      case 'at once':
        return make();
      case 'throws':
        throw new Error(`${what} throws`);
      case 'never':
        return new Promise<T>(() => {});
      default: {
        // What takes long may be done early or late.
        const early = fate === 'later' && this.#pick(2) === 0 ? { value: make() } : undefined;
        return new Promise<T>((resolve, reject) => {
          this.#later.push(() => {
            if (fate === 'rejects') return reject(new Error(`${what} rejects`));
            try {
              resolve(early === undefined ? make() : early.value);
            } catch (error) {
              reject(error);
            }
          });
        });
      }
    }
  };

  get open(): boolean {
    return this.#later.length > 0;
  }

  /** Answers one of them, and lets everybody hear of it. */
  async settle(): Promise<void> {
    const [answer] = this.#later.splice(this.#pick(this.#later.length), 1);
    answer?.();
    await heard();
  }
}

/** Ask and fate, over all runs. */
const seen = new Set<string>();

/** All that waits for a promise that is settled has run. */
function heard(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// ---------------------------------------------------------------------------------------------------------------
// One end: a connection with whoever owns it.

/** What the application does once it may write. */
type Deed = { readonly write: Uint8Array } | 'update' | 'update both' | 'request' | 'export';

class End {
  readonly side: Side;
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly events: Event[] = [];
  readonly deeds: Deed[];
  readonly received: Uint8Array[] = [];
  #restless = true;
  destroyed = false;
  writeClosed = false;
  transportEnded = false;
  readonly #pump: Pump | undefined;
  readonly #pick: Pick;
  readonly #wire: (slabs: readonly Uint8Array[]) => void;

  constructor(
    side: Side,
    connection: Connection,
    ledger: Ledger,
    deeds: readonly Deed[],
    pumped: boolean,
    pick: Pick,
    wire: (slabs: readonly Uint8Array[]) => void,
  ) {
    this.side = side;
    this.connection = connection;
    this.ledger = ledger;
    this.deeds = [...deeds];
    this.#wire = wire;
    this.#pick = pick;
    this.#pump = pumped ? this.#newPump() : undefined;
  }

  /** Something may have happened that nobody has polled for. */
  get restless(): boolean {
    return this.#restless || this.#pump?.stalled === true;
  }

  /** Something may have. */
  stir(): void {
    this.#restless = true;
  }

  get failed(): boolean {
    return this.events.some(({ type }) => type === 'error');
  }

  get ended(): boolean {
    return this.events.some(({ type }) => type === 'end');
  }

  get over(): boolean {
    return this.failed || this.destroyed || (this.writeClosed && this.ended);
  }

  get established(): boolean {
    return this.events.some(({ type }) => type === 'open');
  }

  /** Polls, to the end or for a while. */
  run(polls: number): void {
    this.#restless = false;
    if (this.#pump !== undefined) {
      this.#pump.resume();
      this.#pump.run();
      return;
    }
    for (let i = 0; i < polls; i++) {
      const event = this.connection.poll();
      if (event === undefined) return this.#flush();
      if (event.type === 'ask') this.#answer(event.ask);
      else this.hear(event);
    }
    this.#restless = true;
    this.#flush();
  }

  hear(event: Event): void {
    const { side } = this;
    // What an answer or a step had brought up before is still to be had.
    if (this.destroyed && !['secret', 'open', 'error'].includes(event.type)) {
      throw new Error(`${side}: '${event.type}' after destroy()`);
    }
    if (this.failed) throw new Error(`${side}: '${event.type}' after the error`);
    if (this.ended && event.type !== 'error') throw new Error(`${side}: '${event.type}' after the end`);
    if (event.type === 'open' && this.established) throw new Error(`${side}: opened twice`);
    const early = event.type === 'data' && event.early === true;
    if (event.type === 'data' && !early && !this.established) throw new Error(`${side}: data before open`);
    if (event.type === 'error' && this.connection.phase !== 'failed') throw new Error(`${side}: not failed`);
    this.events.push(event);
    if (event.type === 'data') this.received.push(event.bytes);
    // It is ours.
    if (event.type === 'session') event.session.psk.wipe();
  }

  #answer(ask: PendingAsk): void {
    const { connection } = this;
    let answer: ReturnType<typeof perform>;
    try {
      answer = perform(ask.request);
    } catch (error) {
      return connection.fail(ask, error);
    }
    if (!isThenable(answer)) return connection.answer(ask, answer);
    void Promise.resolve(answer)
      .then(
        (value) => connection.answer(ask, value),
        (error) => connection.fail(ask, error),
      )
      .then(() => {
        this.#restless = true;
      });
  }

  #flush(): void {
    this.#wire(this.connection.takeOutput());
  }

  #newPump(): Pump {
    return new Pump(this.connection, {
      data: (bytes, early) => {
        this.hear({ type: 'data', bytes, ...(early && { early }) });
        return this.#pick(4) > 0;
      },
      open: (facts) => this.hear({ type: 'open', facts }),
      end: (closeNotify) => this.hear({ type: 'end', closeNotify }),
      error: (error) => this.hear({ type: 'error', error }),
      secret: (event) => this.hear(event),
      session: (session) => this.hear({ type: 'session', session }),
      authenticated: (facts) => this.hear({ type: 'authenticated', facts }),
      early: (accepted) => this.hear({ type: 'early', accepted }),
      send: (slabs) => this.#wire(slabs),
      thrown: (error) => {
        throw error;
      },
    });
  }
}

// ---------------------------------------------------------------------------------------------------------------
// What happens in one run.

/** What befalls a run, beside its interleaving. */
interface Trouble {
  /** An operation of one of the two does not succeed. */
  readonly ask?: { readonly what: AskName; readonly fate: Fate } | undefined;
  /** Someone or something steps in, `after` so many steps. */
  readonly intervention?: { readonly kind: Intervention; readonly side: Side; readonly after: number } | undefined;
}
type Intervention = 'destroy' | 'closeWrite' | 'abort' | 'transport ends' | 'bit flips';
const interventions: readonly Intervention[] = ['destroy', 'closeWrite', 'abort', 'transport ends', 'bit flips'];

const askNames = Object.keys({
  keyShare: 1,
  agree: 1,
  encapsulate: 1,
  chooseCredentials: 1,
  chooseClientCredentials: 1,
  chooseProtocol: 1,
  verifyChain: 1,
  verifySignature: 1,
  sign: 1,
  takeSession: 1,
  openTicket: 1,
  sealTicket: 1,
  findPsk: 1,
  compress: 1,
  decompress: 1,
  admitEarlyData: 1,
} satisfies Record<AskName, 1>) as AskName[];

interface Plan {
  readonly trouble: Trouble;
  readonly retry: boolean;
  readonly resume: boolean;
  readonly early: boolean;
  readonly external: boolean;
  readonly exchange: boolean;
  readonly clientCertificate: 'none' | 'optional' | 'required';
  readonly askLater: boolean;
  readonly compression: boolean;
  readonly alpn: boolean;
  readonly tickets: boolean;
  readonly suite: number;
  readonly keylog: boolean;
  readonly grease: boolean;
  readonly compatible: boolean;
  readonly pumped: { readonly client: boolean; readonly server: boolean };
}

function planOf(index: number, pick: Pick): Plan {
  const coin = (): boolean => pick(2) === 0;
  const trouble = troubleOf(index, pick);
  const needs = (...names: readonly AskName[]): boolean =>
    trouble.ask !== undefined && names.includes(trouble.ask.what);
  // Where a PSK authenticates, nobody signs.
  const signed = needs('chooseClientCredentials', 'verifySignature', 'sign', 'compress', 'decompress');
  const early = !signed && (needs('admitEarlyData') || pick(4) === 0);
  const resume = !signed && (early || needs('takeSession', 'openTicket') || pick(3) === 0);
  const external = !signed && !early && (needs('findPsk') || pick(5) === 0);
  return {
    trouble,
    retry: !needs('admitEarlyData') && pick(3) === 0,
    resume,
    early,
    external,
    exchange: !(resume || external) || needs('keyShare', 'agree', 'encapsulate') || pick(4) > 0,
    clientCertificate: needs('admitEarlyData')
      ? 'none'
      : ((['none', 'optional', 'required'] as const)[pick(3)] ?? 'none'),
    // Not where someone leaves in the middle of it.
    askLater: trouble.intervention?.kind !== 'closeWrite' && coin(),
    compression: needs('compress', 'decompress') || coin(),
    // The session has none: with it, 0-RTT data is refused.
    alpn: !needs('admitEarlyData') && (needs('chooseProtocol') || coin()),
    tickets: resume || needs('sealTicket') || coin(),
    suite: coin() ? 0x1301 : 0x1302,
    keylog: coin(),
    grease: coin(),
    compatible: coin(),
    pumped: { client: coin(), server: coin() },
  };
}

/** A third of the runs are left alone; the others go through all that there is, and some meet with two things. */
function troubleOf(index: number, pick: Pick): Trouble {
  const nth = Math.floor(index / 3);
  const failing = ['throws', 'rejects', 'never'] as const;
  const what = askNames[nth % askNames.length] ?? 'keyShare';
  const ask = { what, fate: failing[Math.floor(nth / askNames.length) % 3] ?? 'throws' };
  const kind = interventions[nth % interventions.length] ?? 'destroy';
  const intervention = { kind, side: sides[pick(2)] ?? 'client', after: pick(pick(2) === 0 ? 30 : 90) };
  switch (index % 3) {
    case 0:
      return {};
    case 1:
      return { ask, ...(pick(3) === 0 && { intervention }) };
    default:
      return { intervention };
  }
}

const TIME = Date.UTC(2026, 0, 1);
const keys = new TicketKeys(provider, { now: () => TIME });
const credential = ed25519Credential();
const external = {
  identity: new Uint8Array([112, 115, 107]),
  secret: new Secret('psk', new Uint8Array(32).fill(5)),
  hash: 'sha256',
} as const;
const protocol = new Uint8Array([104, 50]);

/** Everything about it is as long each time, so that a seed leads to the same run. */
function ed25519Credential(): Credential {
  const signer = provider.signer(generatePrivateKey('ed25519', provider.random));
  const created = createCertificate({
    provider,
    signer,
    subject: 'localhost',
    serialNumber: 9846n,
    notBefore: TIME,
    notAfter: TIME + 1000,
  });
  return now(created, ({ der }) => ({ chain: [der], signer }));
}

/** Of either suite, to be copied for each run. */
const sessions = new Map<number, Session>();
for (const suite of [0x1301, 0x1302]) {
  const clock = { now: () => TIME, suites: [suite] };
  const server = {
    ...clock,
    credentials: [credential],
    tickets: keys,
    earlyData: { maxSize: 4000, replay: { admit: () => true } },
  };
  for (const event of shuttle(newPair(clock, server)).clientEvents) {
    if (event.type === 'session') sessions.set(suite, event.session);
  }
}

function takeSession(plan: Plan, ledger: Ledger): Session | undefined {
  const kept = sessions.get(plan.suite);
  const session = kept && decodeSession(encodeSession(kept));
  if (session !== undefined) ledger.secret(session.psk);
  return session;
}

function common(plan: Plan, ledger: Ledger, asked: Asked): CommonConfig & { readonly credentials: Credential[] } {
  const signer: Signer = {
    schemes: credential.signer.schemes,
    sign: (scheme, message) => asked('sign', () => credential.signer.sign(scheme, message)),
  };
  const compression: CertificateCompression = {
    id: 1,
    compress: (message) => asked('compress', () => new Uint8Array(zlib.deflateSync(message))),
    decompress: (compressed, length) =>
      asked('decompress', () => new Uint8Array(zlib.inflateSync(compressed, { maxOutputLength: length }))),
  };
  return {
    provider: watched(provider, ledger, asked),
    // PSKs from outside are of SHA-256.
    suites: plan.external ? [0x1301] : [plan.suite],
    verifyChain: (request) => asked('verifyChain', () => trustAnything(request)),
    credentials: [{ chain: credential.chain, signer }],
    certificateCompression: plan.compression ? [compression] : [],
    pskModes: plan.exchange ? ['psk_dhe_ke'] : ['psk_ke', 'psk_dhe_ke'],
    keylog: plan.keylog,
    grease: plan.grease,
    now: () => TIME,
  };
}

function clientOf(plan: Plan, ledger: Ledger, asked: Asked): ClientConfig {
  const { credentials, ...config } = common(plan, ledger, asked);
  return {
    ...config,
    chooseCredentials: () => asked('chooseClientCredentials', () => credentials),
    groups: [0x1d, 0x17],
    keyShares: [0x1d],
    serverName: 'localhost',
    shuffleExtensions: false,
    middleboxCompatibility: plan.compatible,
    postHandshakeAuth: plan.askLater,
    earlyData: plan.early,
    ...(plan.alpn && { alpn: [protocol] }),
    ...(plan.resume && { takeSession: () => asked('takeSession', () => takeSession(plan, ledger)) }),
    ...(plan.external && { externalPsks: [external] }),
  };
}

function serverOf(plan: Plan, ledger: Ledger, asked: Asked): ServerConfig {
  const { credentials, ...config } = common(plan, ledger, asked);
  return {
    ...config,
    groups: plan.retry ? [0x17] : [0x1d, 0x17],
    clientCertificate: plan.clientCertificate,
    chooseCredentials: () => asked('chooseCredentials', () => credentials),
    ...(plan.alpn && { chooseProtocol: () => asked('chooseProtocol', () => protocol) }),
    ...(plan.external && {
      findPsk: (identity) => asked('findPsk', () => (equal(identity, external.identity) ? external : undefined)),
    }),
    ...(plan.early && { earlyData: { maxSize: 4000, replay: { admit: () => asked('admitEarlyData', () => true) } } }),
    ...(plan.tickets && {
      tickets: {
        seal: (state) => asked('sealTicket', () => keys.seal(state)),
        open: (ticket) =>
          asked('openTicket', () => {
            const state = keys.open(ticket);
            if (state !== undefined) ledger.secret(state.psk);
            return state;
          }),
      },
    }),
  };
}

/** One run: both ends, the bytes between them, and what is still to come. */
class Run {
  readonly plan: Plan;
  readonly ends: Readonly<Record<Side, End>>;
  readonly answers: Answers;
  readonly #pick: Pick;
  readonly #wires: Record<Side, Uint8Array> = { client: new Uint8Array(0), server: new Uint8Array(0) };
  readonly #written: Readonly<Record<Side, Uint8Array>>;
  #earlyWritten = false;
  #steps = 0;
  #requests = 0;
  #flips = false;
  /** It said close_notify while all was well. */
  #halfClosed: End | undefined;

  constructor(index: number, pick: Pick) {
    this.#pick = pick;
    const plan = planOf(index, pick);
    this.plan = plan;
    const fates = (what: AskName): Fate => {
      if (plan.trouble.ask?.what === what) return plan.trouble.ask.fate;
      return pick(2) === 0 ? 'at once' : 'later';
    };
    this.answers = new Answers(pick, fates);
    const { asked } = this.answers;
    const ledgers = { client: new Ledger(), server: new Ledger() };
    const connections = {
      client: Connection.client(clientOf(plan, ledgers.client, asked)),
      server: Connection.server(serverOf(plan, ledgers.server, asked)),
    };
    const deeds = { client: this.#deedsOf('client'), server: this.#deedsOf('server') };
    const end = (side: Side): End =>
      new End(side, connections[side], ledgers[side], deeds[side], plan.pumped[side], pick, (slabs) => {
        this.#wires[side] = Buffer.concat([this.#wires[side], ...slabs]);
      });
    this.ends = { client: end('client'), server: end('server') };
    const written = (side: Side): Uint8Array =>
      Buffer.concat(deeds[side].flatMap((deed) => (typeof deed === 'object' ? [deed.write] : [])));
    this.#written = { client: written('client'), server: written('server') };
  }

  #deedsOf(side: Side): Deed[] {
    const pick = this.#pick;
    return Array.from({ length: 1 + pick(4) }, (): Deed => {
      const chance = pick(8);
      if (chance === 0) return 'update';
      if (chance === 1) return 'update both';
      if (chance === 2) return 'export';
      if (chance === 3 && side === 'server') return 'request';
      return { write: new Uint8Array(1 + pick(3000)).fill(1 + pick(255)) };
    });
  }

  /** Until nothing more can happen. */
  async rest(): Promise<void> {
    for (;;) {
      const possible = sides.flatMap((side) => this.#possible(side));
      if (this.answers.open) possible.push(() => this.answers.settle());
      const act = possible[this.#pick(possible.length)];
      if (act === undefined) return;
      if (++this.#steps > MOST_STEPS) throw new Error('it does not come to an end');
      await act();
      this.#intervene();
    }
  }

  #possible(side: Side): (() => void | Promise<void>)[] {
    const end = this.ends[side];
    const acts: (() => void | Promise<void>)[] = [];
    if (end.restless) acts.push(() => end.run(1 + this.#pick(6)));
    if (this.#wires[side].length > 0) acts.push(() => this.#carry(side));
    if (end.deeds.length > 0 && end.connection.writable && this.#mayDo(end)) acts.push(() => this.#do(end));
    if (side === 'client' && !this.#earlyWritten && end.connection.earlyRoom !== undefined && !end.over) {
      acts.push(() => {
        end.connection.writeEarly(earlyData);
        this.#earlyWritten = true;
        end.stir();
      });
    }
    return acts;
  }

  /** A certificate is asked for once the handshake is over. */
  #mayDo({ deeds, established }: End): boolean {
    return typeof deeds[0] === 'object' || established;
  }

  #carry(from: Side): void {
    const to = this.ends[other[from]];
    const wire = this.#wires[from];
    const { inputRoom } = to.connection;
    const size = Math.min(Math.ceil((wire.length * (1 + this.#pick(8))) / 8), inputRoom);
    const chunk = wire.slice(0, size);
    this.#wires[from] = wire.subarray(size);
    if (this.#flips) {
      this.#flips = false;
      const at = this.#pick(chunk.length);
      chunk[at] = (chunk[at] ?? 0) ^ (1 << this.#pick(8));
    }
    to.stir();
    if (!to.transportEnded) to.connection.receive(chunk);
  }

  #do(end: End): void {
    const { connection } = end;
    const deed = end.deeds.shift();
    end.stir();
    if (deed === 'update' || deed === 'update both') connection.updateKeys(deed === 'update both');
    else if (deed === 'export') connection.exportKey('EXPORTER-test', undefined, 32);
    else if (deed === 'request') {
      // RFC 9846 §4.4.2: not of a client that shares an external PSK.
      if (connection.facts?.postHandshakeAuth !== true || this.plan.external) return;
      connection.requestCertificate();
      this.#requests++;
    } else if (deed !== undefined) connection.write([deed.write]);
  }

  #intervene(): void {
    const { intervention } = this.plan.trouble;
    if (intervention === undefined || intervention.after !== this.#steps) return;
    const end = this.ends[intervention.side];
    switch (intervention.kind) {
      case 'destroy':
        return this.#destroy(end);
      case 'closeWrite':
        return this.closeWrite(end);
      case 'abort':
        end.connection.abort(new TlsError('ERR_TLS_INTERNAL', 'enough', { alert: 'internal_error' }));
        end.stir();
        return;
      case 'transport ends':
        end.transportEnded = true;
        end.connection.receiveEnd();
        end.stir();
        return;
      case 'bit flips':
        this.#flips = true;
    }
  }

  closeWrite(end: End): void {
    const inHandshake = end.connection.facts === undefined;
    end.connection.closeWrite();
    end.stir();
    end.deeds.length = 0;
    end.writeClosed = true;
    // What was polled for before is heard, and nothing else.
    if (inHandshake && !end.failed) {
      end.run(1);
      end.destroyed = true;
    } else if (!end.over) this.#halfClosed = end;
  }

  #destroy(end: End): void {
    end.connection.destroy();
    end.destroyed = true;
    end.stir();
  }

  /** Whoever has closed its side is still told all; the other side hears that it has (RFC 9846 §6.1). */
  checkHalfClosed(): void {
    const end = this.#halfClosed;
    if (end === undefined) return;
    const error = sides.flatMap((side) => this.ends[side].events).find(({ type }) => type === 'error');
    if (error?.type === 'error') throw error.error;
    expect(this.ends[other[end.side]].events.at(-1)).toEqual({ type: 'end', closeNotify: true });
    const received = Buffer.concat(end.received);
    expect(received.length).toBeGreaterThanOrEqual(this.#written[other[end.side]].length);
  }

  /** Both are done with, and so are their secrets; whoever was not told anything is not told anything now. */
  async bury(): Promise<void> {
    for (const side of sides) {
      const end = this.ends[side];
      // An error is the end of all secrets by itself.
      if (end.failed) this.#checkWiped(end);
      this.#destroy(end);
      end.connection.destroy();
    }
    while (this.answers.open) await this.answers.settle();
    await heard();
    for (const side of sides) {
      const end = this.ends[side];
      end.run(10);
      this.#checkWiped(end);
      expect(end.connection.poll()).toBeUndefined();
      expect([end.connection.writable, end.connection.earlyRoom]).toEqual([false, undefined]);
      expect(() => end.connection.exportKey('EXPORTER-test', undefined, 32)).toThrow();
    }
    expect(external.secret.wiped).toBe(false);
  }

  #checkWiped({ side, ledger }: End): void {
    const { survivors } = ledger;
    if (survivors.length > 0) throw new Error(`the ${side} keeps ${[...new Set(survivors)].join(', ')}`);
  }

  /** Nothing stood in the way: it has to have come to a good end. */
  async finish(): Promise<void> {
    const { client, server } = this.ends;
    expect([client.connection.phase, server.connection.phase]).toEqual(['open', 'open']);
    const early = this.#earlyWritten && client.connection.facts?.earlyData === 'accepted';
    const expected = {
      client: Buffer.concat([...(early ? [earlyData] : []), this.#written.client]),
      server: this.#written.server,
    };
    for (const side of sides) {
      expect(this.ends[side].deeds).toEqual([]);
      const received = Buffer.concat(this.ends[other[side]].received);
      expect(received.equals(expected[side])).toBe(true);
    }
    expect(server.events.filter(({ type }) => type === 'authenticated')).toHaveLength(this.#requests);
    for (const side of sides) expect(this.ends[side].ledger.survivors).not.toEqual([]);
    expect(client.connection.exportKey('l', undefined, 32)).toEqual(server.connection.exportKey('l', undefined, 32));
    for (const side of this.#pick(2) === 0 ? sides : [...sides].reverse()) {
      this.closeWrite(this.ends[side]);
      if (this.#pick(2) === 0) await this.rest();
    }
    await this.rest();
    for (const side of sides) {
      expect(this.ends[side].connection.phase).toBe('closed');
      expect(this.ends[side].events.at(-1)).toEqual({ type: 'end', closeNotify: true });
    }
  }
}

const MOST_STEPS = 5000;
const earlyData = new Uint8Array(700).fill(77);

async function play(index: number): Promise<void> {
  const seed = FIRST_SEED + index;
  const run = new Run(index, randomNumbers(seed));
  try {
    await run.rest();
    const { ask, intervention } = run.plan.trouble;
    if (ask === undefined && intervention === undefined) await run.finish();
    if (ask === undefined && intervention?.kind === 'closeWrite') run.checkHalfClosed();
    await run.bury();
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`seed ${seed}, ${JSON.stringify(run.plan)}: ${message}`, { cause });
  }
}

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);

describe('whatever the order', () => {
  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterAll(() => void process.off('unhandledRejection', onUnhandled));

  test(`${RUNS} runs end well, or in one error, and leave no secret`, async () => {
    for (let index = 0; index < RUNS; index++) {
      await play(index);
      expect(unhandled).toEqual([]);
    }
  }, 60_000);

  test('everything was asked for, and answered in every way', () => {
    const missing = askNames.flatMap((what) =>
      fates.flatMap((fate) => (seen.has(`${what} ${fate}`) ? [] : [`${what} ${fate}`])),
    );
    expect(missing).toEqual([]);
  });
});
