/** The engine: being written. This is its surface (DESIGN 5.5); see handshake/config.ts and handshake/script.ts. */
import type { TlsError } from './errors.ts';
import type { ClientConfig, Facts, ServerConfig } from './handshake/config.ts';
import type { Answers, AskName, PendingAsk } from './handshake/script.ts';

export type Event =
  /** Application data; the bytes are fresh and the receiver's to keep. */
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  /** Something the handshake needs; answer with `perform(ask.request)` or your own. Messages wait meanwhile. */
  | { readonly type: 'ask'; readonly ask: PendingAsk }
  /** The handshake is complete; application data may be written from here (server: from its own Finished on). */
  | { readonly type: 'open'; readonly facts: Facts }
  /** Key log material (only with `keylog: true`). */
  | {
      readonly type: 'secret';
      readonly label: KeylogLabel;
      readonly clientRandom: Uint8Array;
      readonly secret: Uint8Array;
    }
  /** The peer's close_notify: no more data from it. Our side may go on writing (half-close). */
  | { readonly type: 'end' }
  /** Fatal: emitted once; the alert (if any) is in the output; nothing follows. */
  | { readonly type: 'error'; readonly error: TlsError };

export type KeylogLabel =
  | 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'
  | 'SERVER_HANDSHAKE_TRAFFIC_SECRET'
  | 'CLIENT_TRAFFIC_SECRET_0'
  | 'SERVER_TRAFFIC_SECRET_0'
  | 'EXPORTER_SECRET';

export type Phase = 'handshake' | 'open' | 'closing' | 'closed' | 'failed';

export declare class Connection {
  static client(config: ClientConfig): Connection;
  static server(config: ServerConfig): Connection;
  /** Copies the chunk. Never throws for what the peer sent; errors come out of poll(). */
  receive(chunk: Uint8Array): void;
  /** Bytes of input that receive() still has room for before the owner should stop reading the transport. */
  readonly inputRoom: number;
  /** Transport EOF. Without close_notify before it → ERR_TLS_TRUNCATED error event. */
  receiveEnd(): void;
  /** One step; undefined = nothing more until receive/answer/… Must be called until undefined after each of these. */
  poll(): Event | undefined;
  answer(ask: PendingAsk, value: Answers[AskName]): void;
  fail(ask: PendingAsk, error: unknown): void;
  /** Encrypts into the output. Throws TlsError ERR_TLS_INVALID_STATE before open or after closeWrite. Returns true if output is below the outbox high-water mark. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Bytes to send to the transport, in order; ownership passes. Empty array when none. */
  takeOutput(): readonly Uint8Array[];
  /** Queues close_notify; reading goes on. Idempotent. */
  closeWrite(): void;
  /** KeyUpdate (RFC 9846 §4.7.3). */
  updateKeys(requestPeer?: boolean): void;
  exportKey(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
  /** Fails the connection from our side, with an alert if given; wipes all keys. */
  abort(error: TlsError): void;
  /** Drops all secrets without a word to the peer. Idempotent. */
  destroy(): void;
  readonly phase: Phase;
  readonly facts: Facts | undefined;
  readonly writable: boolean;
}
