import type { TlsError } from '../errors.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import type { KeylogLabel } from '../handshake/terms/record-layer.ts';
import type { PendingAsk } from '../handshake/terms/script.ts';
import type { Session } from '../session/session.ts';

/** The events of a connection, as `poll` answers them. */
export type Event =
  /**
   * Application data; the receiver owns the bytes. `early`: it came as 0-RTT data, which an attacker may have replayed (RFC
   * 9846 §8).
   */
  | { readonly type: 'data'; readonly bytes: Uint8Array; readonly early?: true }
  /** An operation that the handshake needs: the owner answers with `perform(ask.request)`, or with a result of its own. */
  | { readonly type: 'ask'; readonly ask: PendingAsk }
  /** The handshake is complete; application data may be written from here. */
  | { readonly type: 'open'; readonly facts: Facts }
  /** Client: a session that a later connection may offer. The receiver keeps it, or wipes it. */
  | { readonly type: 'session'; readonly session: Session }
  /** Server: the client's answer to {@link Connection.requestCertificate}. */
  | { readonly type: 'authenticated'; readonly facts: Facts }
  /** Server with `retryCookies`: the HelloRetryRequest is in the output, and the server need not keep this connection. */
  | { readonly type: 'retry' }
  /** Client: whether the server took the 0-RTT data. Refused data was not processed, and opentls does not send it again. */
  | { readonly type: 'early'; readonly accepted: boolean }
  /** Key log material (only with `keylog: true`). */
  | SecretEvent
  /** The end of the peer's data. `closeNotify: false`: an attacker may have cut it off (RFC 9846 §6.1). */
  | { readonly type: 'end'; readonly closeNotify: boolean }
  /** A fatal error, the last event. The alert, if any, is in the output. */
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
