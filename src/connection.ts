import { AlertDescription, alertName, alertReceived, asTlsError, misuse, reject, TlsError } from './errors.ts';
import { clientHandshake } from './handshake/client.ts';
import type { ClientConfig, CommonConfig, Facts, Role, ServerConfig } from './handshake/config.ts';
import { postHandshake } from './handshake/established.ts';
import type { Established } from './handshake/finish.ts';
import { type Answers, type AskName, type PendingAsk, Runner, type Script } from './handshake/script.ts';
import { serverHandshake } from './handshake/server.ts';
import type { KeylogLabel, Wire } from './handshake/wire.ts';
import type { Exporter } from './keys/schedule.ts';
import { revealForKeylog } from './keys/schedule.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { type Received, Receiving } from './record/receiving.ts';
import { Sending } from './record/sending.ts';
import { ContentType, HandshakeType, KeyUpdateRequest, nameOf } from './wire/enums.ts';
import { encodeMessage, parseMessage } from './wire/messages.ts';

export type Event =
  /** Application data; the bytes are fresh and the receiver's to keep. */
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  /** Something the handshake needs; answer with `perform(ask.request)` or your own. Messages wait meanwhile. */
  | { readonly type: 'ask'; readonly ask: PendingAsk }
  /** The handshake is complete; application data may be written from here. */
  | { readonly type: 'open'; readonly facts: Facts }
  /** Key log material (only with `keylog: true`). */
  | SecretEvent
  /** No more data from the peer. `closeNotify: false` means it may have been cut off by someone else (§6.1). */
  | { readonly type: 'end'; readonly closeNotify: boolean }
  /** Fatal: emitted once; the alert, if any, is in the output; nothing follows. */
  | { readonly type: 'error'; readonly error: TlsError };

export interface SecretEvent {
  readonly type: 'secret';
  readonly label: KeylogLabel;
  readonly clientRandom: Uint8Array;
  readonly secret: Uint8Array;
}

export type Phase = 'handshake' | 'open' | 'closing' | 'closed' | 'failed';

/**
 * One end of one TLS 1.3 connection, without I/O: bytes go in by {@link receive}, come out by {@link takeOutput}, and
 * what they mean is polled. After each `receive`, `receiveEnd`, `answer` or `fail`, call {@link poll} until it answers
 * `undefined`, then send {@link takeOutput}.
 */
export class Connection {
  readonly role: Role;
  readonly #limits: Limits;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #events: Event[] = [];
  #runner: Runner<Established> | undefined;
  #started = false;
  #asked: PendingAsk | undefined;
  #facts: Facts | undefined;
  #exporter: Exporter | undefined;
  #failed = false;
  #readClosed = false;
  #writeClosed = false;
  #inputEnded = false;
  #warnings = 0;
  #handshakeBytes = 0;
  #postHandshakeMessages = 0;
  #owesKeyUpdate = false;
  #awaitsKeyUpdate = false;

  static client(config: ClientConfig): Connection {
    return new Connection('client', config, (wire, limits) => clientHandshake(wire, config, limits));
  }

  static server(config: ServerConfig): Connection {
    return new Connection('server', config, (wire, limits) => serverHandshake(wire, config, limits));
  }

  private constructor(role: Role, config: CommonConfig, script: (wire: Wire, limits: Limits) => Script<Established>) {
    this.role = role;
    this.#limits = config.limits === undefined ? defaultLimits : { ...defaultLimits, ...config.limits };
    this.#sending = new Sending(role, { padding: config.padding, maxFragment: config.maxFragment });
    this.#receiving = new Receiving(this.#limits, role);
    this.#runner = new Runner(script(this.#wire(config.keylog === true), this.#limits));
  }

