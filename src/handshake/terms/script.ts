import { Custody } from '../../crypto/custody.ts';
import type { Awaitable, Encapsulation, Group, KeyShare, SignatureVerifier, Signer } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { misuse } from '../../errors.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { object, wrong } from '../../options.ts';
import type { ReplayGuard } from '../../session/replay.ts';
import type { Session, SessionState } from '../../session/session.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import type { HandshakeType } from '../../wire/enums.ts';
import type { HandshakeMessage, MessageOf } from '../../wire/messages.ts';
import type { Compressor, Decompressor } from '../terms/credential.ts';
import { failedAsk, wrongAnswer } from './ask-failures.ts';
import type { CertificateRequestView, ChainRequest, ChainVerdict, ClientHelloView } from './config.ts';
import type { Credential } from './credential.ts';

/** What a handshake asks its owner for, besides messages. Each request carries all that is needed to answer it. */
export interface Asks {
  keyShare: { readonly group: Group };
  agree: { readonly share: KeyShare; readonly peer: Uint8Array };
  encapsulate: { readonly group: Group; readonly peer: Uint8Array };
  chooseCredentials: {
    readonly hello: ClientHelloView;
    /** `chooseCredentials` of the configuration. */
    readonly choose: (hello: ClientHelloView) => Awaitable<readonly Credential[] | undefined>;
  };
  chooseClientCredentials: {
    readonly request: CertificateRequestView;
    /** `chooseCredentials` of the configuration. */
    readonly choose: (request: CertificateRequestView) => Awaitable<readonly Credential[] | undefined>;
  };
  chooseProtocol: {
    readonly hello: ClientHelloView;
    /** `chooseProtocol` of the configuration. */
    readonly choose: (hello: ClientHelloView) => Awaitable<Uint8Array | undefined>;
  };
  verifyChain: {
    readonly request: ChainRequest;
    /** `verifyChain` of the configuration. */
    readonly verify: (request: ChainRequest) => Awaitable<ChainVerdict>;
  };
  verifySignature: {
    readonly verifier: SignatureVerifier;
    readonly spki: Uint8Array;
    readonly message: Uint8Array;
    readonly signature: Uint8Array;
  };
  sign: { readonly signer: Signer; readonly scheme: number; readonly message: Uint8Array };
  takeSession: {
    /** `takeSession` of the configuration. */
    readonly take: () => Awaitable<Session | undefined>;
  };
  openTicket: { readonly tickets: TicketSealer; readonly ticket: Uint8Array };
  sealTicket: { readonly tickets: TicketSealer; readonly state: SessionState };
  findPsk: {
    readonly identity: Uint8Array;
    /** `findPsk` of the configuration. */
    readonly find: (identity: Uint8Array) => Awaitable<ExternalPsk | undefined>;
  };
  compress: { readonly algorithm: Compressor; readonly message: Uint8Array };
  decompress: {
    readonly algorithm: Decompressor;
    readonly compressed: Uint8Array;
    readonly length: number;
  };
  admitEarlyData: {
    readonly guard: ReplayGuard;
    readonly id: Uint8Array;
    readonly now: number;
    readonly window: number;
    /** Milliseconds after which the owner of the connection answers `false`: the core has no timer. */
    readonly timeout: number;
  };
}

/** What each ask of {@link Asks} is answered with, by its name. */
export interface Answers {
  keyShare: KeyShare;
  agree: Secret<'shared'>;
  encapsulate: Encapsulation;
  chooseCredentials: readonly Credential[] | undefined;
  chooseClientCredentials: readonly Credential[] | undefined;
  chooseProtocol: Uint8Array | undefined;
  verifyChain: ChainVerdict;
  verifySignature: boolean;
  sign: Uint8Array;
  takeSession: Session | undefined;
  openTicket: SessionState | undefined;
  sealTicket: Uint8Array | undefined;
  findPsk: ExternalPsk | undefined;
  compress: Uint8Array;
  decompress: Uint8Array;
  admitEarlyData: boolean;
}

/** Name of an ask. */
export type AskName = keyof Asks;
/** An ask with all that is needed to answer it. `ask` is its name. */
export type AskRequest = { [K in AskName]: { readonly ask: K } & Asks[K] }[AskName];

/** What a script yields: an ask, or the types of the message that it accepts next. */
type Wait = AskRequest | { readonly ask: 'message'; readonly types: readonly HandshakeType[] };

/** A handshake written top to bottom; it is suspended at each `yield*` of {@link expect} and {@link ask}. */
export type Script<T> = Generator<Wait, T, unknown>;

/** A message of one of several types; its `type` says which. */
type AnyOf<T extends HandshakeType> = T extends HandshakeType ? MessageOf<T> : never;

/** The next handshake message, which must be of one of `types` (RFC 9846 §4: else unexpected_message). */
export function* expect<T extends HandshakeType>(...types: readonly T[]): Script<AnyOf<T>> {
  return (yield { ask: 'message', types }) as AnyOf<T>;
}

/** Asks the owner of the connection for something, and waits for the answer. */
export function* ask<K extends AskName>(name: K, request: Asks[K]): Script<Answers[K]> {
  return (yield { ask: name, ...request } as AskRequest) as Answers[K];
}

/** An ask that the owner answers once, with `Connection.answer` or `Connection.fail`. */
export interface PendingAsk {
  readonly request: AskRequest;
}

