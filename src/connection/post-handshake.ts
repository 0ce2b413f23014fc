import { misuse, reject } from '../errors.ts';
import { requestCertificate } from '../handshake/after/post-auth.ts';
import type { Established } from '../handshake/shared/established.ts';
import { receiveTicket } from '../handshake/shared/tickets.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import type { RecordLayer } from '../handshake/terms/record-layer.ts';
import type { FloodCounters } from '../record/flood-counters.ts';
import { HandshakeType, nameOf } from '../wire/enums.ts';
import { parseMessage } from '../wire/messages.ts';
import type { Event } from './events.ts';
import type { KeyUpdates } from './key-updates.ts';
import { answerLater, type Setup, scriptOf } from './setup.ts';
import type { Tasks } from './tasks.ts';

/** The parts of a connection that post-handshake messages act on. */
export interface PostHandshakeParts {
  readonly setup: Setup;
  readonly records: RecordLayer;
  readonly tasks: Tasks;
  readonly keyUpdates: KeyUpdates;
  readonly counters: FloodCounters;
  readonly events: Event[];
}

/**
 * Dispatches the messages that come after the handshake (RFC 9846 §4.7). It handles NewSessionTicket and KeyUpdate
 * at once; post-handshake authentication runs as a script of its own, a task.
 */
export class PostHandshake {
  readonly #parts: PostHandshakeParts;

  constructor(parts: PostHandshakeParts) {
    this.#parts = parts;
  }

  /**
   * @param raw the whole message
   * @param writeClosed whether our close_notify has gone out: a CertificateRequest is not answered then
   */
  message(established: Established, raw: Uint8Array, writeClosed: boolean): void {
    const { tasks, keyUpdates, counters } = this.#parts;
    const message = parseMessage(raw);
    // An answer to a task, and a KeyUpdate that we asked for, do not count as a flood.
    if (tasks.wants(message.type)) return tasks.message(message);
    if (message.type !== HandshakeType.key_update || !keyUpdates.awaited) counters.postHandshakeMessage(message.type);
    if (tasks.receiving) {
      const name = nameOf(HandshakeType, message.type);
      reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `${name} came among the client's authentication`);
    }
    const { setup, records, events } = this.#parts;
    if (message.type === HandshakeType.key_update) return keyUpdates.receive(message);
    if (setup.role === 'client' && message.type === HandshakeType.new_session_ticket) {
      const session = receiveTicket(setup.config, established, message.body);
      if (session !== undefined) events.push({ type: 'session', session });
      return;
    }
    // RFC 9846 §4.3.6: a server may ask only a client that sent post_handshake_auth.
    const mayAsk = setup.role === 'client' && setup.config.postHandshakeAuth;
    if (mayAsk && message.type === HandshakeType.certificate_request) {
      if (!writeClosed) tasks.add(answerLater(setup.config, records, established, message));
      return;
    }
    const name = nameOf(HandshakeType, message.type);
    reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `${name} after the handshake`);
  }

  /**
   * Server: the script that asks for a client certificate (RFC 9846 §4.7.2).
   * @param required whether the connection fails without one. Default: where `clientCertificate` is 'required'
   * @param done receives the facts with the client's certificate
   * @returns a call that begins it
   * @throws TlsError ERR_TLS_INVALID_STATE where the client cannot be asked
   */
  requestCertificate(
    established: Established | undefined,
    required: boolean | undefined,
    done: (facts: Facts) => void,
  ): () => void {
    const { setup, tasks, records } = this.#parts;
    // RFC 9846 §4.4.2: a client that an external PSK authenticates is not asked.
    const mayAsk = established?.facts.externalPsk === undefined;
    if (setup.role !== 'server' || established?.facts.postHandshakeAuth !== true || !mayAsk) {
      return misuse('ERR_TLS_INVALID_STATE', 'this peer cannot be asked for a certificate now');
    }
    if (tasks.full) misuse('ERR_TLS_INVALID_STATE', 'too many requests for a certificate are open');
    const { clientCertificate } = setup.config;
    const demand = required === undefined ? clientCertificate : required ? 'required' : 'optional';
    const config = { ...setup.config, clientCertificate: demand };
    return () => tasks.add(scriptOf(config, records, (endpoint) => requestCertificate(endpoint, established, done)));
  }
}
