import { wipe } from '../bytes/wipe.ts';
import { AlertDescription, asTlsError, misuse, reject, TlsError } from '../errors.ts';
import { requestCertificate } from '../handshake/after/post-auth.ts';
import { postHandshake } from '../handshake/after/post-handshake.ts';
import type { Established } from '../handshake/shared/established.ts';
import { receiveTicket } from '../handshake/shared/tickets.ts';
import type { ClientConfig, ServerConfig } from '../handshake/terms/config.ts';
import type { Role } from '../handshake/terms/credential.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import type { RecordLayer } from '../handshake/terms/record-layer.ts';
import { type Answers, type AskName, discard, type PendingAsk, type Runner } from '../handshake/terms/script.ts';
import { settleClient, settleServer } from '../handshake/terms/settings.ts';
import type { Limits } from '../limits.ts';
import { type Received, Receiving } from '../record/receiving.ts';
import { Sending } from '../record/sending.ts';
import { ContentType, HandshakeType, nameOf } from '../wire/enums.ts';
import { type NewSessionTicket, parseMessage } from '../wire/messages.ts';
import { FATAL, readAlert, WARNING } from './alert.ts';
import { Budget } from './budget.ts';
import { EarlyData } from './early-data.ts';
import type { Event, Phase, SecretEvent } from './events.ts';
import { KeyUpdates } from './key-updates.ts';
import { recordLayerOf } from './record-layer.ts';
import { answerLater, handshakeOf, type Setup, scriptOf } from './setup.ts';
import { Tasks } from './tasks.ts';

export type { Event, Phase, SecretEvent };

/**
 * One end of one TLS 1.3 connection, without I/O: bytes go in by {@link receive}, come out by {@link takeOutput}, and
 * what they mean is polled. After each `receive`, `receiveEnd`, `answer` or `fail`, call {@link poll} until it answers
 * `undefined`, then send {@link takeOutput}.
 */