/**
 * Answers an ask in the usual way: calls what the request holds.
 * @throws what that throws; a promise rejects with the same. TlsError ERR_TLS_CONFIG for what is no request
 *
 * @example
 * ```js
 * import { Connection, perform } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * const refuse = () => ({ ok: false, code: 'CERT_UNTRUSTED', reason: 'nobody is trusted here' });
 * const client = Connection.client({ provider: noble, serverName: 'localhost', verifyChain: refuse });
 * const { ask } = client.poll();
 * console.log(ask.request.ask, ask.request.group.name); // keyShare X25519MLKEM768
 * client.answer(ask, await perform(ask.request)); // or an answer of your own, from a worker or a KMS
 * ```
 */
export function perform(request: AskRequest): Awaitable<Answers[AskName]> {
  object(request, 'perform: request');
  switch (request.ask) {
    case 'keyShare':
      return request.group.generate();
    case 'agree':
      return request.share.agree(request.peer);
    case 'encapsulate':
      return request.group.encapsulate(request.peer);
    case 'chooseCredentials':
      return request.choose(request.hello);
    case 'chooseClientCredentials':
      return request.choose(request.request);
    case 'chooseProtocol':
      return request.choose(request.hello);
    case 'verifyChain':
      return request.verify(request.request);
    case 'verifySignature':
      return request.verifier.verify(request.spki, request.message, request.signature);
    case 'sign':
      return request.signer.sign(request.scheme, request.message);
    case 'takeSession':
      return request.take();
    case 'openTicket':
      return request.tickets.open(request.ticket);
    case 'sealTicket':
      return request.tickets.seal(request.state);
    case 'findPsk':
      return request.find(request.identity);
    case 'compress':
      return request.algorithm.compress(request.message);
    case 'decompress':
      return request.algorithm.decompress(request.compressed, request.length);
    case 'admitEarlyData':
      return request.guard.admit(request.id, request.now, request.window);
    default:
      return wrong('perform: request', 'the request of an ask, as event.ask.request', request);
  }
}

/** Runs a script that owns secrets, and wipes those that it has not given away when it ends, however it ends. */
export function* underCustody<T>(script: (custody: Custody) => Script<T>): Script<T> {
  const custody = new Custody();
  try {
    return yield* script(custody);
  } finally {
    custody.wipe();
  }
}

/** Wipes the secrets in an answer that came after its script had ended. */
export function discard(request: AskRequest, answer: Answers[AskName]): void {
  if (request === undefined) misuse('ERR_TLS_CONFIG', 'answer(): the ask must be the one of the event');
  const answers = { [request.ask]: answer } as Partial<Answers>;
  answers.keyShare?.wipe();
  answers.agree?.wipe();
  answers.encapsulate?.shared.wipe();
  answers.takeSession?.psk.wipe();
  answers.openTicket?.psk.wipe();
}

/** Steps a script, and knows for which message or answer the script waits. A script that threw cannot be resumed. */
export class Runner<T> {
  readonly #script: Script<T>;
  #wait: Wait | undefined;
  #pending: PendingAsk | undefined;
  #result: { readonly value: T } | undefined;
  #running = false;
  #abandoned = false;

  constructor(script: Script<T>) {
    this.#script = script;
  }

  /** Runs to the first wait. */
  start(): void {
    this.#step(undefined);
  }

  /** The message types that the script accepts now; empty while an ask is open or the script has ended. */
  get wants(): readonly HandshakeType[] {
    return this.#wait?.ask === 'message' ? this.#wait.types : [];
  }

  get pending(): PendingAsk | undefined {
    return this.#pending;
  }

  get result(): T | undefined {
    return this.#result?.value;
  }

  get done(): boolean {
    return this.#result !== undefined;
  }

  message(message: HandshakeMessage): void {
    this.#step(message);
  }

  /**
   * Answers the open ask. An answer that is none of its kind fails it.
   * @param pending must be {@link pending}
   */
  answer(pending: PendingAsk, value: Answers[AskName]): void {
    const wrong = wrongAnswer(pending.request.ask, value);
    if (wrong !== undefined) return this.fail(pending, new TypeError(wrong));
    this.#close(pending);
    // Many a function says null for nothing.
    this.#step(value ?? undefined);
  }

  /** Throws an error into the script at the `yield` of its open ask; one that is no TlsError becomes the cause of one. */
  fail(pending: PendingAsk, error: unknown): void {
    this.#close(pending);
    this.#run(() => this.#script.throw(failedAsk(pending.request.ask, error)));
  }

  /** Ends the script where it stands, so that its `finally` wipes what it held. */
  abandon(): void {
    this.#abandoned = true;
    this.#wait = undefined;
    this.#pending = undefined;
    // Where a callback of the running script calls this, the script runs on to its next wait first.
    if (!this.#running) this.#script.return(undefined as never);
  }

  #close(pending: PendingAsk): void {
    if (pending !== this.#pending) misuse('ERR_TLS_INVALID_STATE', 'this ask is not open');
    this.#pending = undefined;
  }

  #step(value: unknown): void {
    this.#run(() => this.#script.next(value));
  }

  #run(step: () => IteratorResult<Wait, T>): void {
    this.#running = true;
    let next: IteratorResult<Wait, T>;
    try {
      next = step();
    } finally {
      this.#running = false;
    }
    // The result of a script that has ended is kept, though abandoned: its owner wipes it.
    if (this.#abandoned && next.done !== true) this.#script.return(undefined as never);
    else this.#settle(next);
  }

  #settle(next: IteratorResult<Wait, T>): void {
    if (next.done === true) {
      this.#wait = undefined;
      this.#result = { value: next.value };
      return;
    }
    this.#wait = next.value;
    this.#pending = next.value.ask === 'message' ? undefined : { request: next.value };
  }
}
