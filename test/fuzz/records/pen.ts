import type { Connection } from '#opentls/connection/connection';
import type { CipherSuite } from '#opentls/crypto/provider';
import { Secret, type TrafficLabel } from '#opentls/crypto/secret';
import type { Receiving } from '#opentls/record/receiving';
import { TrafficKey } from '#opentls/record/traffic-key';
import { ContentType } from '#opentls/wire/enums';
import { record } from '../../record/records.ts';

/** Writes records under one side's key, those that no Sealer makes among them. */
export class Pen {
  readonly #key: TrafficKey;

  constructor(suite: CipherSuite, label: TrafficLabel, secret: Uint8Array) {
    this.#key = new TrafficKey(suite, new Secret(label, secret.slice()));
  }

  /** @param inner TLSInnerPlaintext. @param type of the record outside */
  seal(inner: Uint8Array, type: number = ContentType.application_data): Uint8Array {
    const { aead, nonces, suite } = this.#key;
    const sealed = Uint8Array.from(record(type, new Uint8Array(inner.length + suite.aead.tagLength)));
    sealed.set(inner, 5);
    aead.seal(nonces.next(), sealed.slice(0, 5), sealed.subarray(5), inner.length);
    return sealed;
  }

  /** Content of a type, padded. */
  content(type: number, content: Uint8Array, padding = 0): Uint8Array {
    const inner = new Uint8Array(content.length + 1 + padding);
    inner.set(content);
    inner[content.length] = type;
    return this.seal(inner);
  }

  /** A record that never arrives. */
  skip(): void {
    this.#key.nonces.next();
  }

  update(): void {
    this.#key.update();
  }
}

/** What is known of a connection: what it was told, and so what it has to say. */
export interface Live {
  readonly role: 'client' | 'server';
  readonly engine: Connection;
  readonly pen: Pen;
  /** Whether it is a client that answers CertificateRequests. */
  readonly answers: boolean;
  /** Reads what it answers. */
  readonly answered: Receiving;
  /** Data that was sent and has not been handed out. */
  readonly expected: Uint8Array[];
  /** Records without content in a row, user_canceled alerts, and messages that no data has paid for. */
  empties: number;
  warnings: number;
  debt: number;
  /** It has sent its close_notify. */
  closed: boolean;
}

/** The outcomes: it goes on, it hears of the end, it dies of the peer's alert, it dies and sends one of these alerts. */
export type Verdict = 'on' | 'end' | 'silence' | readonly string[];

export interface Input {
  readonly bytes: Uint8Array;
  /** Undefined: any, but for what is never right. Nothing can be told of the connection after it. */
  readonly verdict: Verdict | undefined;
}