export class Connection {
  readonly role: Role;
  readonly #setup: Setup;
  readonly #limits: Limits;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #events: Event[] = [];
  readonly #early = new EarlyData();
  readonly #tasks = new Tasks();
  readonly #records: RecordLayer;
  readonly #keyUpdates: KeyUpdates;
  readonly #budget: Budget;
  #runner: Runner<Established> | undefined;
  #started = false;
  #asked: PendingAsk | undefined;
  #established: Established | undefined;
  #failed = false;
  #destroyed = false;
  #readClosed = false;
  #writeClosed = false;
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
    const { role, config } = setup;
    this.role = role;
    this.#setup = setup;
    this.#limits = config.limits;
    this.#budget = new Budget(this.#limits);
    this.#sending = new Sending(role, { padding: config.padding, maxFragment: config.maxFragment });
    this.#keyUpdates = new KeyUpdates(this.#sending);
    this.#receiving = new Receiving(this.#limits, role, config.boringsslChecks);
    this.#records = recordLayerOf({
      sending: this.#sending,
      receiving: this.#receiving,
      early: this.#early,
      events: this.#events,
      keylog: config.keylog,
    });
    this.#runner = handshakeOf(setup, this.#records);
  }

  get phase(): Phase {
    if (this.#failed) return 'failed';
    if (this.#readClosed && this.#writeClosed) return 'closed';
    if (this.#readClosed || this.#writeClosed) return 'closing';
    return this.facts === undefined ? 'handshake' : 'open';
  }

  /** What the handshake established; undefined before `open`. */
  get facts(): Facts | undefined {
    return this.#established?.facts;
  }

  /** Whether {@link write} may be called: from `open` on; for a server that took 0-RTT data, from then on. */
  get writable(): boolean {
    return (this.facts !== undefined || this.#early.halfRoundTrip) && !this.#writeClosed && !this.#failed;
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

  /** Whether something is being made, as session tickets are, that {@link closeWrite} would cut off. */
  get busy(): boolean {
    return this.#tasks.busy;
  }

  /** Bytes of output waiting to be taken. */
  get outputLength(): number {
    return this.#sending.length;
  }

  /**
   * Takes ciphertext from the transport; copies it. What is wrong with it comes out of {@link poll}.
   * @throws TlsError ERR_TLS_INVALID_STATE when there is no {@link inputRoom} at all
   */
  receive(chunk: Uint8Array): void {
    if (this.#failed || this.#readClosed) return;
    if (this.inputRoom === 0) misuse('ERR_TLS_INVALID_STATE', 'receive() without room: poll() first');
    this.#receiving.append(chunk);
  }

  /** The transport has ended. */
  receiveEnd(): void {
    this.#inputEnded = true;
  }

  /** One step; `undefined` means that nothing more happens until the owner does something. */
  poll(): Event | undefined {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#failed || this.#destroyed) return undefined;
      if (!this.#guard(() => this.#advance()) && !this.#guard(() => this.#makeRecords())) return undefined;
    }
  }

  /** Answers an ask; ignored when it is no longer open, as after the connection has died: its secrets are wiped. */
  answer(ask: PendingAsk, value: Answers[AskName]): void {
    if (this.#runner?.pending === ask) this.#guard(() => this.#resume((runner) => runner.answer(ask, value)));
    else if (this.#tasks.pending === ask) this.#guard(() => this.#tasks.answer(ask, value));
    else discard(ask.request, value);
  }

  /** The operation asked for has failed: the connection fails with this error as cause. */
  fail(ask: PendingAsk, error: unknown): void {
    if (this.#runner?.pending === ask) this.#guard(() => this.#resume((runner) => runner.fail(ask, error)));
    else if (this.#tasks.pending === ask) this.#guard(() => this.#tasks.fail(ask, error));
  }

  /**
   * Client: encrypts 0-RTT data into the output, as much of it as {@link earlyRoom} has (RFC 9846 §2.3: it has no
   * forward secrecy, and can be replayed).
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
   * How many bytes to {@link write} before others get their turn: for some 2 ms of work in pure JavaScript, however
   * small the records are that the peer takes.
   * @param fragment content bytes per record, where the caller writes smaller ones. Default: as many as may be
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
      this.#budget.data(chunks.reduce((sum, { length }) => sum + length, 0));
    });
    return this.#sending.length < this.#limits.outbox;
  }

  /**
   * Bytes for the transport, in order; they are the caller's from here.
   * @param unsent what was taken before has not been sent: a KeyUpdate that is owed waits, so that a peer who asks for
   * them and reads none does not have them gathered
   */
  takeOutput(unsent = false): readonly Uint8Array[] {
    this.#guard(() => {
      if (!unsent) this.#payKeyUpdate();
      this.#sending.flush();
    });
    return this.#sending.take();
  }

  /** Client: the `session` that came last is of use. Else tickets in a row are a flood (`limits.postHandshakeMessages`). */
  sessionTaken(): void {
    this.#budget.useful();
  }

  /**
   * Ends our direction with close_notify; reading goes on (RFC 9846 §6.1). During the handshake it cancels the
   * connection with user_canceled. Idempotent.
   */
  closeWrite(): void {
    if (this.#writeClosed || this.#failed) return;
    this.#guard(() => {
      if (this.facts === undefined) this.#sending.alert(WARNING, AlertDescription.user_canceled);
      this.#sending.alert(WARNING, AlertDescription.close_notify);
      if (this.facts === undefined) return this.destroy();
      this.#writeClosed = true;
      this.#tasks.closeWrite();
      this.#sending.wipe();
      if (this.#readClosed) this.#wipe();
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
    const established = this.#established;
    const setup = this.#setup;
    // RFC 9846 §4.4.2: not of those who are known by an external PSK.
    const mayAsk = established?.facts.externalPsk === undefined;
    if (!this.writable || setup.role !== 'server' || established?.facts.postHandshakeAuth !== true || !mayAsk) {
      return misuse('ERR_TLS_INVALID_STATE', 'this peer cannot be asked for a certificate now');
    }
    if (this.#tasks.full) misuse('ERR_TLS_INVALID_STATE', 'too many requests for a certificate are open');
    const { clientCertificate } = setup.config;
    const demand = required === undefined ? clientCertificate : required ? 'required' : 'optional';
    const config = { ...setup.config, clientCertificate: demand } as const;
    const done = (facts: Facts): void => {
      this.#established = { ...established, facts };
      this.#events.push({ type: 'authenticated', facts });
    };
    const script = scriptOf(config, this.#records, (endpoint) => requestCertificate(endpoint, established, done));
    this.#guard(() => this.#tasks.add(script));
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
    if (!this.#failed && this.phase !== 'closed') this.#die(error, description ?? alertOf(error));
  }

  /** Forgets every secret without a word to the peer. Idempotent. */
  destroy(): void {
    this.#destroyed = true;
    this.#readClosed = true;
    this.#writeClosed = true;
    this.#wipe();
    for (const event of this.#events.splice(0)) {
      if (event.type === 'secret') wipe(event.secret);
      if (event.type === 'session') event.session.psk.wipe();
    }
  }

  /** Does one piece of work; false when there is none. */
  #advance(): boolean {
    // An answer that is under way goes out, although the peer has said goodbye.
    const { pending: late } = this.#tasks;
    if (this.#readClosed) return !this.#writeClosed && late !== undefined && this.#raise(late);
    const runner = this.#runner;
    if (runner !== undefined && !this.#started) {
      this.#started = true;
      this.#resume(() => runner.start());
      return true;
    }
    if (runner?.pending !== undefined) return this.#raise(runner.pending);
    // What happens after the handshake holds up nothing else, but for the rest of an answer that is being read.
    const { pending } = this.#tasks;
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
    this.#budget.data(bytes.length);
    this.#events.push({ type: 'data', bytes, ...(early && { early }) });
  }

  #message(raw: Uint8Array): void {
    const runner = this.#runner;
    if (runner === undefined) return this.#postHandshake(raw);
    this.#budget.handshake(raw.length);
    const type = raw[0] ?? 0;
    if (!runner.wants.some((wanted) => wanted === type)) {
      const name = nameOf(HandshakeType, type);
      const wanted = runner.wants.map((id) => nameOf(HandshakeType, id)).join(' or ');
      reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `${name} came instead of ${wanted}`);
    }
    const message = parseMessage(raw);
    this.#resume(() => runner.message(message));
  }

  /** RFC 9846 §4.7 */
  #postHandshake(raw: Uint8Array): void {
    const established = this.#established;
    if (established === undefined) return;
    const message = parseMessage(raw);
    // What was asked for is no flood.
    if (this.#tasks.wants(message.type)) return this.#tasks.message(message);
    const asked = message.type === HandshakeType.key_update && this.#keyUpdates.awaited;
    if (!asked) this.#budget.message(message.type);
    if (this.#tasks.receiving) {
      const name = nameOf(HandshakeType, message.type);
      reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `${name} came among the client's authentication`);
    }
    const setup = this.#setup;
    const answersLater = setup.role === 'client' && setup.config.postHandshakeAuth;
    const outcome = postHandshake(this.role, message, answersLater);
    switch (outcome.action) {
      case 'ticket':
        return this.#ticket(established, outcome.message);
      case 'authenticate':
        // Who has said goodbye does not answer any more.
        if (setup.role !== 'client' || this.#writeClosed) return;
        return this.#tasks.add(answerLater(setup.config, this.#records, established, outcome.message));
      case 'updateRead':
        this.#receiving.updateKey();
        this.#keyUpdates.received(outcome.respond);
    }
  }

  #ticket(established: Established, message: NewSessionTicket): void {
    const session = receiveTicket(this.#setup.config, established, message);
    if (session !== undefined) this.#events.push({ type: 'session', session });
  }

  #payKeyUpdate(): void {
    if (this.writable) this.#keyUpdates.pay();
  }

  /** @returns false: there is nothing to say of it */
  #makeRecords(): false {
    this.#sending.flush();
    return false;
  }

  #alert(bytes: Uint8Array): void {
    const alert = readAlert(bytes, this.#setup.config.boringsslChecks);
    if (alert === 'close_notify') return this.#endRead(true);
    // A received error alert closes the connection and is not answered.
    if (alert !== 'user_canceled') return this.#die(alert);
    this.#budget.warning();
  }

  /** The peer sends no more: by its close_notify, or because the transport has ended. */
  #endRead(closeNotify: boolean): void {
    if (this.facts === undefined) {
      const what = closeNotify ? 'the peer closed the connection' : 'the transport ended';
      return this.#die(new TlsError('ERR_TLS_TRUNCATED', `${what} during the handshake`, { blame: 'transport' }));
    }
    this.#readClosed = true;
    this.#receiving.wipe();
    if (this.#writeClosed) this.#wipe();
    this.#events.push({ type: 'end', closeNotify });
  }

  /** Runs the script on, and takes over what it established. */
  #resume(step: (runner: Runner<Established>) => void): boolean {
    const runner = this.#runner;
    if (runner === undefined) return false;
    step(runner);
    const established = runner.result;
    if (established === undefined) return true;
    this.#established = established;
    if (this.#destroyed) return true;
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
      // A callback may have destroyed this connection, in the middle of something that went on.
      if (this.#destroyed) this.destroy();
    }
  }

  /** @param description of the alert to send, if any */
  #die(error: TlsError, description?: number): void {
    if (this.#failed || this.phase === 'closed') return;
    this.#failed = true;
    try {
      if (description !== undefined && !this.#writeClosed) this.#sending.alert(FATAL, description);
    } catch {
      // A padding that cannot be had is no reason to say nothing to the owner.
    } finally {
      this.#wipe();
      this.#events.push({ type: 'error', error });
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

function alertOf({ alert }: TlsError): number | undefined {
  return alert === undefined ? undefined : AlertDescription[alert];
}
