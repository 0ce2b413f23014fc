import { reject } from '../../errors.ts';
import { HandshakeType, KeyUpdateRequest, nameOf } from '../../wire/enums.ts';
import type { HandshakeMessage, MessageOf, NewSessionTicket } from '../../wire/messages.ts';
import type { Role } from '../terms/credential.ts';

/** What the connection has to do about a post-handshake message. */
export type PostHandshake =
  | { readonly action: 'authenticate'; readonly message: MessageOf<typeof HandshakeType.certificate_request> }
  | { readonly action: 'ticket'; readonly message: NewSessionTicket }
  /** Replace the key to read with. `respond`: send a KeyUpdate before the next application data. */
  | { readonly action: 'updateRead'; readonly respond: boolean };

/**
 * Decides what a post-handshake message means. These messages have no order among themselves, so no script expects them
 * (RFC 9846 §4.7).
 */
export function postHandshake(role: Role, message: HandshakeMessage, postHandshakeAuth: boolean): PostHandshake {
  switch (message.type) {
    case HandshakeType.key_update:
      return { action: 'updateRead', respond: wantsResponse(message.body.requestUpdate) };
    case HandshakeType.certificate_request:
      // RFC 9846 §4.3.6: only a client that sent post_handshake_auth may be asked.
      if (role === 'client' && postHandshakeAuth) return { action: 'authenticate', message };
      break;
    case HandshakeType.new_session_ticket:
      if (role === 'client') return { action: 'ticket', message: message.body };
      break;
  }
  const name = nameOf(HandshakeType, message.type);
  return reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `${name} after the handshake`);
}

/** Whether a KeyUpdate asks for one in return (RFC 9846 §4.7.3). */
function wantsResponse(requestUpdate: number): boolean {
  switch (requestUpdate) {
    case KeyUpdateRequest.update_not_requested:
      return false;
    case KeyUpdateRequest.update_requested:
      return true;
    default:
      return reject('ERR_TLS_DECODE', 'illegal_parameter', `KeyUpdate with request_update ${requestUpdate}`);
  }
}
