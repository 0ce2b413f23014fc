import { wipe } from '../bytes/wipe.ts';
import { AlertDescription, asTlsError, misuse, reject, TlsError } from '../errors.ts';
import type { Established } from '../handshake/shared/established.ts';
import type { ClientConfig, ServerConfig } from '../handshake/terms/config.ts';
import type { Role } from '../handshake/terms/credential.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import { type Answers, type AskName, discard, type PendingAsk, type Runner } from '../handshake/terms/script.ts';
import { settleClient, settleServer } from '../handshake/terms/settings.ts';
import type { Limits } from '../limits.ts';
import { FloodCounters } from '../record/flood-counters.ts';
import { type Received, Receiving } from '../record/receiving.ts';
import { Sending } from '../record/sending.ts';
import { ContentType } from '../wire/enums.ts';
import { alertOf, FATAL, readAlert, WARNING } from './alert.ts';
import { EarlyData } from './early-data.ts';
import type { Event, Phase, SecretEvent } from './events.ts';
import { KeyUpdates } from './key-updates.ts';
import { Lifecycle } from './lifecycle.ts';
import { PostHandshake } from './post-handshake.ts';
import { recordLayerOf } from './record-layer.ts';
import { expectedMessage, handshakeOf, type Setup } from './setup.ts';
import { Tasks } from './tasks.ts';

export type { Event, Phase, SecretEvent };

/**
 * One end of a TLS 1.3 connection, without I/O: ciphertext goes in by {@link receive} and comes out by {@link takeOutput};
 * {@link poll} returns the events. After each `receive`, `receiveEnd`, `answer` or `fail`, call {@link poll} until it answers
 * `undefined`, then send {@link takeOutput}.
 */
export class Connection {
  readonly role: Role;
  readonly #config: Setup['config'];
  readonly #limits: Limits;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #lifecycle = new Lifecycle();
  readonly #events: Event[] = [];
  readonly #early = new EarlyData();
  readonly #tasks = new Tasks();
  readonly #keyUpdates: KeyUpdates;
  readonly #counters: FloodCounters;
  readonly #postHandshake: PostHandshake;
  #runner: Runner<Established> | undefined;
  #asked: PendingAsk | undefined;
  #established: Established | undefined;
  #inputEnded = false;

  /** Makes a client's end; {@link poll} begins the handshake. @throws TlsError ERR_TLS_CONFIG for a wrong option */
  static client(config: ClientConfig): Connection {
    return new Connection({ role: 'client', config: settleClient(config) });
  }

  /** Makes a server's end, which waits for a ClientHello. @throws TlsError ERR_TLS_CONFIG for a wrong option */
  static server(config: ServerConfig): Connection {
    return new Connection({ role: 'server', config: settleServer(config) });
  }

