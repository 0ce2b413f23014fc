import type { Connection, Event } from '#opentls/connection/connection';
import { Custody } from '#opentls/crypto/custody';
import type { CipherSuite, RecordAead } from '#opentls/crypto/provider';
import type { Secret, TrafficLabel } from '#opentls/crypto/secret';
import { clientHandshake } from '#opentls/handshake/client/client';
import { serverHandshake } from '#opentls/handshake/server/server';
import type { Established } from '#opentls/handshake/shared/established';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { RecordLayer } from '#opentls/handshake/terms/record-layer';
import { perform, Runner } from '#opentls/handshake/terms/script';
import { settleClient, settleServer } from '#opentls/handshake/terms/settings';
import { trafficKeys } from '#opentls/keys/schedule';
import { defaultLimits } from '#opentls/limits';
import { INITIAL_VERSION, RECORD_VERSION } from '#opentls/record/header';
import { NonceSequence } from '#opentls/record/nonce';
import { Outbox } from '#opentls/record/outbox';
import { Receiving } from '#opentls/record/receiving';
import { PlainSealer, Sealer } from '#opentls/record/sealer';
import { ContentType } from '#opentls/wire/enums';
import { parseMessage } from '#opentls/wire/messages';
import { errorOf, settle } from './pair.ts';

type Step =
  | { readonly kind: 'message'; readonly raw: Uint8Array }
  | { readonly kind: 'key'; readonly suite: CipherSuite; readonly secret: Secret<TrafficLabel> };

/**
 * A peer with an honest handshake that a test lets out one message at a time. The test can stop it after any message and
 * send something else, protected with the key that is in use there.
 */
export class Peer {
  readonly events: Event[] = [];
  readonly #steps: Step[] = [];
  readonly #runner: Runner<Established>;
  readonly #receiving: Receiving;
  #sealer: PlainSealer | Sealer;
  /** The key of the sealer once more, for records that the sealer would not make. Valid until the sealer is used. */
  #keys: { readonly aead: RecordAead; readonly nonces: NonceSequence } | undefined;

  constructor(role: 'client' | 'server', config: ClientConfig & ServerConfig) {
    this.#receiving = new Receiving(defaultLimits, role);
    this.#sealer = new PlainSealer(role === 'client' ? INITIAL_VERSION : RECORD_VERSION);
    const records: RecordLayer = {
      send: (raw) => void this.#steps.push({ kind: 'message', raw }),
      changeCipherSpec: () => {},
      protect: (direction, suite, secret) => {
        if (direction === 'read') this.#receiving.protect(suite, secret);
        else this.#steps.push({ kind: 'key', suite, secret });
      },
      unprotectWrite: () => {},
      allowEarlyWrite: () => {},
      earlyDecided: () => {},
      checkAligned: () => {},
      expectRetriedHello: () => {},
      retrySent: () => {},
      endEarlyWrite: () => {},
      takeEarlyData: () => {},
      allowHalfRoundTrip: () => {},
      skipEarlyData: () => {},
      limitRecords: () => {},
      verifyData: () => new Uint8Array(0),
      log: () => {},
    };
    const custody = new Custody();
    this.#runner = new Runner(
      role === 'client'
        ? clientHandshake({ config: settleClient(config), records, custody })
        : serverHandshake({ config: settleServer(config), records, custody }),
    );
    this.#runner.start();
  }

  /** Lets `count` messages through to `engine`, and the keys that come after them. */
  play(engine: Connection, count: number): void {
    let sent = 0;
    for (;;) {
      this.#hear(engine);
      const step = this.#steps[0];
      if (step === undefined || (step.kind === 'message' && sent === count)) break;
      this.#steps.shift();
      if (step.kind === 'key') this.#protect(step.suite, step.secret);
      else {
        this.say(engine, ContentType.handshake, step.raw);
        sent++;
      }
    }
    if (sent !== count) throw new Error(`the handshake ended after ${sent} messages`);
  }

  /** Sends content of any type under the current key. */
  say(engine: Connection, type: number, content: Uint8Array): void {
    const outbox = new Outbox();
    this.#sealer.seal(type, [content], outbox);
    for (const record of outbox.take()) engine.receive(record);
    settle(engine, this.events);
  }

  /** Sends a protected record with empty content: RFC 9846 §5.1 allows it for data, and {@link Sealer} never makes one. */
  sayEmpty(engine: Connection, type: number): void {
    if (this.#keys === undefined) throw new Error('no key yet');
    const record = new Uint8Array([ContentType.application_data, 3, 3, 0, 17, type, ...new Uint8Array(16)]);
    this.#keys.aead.seal(this.#keys.nonces.next(), record.slice(0, 5), record.subarray(5), 1);
    engine.receive(record);
    settle(engine, this.events);
  }

  /** Sends a handshake message out of turn, and returns the error that the engine ends with. */
  inject(engine: Connection, raw: Uint8Array): ReturnType<typeof errorOf> {
    settle(engine, this.events);
    this.say(engine, ContentType.handshake, raw);
    return errorOf(this.events);
  }

  #protect(suite: CipherSuite, secret: Secret<TrafficLabel>): void {
    const { aead, iv } = trafficKeys(suite, secret);
    this.#keys = { aead, nonces: new NonceSequence(iv) };
    this.#sealer = new Sealer(suite, secret);
  }

  #hear(engine: Connection): void {
    this.#answer();
    settle(engine, this.events);
    for (const slab of engine.takeOutput()) this.#receiving.append(slab);
    for (let received = this.#receiving.next(); received !== undefined; received = this.#receiving.next()) {
      if (received.type !== ContentType.handshake || this.#runner.done) continue;
      this.#runner.message(parseMessage(received.bytes));
      this.#answer();
    }
  }

  #answer(): void {
    for (let ask = this.#runner.pending; ask !== undefined; ask = this.#runner.pending) {
      this.#runner.answer(ask, perform(ask.request) as never);
    }
  }
}