  get phase(): Phase {
    if (this.#failed) return 'failed';
    if (this.#readClosed && this.#writeClosed) return 'closed';
    if (this.#readClosed || this.#writeClosed) return 'closing';
    return this.#facts === undefined ? 'handshake' : 'open';
  }

  /** What the handshake established; undefined before `open`. */
  get facts(): Facts | undefined {
    return this.#facts;
  }

  /** Whether {@link write} may be called. */
  get writable(): boolean {
    return this.#facts !== undefined && !this.#writeClosed && !this.#failed;
  }

  /** How many bytes {@link receive} takes before the owner should poll, or stop reading its transport. */
  get inputRoom(): number {
    return Math.max(0, this.#limits.inbox - this.#receiving.buffered);
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
      if (this.#failed || !this.#guard(() => this.#advance())) return undefined;
    }
  }

  /** Answers an ask; ignored when it is no longer open, as after the connection has died. */
  answer(ask: PendingAsk, value: Answers[AskName]): void {
    if (this.#runner?.pending !== ask) return;
    this.#guard(() => this.#resume((runner) => runner.answer(ask, value)));
  }

  /** The operation asked for has failed: the connection fails with this error as cause. */
  fail(ask: PendingAsk, error: unknown): void {
    if (this.#runner?.pending !== ask) return;
    this.#guard(() => this.#resume((runner) => runner.fail(ask, error)));
  }

  /**
   * Encrypts application data into the output.
   * @returns false when the output holds more than the outbox limit: send it before writing more
   * @throws TlsError ERR_TLS_INVALID_STATE when not {@link writable}
   */
  write(chunks: readonly Uint8Array[]): boolean {
    if (!this.writable) misuse('ERR_TLS_INVALID_STATE', `write() while the connection is ${this.phase}`);
    this.#payKeyUpdate();
    // RFC 9846 §5.5: before the key wears out.
    if (this.#sending.needsUpdate) this.updateKeys();
    this.#sending.data(chunks);
    return this.#sending.length < this.#limits.outbox;
  }

  /** Bytes for the transport, in order; they are the caller's from here. */
  takeOutput(): readonly Uint8Array[] {
    this.#payKeyUpdate();
    return this.#sending.take();
  }

  /**
   * Ends our direction with close_notify; reading goes on (RFC 9846 §6.1). During the handshake it cancels the
   * connection with user_canceled. Idempotent.
   */
  closeWrite(): void {
    if (this.#writeClosed || this.#failed) return;
    if (this.#facts === undefined) this.#sending.alert(WARNING, AlertDescription.user_canceled);
    this.#sending.alert(WARNING, AlertDescription.close_notify);
    if (this.#facts === undefined) return this.destroy();
    this.#writeClosed = true;
    this.#sending.wipe();
  }

  /**
   * Replaces our sending key (RFC 9846 §4.7.3), and asks the peer to replace its own.
   * @throws TlsError ERR_TLS_INVALID_STATE when not {@link writable}
   */
  updateKeys(requestPeer = false): void {
    if (!this.writable) misuse('ERR_TLS_INVALID_STATE', `updateKeys() while the connection is ${this.phase}`);
    const request = requestPeer && !this.#awaitsKeyUpdate;
    this.#awaitsKeyUpdate ||= request;
    this.#sendKeyUpdate(request ? KeyUpdateRequest.update_requested : KeyUpdateRequest.update_not_requested);
  }

  /**
   * Keying material for another protocol, RFC 9846 §7.5. An absent context is an empty one.
   * @throws TlsError ERR_TLS_INVALID_STATE before `open` and after the connection has died
   */
  exportKey(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    const exporter = this.#exporter ?? misuse('ERR_TLS_INVALID_STATE', `exportKey() while ${this.phase}`);
    return exporter.export(label, context ?? new Uint8Array(0), length);
  }

  /** Fails the connection from this side; `error.alert`, if any, is sent. */
  abort(error: TlsError): void {
    if (!this.#failed && this.phase !== 'closed') this.#die(error);
  }

  /** Forgets every secret without a word to the peer. Idempotent. */
  destroy(): void {
    this.#readClosed = true;
    this.#writeClosed = true;
    this.#wipe();
  }

  /** Does one piece of work; false when there is none. */
  #advance(): boolean {
    if (this.#readClosed) return false;
    const runner = this.#runner;
    if (runner !== undefined && !this.#started) {
      this.#started = true;
      this.#resume(() => runner.start());
      return true;
    }
    if (runner?.pending !== undefined) return this.#raise(runner.pending);
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
    if (this.#facts === undefined) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'application data before the end of the handshake');
    }
    if (bytes.length === 0) return;
    this.#postHandshakeMessages = 0;
    this.#events.push({ type: 'data', bytes });
  }

  #message(raw: Uint8Array): void {
    const runner = this.#runner;
    if (runner === undefined) return this.#postHandshake(raw);
    this.#handshakeBytes += raw.length;
    if (this.#handshakeBytes > this.#limits.handshakeTotal) {
      reject('ERR_TLS_HANDSHAKE_TOO_LARGE', 'decode_error', 'the handshake takes more bytes than the limit');
    }
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
    const message = parseMessage(raw);
    this.#postHandshakeMessages++;
    const floods = this.#postHandshakeMessages > this.#limits.postHandshakeMessages;
    if (floods && message.type === HandshakeType.key_update) {
      reject('ERR_TLS_TOO_MANY_KEY_UPDATES', 'unexpected_message', 'too many KeyUpdates in a row');
    }
    if (floods) reject('ERR_TLS_TOO_MANY_MESSAGES', 'unexpected_message', 'too many post-handshake messages in a row');
    const outcome = postHandshake(this.role, message);
    if (outcome.action === 'none') return;
    this.#receiving.updateKey();
    this.#awaitsKeyUpdate = false;
    // RFC 9846 §4.7.3: several requests while we are silent get one answer.
    this.#owesKeyUpdate ||= outcome.respond;
  }

  #payKeyUpdate(): void {
    if (!this.#owesKeyUpdate || !this.writable) return;
    this.#sendKeyUpdate(KeyUpdateRequest.update_not_requested);
  }

  #sendKeyUpdate(requestUpdate: number): void {
    // Whatever its reason, it also answers a request that is open.
    this.#owesKeyUpdate = false;
    this.#sending.updateKey(encodeMessage(HandshakeType.key_update, { requestUpdate }));
  }

  /** RFC 9846 §6: the level is ignored, the description decides. */
  #alert(bytes: Uint8Array): void {
    const description = bytes[1];
    if (description === undefined || bytes.length !== 2) {
      reject('ERR_TLS_BAD_ALERT', 'decode_error', 'an alert record that is not one alert');
    }
    switch (description) {
      case AlertDescription.close_notify:
        return this.#endRead(true);
      case AlertDescription.user_canceled:
        this.#warnings++;
        if (this.#warnings <= this.#limits.warnings) return;
        return reject('ERR_TLS_TOO_MANY_WARNINGS', 'unexpected_message', 'too many user_canceled alerts');
    }
    const name = alertName(description);
    // A received error alert closes the connection and is not answered.
    this.#die(
      name === undefined
        ? new TlsError('ERR_TLS_UNKNOWN_ALERT', `the peer sent an unknown fatal alert: ${description}`)
        : alertReceived(name),
      { answer: false },
    );
  }

  /** The peer sends no more: by its close_notify, or because the transport has ended. */
  #endRead(closeNotify: boolean): void {
    if (this.#facts === undefined) {
      const what = closeNotify ? 'the peer closed the connection' : 'the transport ended';
      return this.#die(new TlsError('ERR_TLS_TRUNCATED', `${what} during the handshake`, { blame: 'transport' }));
    }
    this.#readClosed = true;
    this.#receiving.wipe();
    this.#events.push({ type: 'end', closeNotify });
  }

  /** Runs the script on, and takes over what it established. */
  #resume(step: (runner: Runner<Established>) => void): boolean {
    const runner = this.#runner;
    if (runner === undefined) return false;
    step(runner);
    const established = runner.result;
    if (established === undefined) return true;
    this.#runner = undefined;
    this.#asked = undefined;
    this.#facts = established.facts;
    this.#exporter = established.exporter;
    this.#receiving.endHandshake();
    this.#events.push({ type: 'open', facts: established.facts });
    return true;
  }

  /** The one place where an error becomes an alert (RFC 9846 §6.2). */
  #guard(work: () => boolean): boolean {
    try {
      return work();
    } catch (error) {
      this.#die(asTlsError(error));
      return true;
    }
  }

  #die(error: TlsError, { answer }: { readonly answer: boolean } = { answer: true }): void {
    if (this.#failed) return;
    this.#failed = true;
    if (answer && error.alert !== undefined && !this.#writeClosed) {
      this.#sending.alert(FATAL, AlertDescription[error.alert]);
    }
    this.#wipe();
    this.#events.push({ type: 'error', error });
  }

  #wipe(): void {
    this.#runner?.abandon();
    this.#runner = undefined;
    this.#exporter?.wipe();
    this.#exporter = undefined;
    this.#sending.wipe();
    this.#receiving.wipe();
  }

  /** What the script sees of this connection (handshake/wire.ts). */
  #wire(keylog: boolean): Wire {
    return {
      send: (message) => this.#sending.handshake(message),
      changeCipherSpec: () => this.#sending.changeCipherSpec(),
      protect: (direction, suite, secret) => {
        if (direction === 'read') this.#receiving.protect(suite, secret);
        else this.#sending.protect(suite, secret);
      },
      log: (label, clientRandom, secret) => {
        if (keylog) this.#events.push({ type: 'secret', label, clientRandom, secret: revealForKeylog(secret) });
      },
    };
  }
}

/** AlertLevel, RFC 9846 §6 */
const WARNING = 1;
const FATAL = 2;