  private constructor(setup: Setup) {
    if (setup?.config === undefined) misuse('ERR_TLS_CONFIG', 'Connection.client() or .server() makes a Connection');
    const { role, config } = setup;
    this.role = role;
    this.#config = config;
    this.#limits = config.limits;
    this.#counters = new FloodCounters(config.limits);
    this.#sending = new Sending(role, { padding: config.padding, maxFragment: config.maxFragment });
    this.#receiving = new Receiving(config.limits, role, config.boringsslChecks, this.#counters);
    this.#keyUpdates = new KeyUpdates(this.#sending, this.#receiving);
    const records = recordLayerOf({
      sending: this.#sending,
      receiving: this.#receiving,
      early: this.#early,
      events: this.#events,
      keylog: config.keylog,
    });
    this.#postHandshake = new PostHandshake({
      setup,
      records,
      tasks: this.#tasks,
      keyUpdates: this.#keyUpdates,
      counters: this.#counters,
      events: this.#events,
    });
    this.#runner = handshakeOf(setup, records);
  }

  get phase(): Phase {
    return this.#lifecycle.phase;
  }

  /** What the handshake established; undefined before `open`. */
  get facts(): Facts | undefined {
    return this.#established?.facts;
  }

  /** Whether {@link write} may be called: from `open` on; for a server that took 0-RTT data, from then on. */
  get writable(): boolean {
    const { phase, readClosed } = this.#lifecycle;
    return phase === 'handshake' ? this.#early.halfRoundTrip : phase === 'open' || readClosed;
  }

  /** How many bytes of 0-RTT data {@link writeEarly} takes; undefined when there is none to write (any more). */
  get earlyRoom(): number | undefined {
    // RFC 9846 §5.5: there is no KeyUpdate before the handshake is over.
    return this.#sending.needsUpdate ? undefined : this.#early.writeRoom;
  }

  /** How many bytes {@link receive} takes before the owner should poll, or stop reading its transport. */
  get inputRoom(): number {
    return Math.max(0, this.#limits.inbox - this.#receiving.buffered);
  }

  /** Whether a task is under way that {@link closeWrite} would cut off, such as making a session ticket. */
  get busy(): boolean {
    return this.#tasks.busy;
  }

  /** Bytes of output waiting to be taken. */
  get outputLength(): number {
    return this.#sending.length;
  }

  /**
   * Takes ciphertext from the transport; copies it. {@link poll} reports errors in it.
   * @throws TlsError ERR_TLS_INVALID_STATE when there is no {@link inputRoom} at all
   */
  receive(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) misuse('ERR_TLS_CONFIG', 'receive(): the chunk must be a Uint8Array');
    if (this.#lifecycle.over || this.#lifecycle.readClosed) return;
    if (this.inputRoom === 0) misuse('ERR_TLS_INVALID_STATE', 'receive() without room: poll() first');
    this.#receiving.append(chunk);
  }

  /** The transport has ended. */
  receiveEnd(): void {
    this.#inputEnded = true;
  }

  /** The next event; undefined when nothing more happens until the owner does something. */
  poll(): Event | undefined {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#lifecycle.over) return undefined;
      if (this.#guard(() => this.#advance())) continue;
      // The application's padding may throw while records are made: that error is an event.
      this.#guard(() => this.#sending.flush());
      if (this.#events.length === 0) return undefined;
    }
  }

  /** Answers an ask. After the connection has failed, the answer is ignored and its secrets are wiped. */
  answer(ask: PendingAsk, value: Answers[AskName]): void {
    if (this.#runner?.pending === ask) this.#guard(() => this.#resume((runner) => runner.answer(ask, value)));
    else if (this.#tasks.pending === ask) this.#guard(() => this.#tasks.answer(ask, value));
    else discard(ask.request, value);
  }

  /** Says that the operation of an ask has failed: the connection fails with this error as its cause. */
  fail(ask: PendingAsk, error: unknown): void {
    if (this.#runner?.pending === ask) this.#guard(() => this.#resume((runner) => runner.fail(ask, error)));
    else if (this.#tasks.pending === ask) this.#guard(() => this.#tasks.fail(ask, error));
  }

  /**
   * Client: encrypts 0-RTT data into the output, as much as {@link earlyRoom} allows. 0-RTT data has no forward secrecy, and
   * an attacker can replay it (RFC 9846 §2.3).
   * @returns the bytes taken
   * @throws TlsError ERR_TLS_INVALID_STATE where there is no `earlyRoom`
   */
  writeEarly(chunk: Uint8Array): number {
    if (this.earlyRoom === undefined) this.#early.endWrite();
    const taken = this.#early.spend(chunk);
    this.#guard(() => this.#sending.data([taken]));
    return taken.length;
  }

  /**
   * How many bytes to {@link write} in one turn of the event loop: some 2 ms of work in pure JavaScript, whatever record size
   * the peer takes.
   * @param fragment content bytes per record, for a caller that writes small records. Default: the largest allowed
   */
  bytesPerTurn(fragment?: number): number {
    return this.#sending.bytesPerTurn(fragment);
  }

  /**
   * Encrypts application data into the output. Where that fails, {@link poll} says so.
   * @returns false when the output holds more than the outbox limit: send it before writing more
   * @throws TlsError ERR_TLS_INVALID_STATE when not {@link writable}
   */
  write(chunks: readonly Uint8Array[]): boolean {
    if (!this.writable) misuse('ERR_TLS_INVALID_STATE', `write() while the connection is ${this.phase}`);
    this.#guard(() => {
      this.#payKeyUpdate();
      // RFC 9846 §5.5: before the key wears out.
      if (this.#sending.needsUpdate) this.#keyUpdates.send(false);
      this.#sending.data(chunks);
      this.#counters.data(chunks.reduce((sum, { length }) => sum + length, 0));
    });
    return this.#sending.length < this.#limits.outbox;
  }

  /**
   * Takes the bytes for the transport, in order. The caller owns them.
   * @param unsent whether the transport has not sent all that was taken before. Then the KeyUpdate that
   * answers the peer's waits, so that a peer that asks for many and reads none cannot make the output grow
   */
  takeOutput(unsent = false): readonly Uint8Array[] {
    this.#guard(() => {
      if (!unsent) this.#payKeyUpdate();
      this.#sending.flush();
    });
    return this.#sending.take();
  }

  /** Client: says that the application uses the last `session`: it does not count against `limits.postHandshakeMessages`. */
  sessionTaken(): void {
    this.#counters.useful();
  }

  /**
   * Ends our direction with close_notify; reading goes on (RFC 9846 §6.1). During the handshake it cancels the
   * connection with user_canceled. Idempotent.
   */
  closeWrite(): void {
    if (this.#lifecycle.over || this.#lifecycle.writeClosed) return;
    this.#guard(() => {
      const { facts } = this;
      if (facts === undefined) this.#sending.alert(WARNING, AlertDescription.user_canceled);
      this.#sending.alert(WARNING, AlertDescription.close_notify);
      if (facts === undefined) return this.destroy();
      if (this.#lifecycle.over) return;
      this.#tasks.closeWrite();
      this.#sending.wipe();
      this.#lifecycle.closeWrite();
      if (this.#lifecycle.over) this.#wipe();
    });
  }

  /**
   * Replaces our sending key (RFC 9846 §4.7.3), and asks the peer to replace its own.
   * @throws TlsError ERR_TLS_INVALID_STATE when not {@link writable}
   */
  updateKeys(requestPeer = false): void {
    if (!this.writable) misuse('ERR_TLS_INVALID_STATE', `updateKeys() while the connection is ${this.phase}`);
    this.#guard(() => this.#keyUpdates.send(requestPeer));
  }

  /**
   * Server: asks for a client certificate after the handshake (RFC 9846 §4.7.2); the answer is an `authenticated`
   * event.
   * @param required whether the connection fails without one. Default: where `clientCertificate` is 'required'
   * @throws TlsError ERR_TLS_INVALID_STATE when not {@link writable}, or the client did not say that it can
   */
  requestCertificate(required?: boolean): void {
    const established = this.writable ? this.#established : undefined;
    const begin = this.#postHandshake.requestCertificate(established, required, (facts) => {
      if (established !== undefined) this.#established = { ...established, facts };
      this.#events.push({ type: 'authenticated', facts });
    });
    this.#guard(begin);
  }

  /**
   * Keying material for another protocol, RFC 9846 §7.5. An absent context is an empty one.
   * @throws TlsError ERR_TLS_INVALID_STATE before `open` and after the connection has died
   */
  exportKey(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    const established = this.phase === 'closed' ? undefined : this.#established;
    const { exporter } = established ?? misuse('ERR_TLS_INVALID_STATE', `exportKey() while ${this.phase}`);
    return exporter.export(label, context ?? new Uint8Array(0), length);
  }

  /**
   * As {@link exportKey}, but bound to the ClientHello alone: for use with 0-RTT data (RFC 9846 §7.5).
   * @throws TlsError ERR_TLS_INVALID_STATE where there was no 0-RTT data
   */
  exportEarlyKey(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    return this.#early.export(label, context ?? new Uint8Array(0), length);
  }

  /**
   * Fails the connection from this side.
   * @param description the alert that is sent: of any number. Default: `error.alert`, if any
   */
  abort(error: TlsError, description?: number): void {
    this.#die(error, description ?? alertOf(error));
  }

  /** Wipes every secret, and sends nothing to the peer. Idempotent. */
  destroy(): void {
    this.#lifecycle.destroy();
    this.#wipe();
    for (const event of this.#events.splice(0)) {
      if (event.type === 'secret') wipe(event.secret);
      if (event.type === 'session') event.session.psk.wipe();
    }
  }

  /** Does one piece of work. @returns false where there is none */
  #advance(): boolean {
    if (this.#lifecycle.over) return false;
    const { pending } = this.#tasks;
    // After the peer's close_notify we still send our answers.
    if (this.#lifecycle.readClosed) return pending !== undefined && this.#raise(pending);
    const runner = this.#runner;
    if (runner !== undefined && this.#lifecycle.starting) {
      this.#lifecycle.begin();
      this.#resume(() => runner.start());
      return true;
    }
    if (runner?.pending !== undefined) return this.#raise(runner.pending);
    // A task holds up reading only while the messages of the peer's answer come in.
    if (pending !== undefined && this.#raise(pending)) return true;
    if (pending !== undefined && this.#tasks.receiving) return false;
    const received = this.#receiving.next();
    if (received !== undefined) this.#route(received);
    else if (this.#inputEnded) this.#endRead(false);
    else return false;
    return true;
  }

  #raise(ask: PendingAsk): boolean {
    if (ask === this.#asked) return false;
    this.#asked = ask;
    this.#events.push({ type: 'ask', ask });
    return true;
  }

  #route(received: Received): void {
    switch (received.type) {
      case ContentType.application_data:
        return this.#data(received.bytes);
      case ContentType.handshake:
        return this.#message(received.bytes);
      case ContentType.alert:
        return this.#alert(received.bytes);
    }
  }

  #data(bytes: Uint8Array): void {
    const early = this.#early.count(bytes.length);
    if (this.facts === undefined && !early) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'application data before the end of the handshake');
    }
    if (this.#tasks.receiving) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', "application data among the client's authentication");
    }
    if (bytes.length === 0) return;
    this.#counters.data(bytes.length);
    this.#events.push({ type: 'data', bytes, ...(early && { early }) });
  }

  #message(raw: Uint8Array): void {
    const runner = this.#runner;
    const established = this.#established;
    if (established !== undefined) {
      return this.#postHandshake.message(established, raw, this.#lifecycle.writeClosed);
    }
    if (runner === undefined) return;
    this.#counters.handshakeMessage(raw.length);
    const message = expectedMessage(raw, runner.wants);
    this.#resume(() => runner.message(message));
  }

  #payKeyUpdate(): void {
    if (this.writable) this.#keyUpdates.pay();
  }

  #alert(bytes: Uint8Array): void {
    const alert = readAlert(bytes, this.#config.boringsslChecks);
    if (alert === 'close_notify') return this.#endRead(true);
    // A received error alert closes the connection and is not answered.
    if (alert !== 'user_canceled') return this.#die(alert);
    this.#counters.warning();
  }

  /** Ends the peer's direction, after its close_notify or the end of the transport. */
  #endRead(closeNotify: boolean): void {
    if (this.facts === undefined) {
      const what = closeNotify ? 'the peer closed the connection' : 'the transport ended';
      return this.#die(new TlsError('ERR_TLS_TRUNCATED', `${what} during the handshake`, { blame: 'transport' }));
    }
    this.#receiving.wipe();
    this.#lifecycle.closeRead();
    if (this.#lifecycle.over) this.#wipe();
    this.#events.push({ type: 'end', closeNotify });
  }

  /** Resumes the handshake script, and keeps what it established once it is complete. */
  #resume(step: (runner: Runner<Established>) => void): boolean {
    const runner = this.#runner;
    if (runner === undefined) return false;
    step(runner);
    const established = runner.result;
    if (established === undefined) return true;
    this.#established = established;
    // A callback of the application may have ended the connection.
    if (this.#lifecycle.over) return true;
    this.#lifecycle.open();
    this.#runner = undefined;
    this.#asked = undefined;
    this.#receiving.endHandshake();
    this.#events.push({ type: 'open', facts: established.facts });
    if (established.afterwards !== undefined) this.#tasks.add(established.afterwards);
    return true;
  }

  /** The one place where an error becomes an alert (RFC 9846 §6.2). */
  #guard(work: () => unknown): boolean {
    try {
      return work() !== false;
    } catch (error) {
      const failure = asTlsError(error);
      this.#die(failure, alertOf(failure));
      return true;
    } finally {
      // A callback of the application may have destroyed the connection during the work.
      if (this.#lifecycle.destroyed) this.destroy();
    }
  }

  /** @param description of the alert to send, if any */
  #die(error: TlsError, description?: number): void {
    if (this.#lifecycle.over) return;
    const { writeClosed } = this.#lifecycle;
    this.#lifecycle.fail();
    this.#events.push({ type: 'error', error });
    try {
      if (description !== undefined && !writeClosed) this.#sending.alert(FATAL, description);
    } catch {
      // Sending the alert may fail, too, by the application's padding: the owner hears of the first error.
    } finally {
      this.#wipe();
    }
  }

  #wipe(): void {
    this.#runner?.abandon();
    this.#runner = undefined;
    this.#tasks.abandon();
    this.#early.wipe();
    this.#established?.exporter.wipe();
    this.#established?.resumption.wipe();
    this.#sending.wipe();
    this.#receiving.wipe();
  }
}
