import { Connection } from '#opentls/connection/connection';
import type { CryptoProvider, Group, KeyShare, SignatureVerifier, Signer } from '#opentls/crypto/provider';
import type { ChainRequest } from '#opentls/handshake/terms/config';
import { perform } from '#opentls/handshake/terms/script';
import type { Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import {
  createCertificate,
  generatePrivateKey,
  hostName,
  SignatureCache,
  TrustStore,
  verifyPeer,
} from '#opentls/x509/index';
import { interleaved, median } from './measure.ts';
import type { Row } from './report.ts';

/**
 * A whole handshake in memory, both ends in one thread: X25519, P-256, a chain of leaf and intermediate under a root
 * that the client has; next to the public-key operations it cannot do without. They are timed twice: inside the very
 * handshakes that are measured, and alone in a loop, where caches and the collector treat them better.
 */
export function handshakeCost(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.map((provider) => {
    const clock = new Clock();
    const timed = new Setup(timedProvider(provider, clock));
    const plain = new Setup(provider);
    const tasks = [
      { name: 'inside', run: () => clock.count(() => timed.handshake()) },
      { name: 'alone', run: () => plain.operations() },
    ];
    // What runs once in a handshake is optimised after a thousand of them, as in a server that has run for a while.
    const times = interleaved(tasks, 15, 60, 12_000);
    const alone = times.get('alone') ?? Number.NaN;
    const [whole, inside] = [median(clock.wholes), median(clock.parts)];
    return {
      provider: provider.name,
      'handshake ms': whole.toFixed(2),
      'handshakes/s': (1000 / whole).toFixed(0),
      'operations inside ms': inside.toFixed(2),
      ratio: median(clock.wholes.map((time, n) => time / (clock.parts[n] ?? Number.NaN))).toFixed(3),
      'operations alone ms': alone.toFixed(2),
      'ratio to alone': (whole / alone).toFixed(3),
    };
  });
}

/** The same handshakes by a client that remembers which signatures of chains were good. */
export function rememberedHandshakes(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.map((provider) => {
    const plain = new Setup(provider);
    const remembering = new Setup(provider, new SignatureCache({ hash: provider.hashes.sha256 }));
    const times = interleaved([
      { name: 'without', run: () => plain.handshake() },
      { name: 'with', run: () => remembering.handshake() },
    ]);
    const rate = (name: string): number => 1000 / (times.get(name) ?? Number.NaN);
    return {
      provider: provider.name,
      'handshakes/s without': rate('without').toFixed(0),
      'handshakes/s with': rate('with').toFixed(0),
      ratio: (rate('with') / rate('without')).toFixed(2),
    };
  });
}

/**
 * A handshake that resumes the session of the one before, next to a full one of the same peers, both with two new
 * tickets. A client judges the chain of a session again, but knows from the session which of its signatures are good. A
 * full handshake is timed of a client that meets the server for the first time, and of one that remembers the
 * signatures of its chain.
 */
export function resumedHandshakes(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.map((provider) => {
    const tickets = new TicketKeys(provider);
    const setup = new Setup(provider, undefined, tickets);
    const remembering = new Setup(provider, new SignatureCache({ hash: provider.hashes.sha256 }), tickets);
    const sessions = new SessionChain(setup);
    const tasks = [
      { name: 'full', run: () => setup.handshake() },
      { name: 'full, chain known', run: () => remembering.handshake() },
      { name: 'resumed', run: () => sessions.next() },
    ];
    const times = interleaved(tasks, 15, 100, 6_000);
    const time = (name: string): number => times.get(name) ?? Number.NaN;
    return {
      provider: provider.name,
      'full ms': time('full').toFixed(2),
      'full, chain known ms': time('full, chain known').toFixed(2),
      'resumed ms': time('resumed').toFixed(2),
      'resumed/full': (time('resumed') / time('full')).toFixed(3),
      'resumed/full, chain known': (time('resumed') / time('full, chain known')).toFixed(3),
    };
  });
}

/** Handshakes that each resume the session of the one before. */
class SessionChain {
  readonly #setup: Setup;
  #session: Session;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#session = this.#keepLast(setup.open());
  }

  next(): void {
    const pair = this.#setup.open(this.#session);
    if (pair.client.facts?.resumed !== true || pair.server.facts?.resumed !== true) throw new Error('not resumed');
    this.#session = this.#keepLast(pair);
  }

  #keepLast({ client, server, sessions }: Pair): Session {
    const last = found(sessions.at(-1));
    for (const { psk } of sessions.slice(0, -1)) psk.wipe();
    client.destroy();
    server.destroy();
    return last;
  }
}

/** Adds up what is spent in some calls within others. */
class Clock {
  readonly wholes: number[] = [];
  readonly parts: number[] = [];
  #part = 0;

