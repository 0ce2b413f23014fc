import type { TlsError } from '../errors.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import type { KeylogLabel } from '../handshake/terms/record-layer.ts';
import type { PendingAsk } from '../handshake/terms/script.ts';
import type { Session } from '../session/session.ts';

/** The events of a connection, as `poll` answers them. */
export type Event =
  /**
   * Application data; the bytes are fresh and the receiver's to keep. `early`: it came as 0-RTT data, which an attacker
   * may have replayed (RFC 9846 §8).
   */
  | { readonly type: 'data'; readonly bytes: Uint8Array; readonly early?: true }
  /** Something the handshake needs; answer with `perform(ask.request)` or your own. Messages wait meanwhile. */
  | { readonly type: 'ask'; readonly ask: PendingAsk }
  /** The handshake is complete; application data may be written from here. */
  | { readonly type: 'open'; readonly facts: Facts }
  /** Client: a session that a later connection may offer. It is the receiver's to keep, or to wipe. */
  | { readonly type: 'session'; readonly session: Session }
  /** Server: the client's answer to {@link Connection.requestCertificate}. */
  | { readonly type: 'authenticated'; readonly facts: Facts }
  /** Server with `retryCookies`: a HelloRetryRequest was sent, and nothing of this connection is needed any more. */
  | { readonly type: 'retry' }
  /** Client: whether the server took the 0-RTT data. What it refused was not processed; nobody sends it again. */
  | { readonly type: 'early'; readonly accepted: boolean }
  /** Key log material (only with `keylog: true`). */
  | SecretEvent
  /** No more data from the peer. `closeNotify: false` means it may have been cut off by someone else (§6.1). */
  | { readonly type: 'end'; readonly closeNotify: boolean }
  /** Fatal: emitted once; the alert, if any, is in the output; nothing follows. */
  | { readonly type: 'error'; readonly error: TlsError };

/**
 * A secret of the key schedule, as a line of the key log has it:
 * `label`, `clientRandom` and `secret` in hexadecimal with spaces between them.
 */
export interface SecretEvent {
  readonly type: 'secret';
  /** Its name in the key log (RFC 9850). */
  readonly label: KeylogLabel;
  /** The ClientHello's random, which tells connections apart: 32 bytes. */
  readonly clientRandom: Uint8Array;
  /** The secret itself. */
  readonly secret: Uint8Array;
}

/**
 * Where a connection stands. `open`: data may be written. `closing`: this side has sent close_notify, or the peer's has come.
 * `closed`: both have. `failed`: a fatal error ended it.
 */
export type Phase = 'handshake' | 'open' | 'closing' | 'closed' | 'failed';