  count(run: () => void): void {
    this.#part = 0;
    const start = performance.now();
    run();
    this.wholes.push(performance.now() - start);
    this.parts.push(this.#part);
  }

  part<T>(run: () => T): T {
    const start = performance.now();
    const value = run();
    this.#part += performance.now() - start;
    return value;
  }
}

/** The same provider, its public-key operations on the clock. */
function timedProvider(provider: CryptoProvider, clock: Clock): CryptoProvider {
  return {
    ...provider,
    groups: provider.groups.map((group) => ({
      id: group.id,
      name: group.name,
      generate() {
        const share = now(clock.part(() => group.generate()));
        return {
          group: share.group,
          publicKey: share.publicKey,
          agree: (peer) => clock.part(() => share.agree(peer)),
          wipe: () => share.wipe(),
        };
      },
      encapsulate: (peer) => clock.part(() => group.encapsulate(peer)),
    })),
    verifiers: provider.verifiers.map((verifier) => ({
      algorithm: verifier.algorithm,
      verify: (spki, message, signature) => clock.part(() => verifier.verify(spki, message, signature)),
    })),
    signer(key) {
      const signer = provider.signer(key);
      return { ...signer, sign: (scheme, message) => clock.part(() => signer.sign(scheme, message)) };
    },
  };
}

/** Two ends whose handshake is done, and the sessions that came of it. */
interface Pair {
  readonly client: Connection;
  readonly server: Connection;
  readonly sessions: readonly Session[];
}

/** Both ends and what they need, in one thread. */
export class Setup {
  readonly #provider: CryptoProvider;
  readonly #cache: SignatureCache | undefined;
  readonly #tickets: TicketKeys | undefined;
  readonly #group: Group;
  readonly #signer: Signer;
  readonly #verifier: SignatureVerifier;
  readonly #trust: TrustStore;
  readonly #name = hostName('localhost');
  readonly #chain: readonly Uint8Array[];
  readonly #signature: Uint8Array;
  readonly #message = new Uint8Array(130).fill(5);

  constructor(provider: CryptoProvider, cache?: SignatureCache, tickets?: TicketKeys) {
    this.#provider = provider;
    this.#cache = cache;
    this.#tickets = tickets;
    this.#group = found(provider.groups.find(({ id }) => id === NamedGroup.x25519));
    this.#verifier = found(provider.verifiers.find(({ algorithm }) => algorithm === 'ecdsa_sha256'));
    const [root, intermediate, leaf] = [newSigner(provider), newSigner(provider), newSigner(provider)];
    const rootDer = certificate(provider, { subject: 'Bench root', signer: root, isCa: true });
    const intermediateDer = certificate(provider, {
      subject: 'Bench intermediate',
      signer: root,
      publicKey: found(intermediate.publicKey),
      issuer: { certificate: rootDer },
      isCa: true,
    });
    const leafDer = certificate(provider, {
      subject: 'localhost',
      signer: intermediate,
      publicKey: found(leaf.publicKey),
      issuer: { certificate: intermediateDer },
      subjectAltNames: { dns: ['localhost'] },
    });
    this.#signer = leaf;
    this.#trust = TrustStore.from([rootDer]);
    this.#chain = [leafDer, intermediateDer];
    this.#signature = now(leaf.sign(SignatureScheme.ecdsa_secp256r1_sha256, this.#message));
  }

  handshake(): void {
    const { client, server } = this.open();
    client.destroy();
    server.destroy();
  }

  /** @param session to resume; without, the handshake is a full one */
  open(session?: Session): Pair {
    const common = {
      provider: this.#provider,
      groups: [NamedGroup.x25519],
      verifyChain: ({ chain, remembered }: ChainRequest) =>
        verifyPeer(chain, {
          remembered,
          trust: this.#trust,
          verifiers: this.#provider.verifiers,
          purpose: 'server' as const,
          name: this.#name,
          time: Date.now(),
          cache: this.#cache,
        }),
    };
    const client = Connection.client({ ...common, serverName: 'localhost', takeSession: session && (() => session) });
    const credentials = [{ chain: this.#chain, signer: this.#signer }];
    const server = Connection.server({ ...common, credentials, tickets: this.#tickets });
    const sessions: Session[] = [];
    for (let flights = 0; flights < 3; flights++) {
      carry(client, server, sessions);
      carry(server, client, sessions);
    }
    if (!client.writable || !server.writable) throw new Error('the handshake did not complete');
    return { client, server, sessions };
  }

  /** Two key pairs, two agreements, one signature; the leaf, the intermediate and CertificateVerify checked. */
  operations(): void {
    const client = now(this.#group.generate()) as KeyShare;
    const server = now(this.#group.encapsulate(client.publicKey));
    now(client.agree(server.publicKey));
    now(this.#signer.sign(SignatureScheme.ecdsa_secp256r1_sha256, this.#message));
    const spki = found(this.#signer.publicKey);
    for (let i = 0; i < 3; i++) {
      if (now(this.#verifier.verify(spki, this.#message, this.#signature)) !== true) throw new Error('a bad signature');
    }
  }
}

function carry(from: Connection, to: Connection, sessions: Session[]): void {
  settle(from, sessions);
  for (const slab of from.takeOutput()) {
    to.receive(slab);
    settle(to, sessions);
  }
}

function settle(end: Connection, sessions: Session[]): void {
  for (let event = end.poll(); event !== undefined; event = end.poll()) {
    if (event.type === 'error') throw event.error;
    if (event.type === 'session') sessions.push(event.session);
    if (event.type === 'ask') end.answer(event.ask, now(perform(event.ask.request)));
  }
}

type CertificateParts = Omit<Parameters<typeof createCertificate>[0], 'provider' | 'notBefore' | 'notAfter'>;

function certificate(provider: CryptoProvider, parts: CertificateParts): Uint8Array {
  const day = 86_400_000;
  return now(createCertificate({ provider, notBefore: Date.now() - day, notAfter: Date.now() + day, ...parts })).der;
}

function newSigner(provider: CryptoProvider): Signer {
  return provider.signer(generatePrivateKey('P-256', provider.random));
}

function now<T>(value: T | PromiseLike<T>): T {
  if (typeof value === 'object' && value !== null && 'then' in value) throw new Error('these providers answer at once');
  return value;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not found');
  return value;
}
