import type { Connection, Event } from '#opentls/connection/connection';
import type { CipherSuite } from '#opentls/crypto/provider';
import { Secret, type TrafficLabel } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { Outbox } from '#opentls/record/outbox';
import { Sealer } from '#opentls/record/sealer';
import { ContentType, HandshakeType, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { newClient, newServer, settle } from './pair.ts';
import { provider } from './provider.ts';

/**
 * One end of a connection whose keys the test has. After an honest handshake it sends whatever the test tells it to,
 * also what a Connection would not send.
 */
export class Forger {
  readonly connection: Connection;
  readonly events: Event[] = [];
  readonly #label: TrafficLabel;
  #sealer: Sealer | undefined;
  /** Zero bytes in each record. */
  padding = 0;

  constructor(role: 'client' | 'server', config: Partial<ClientConfig & ServerConfig> = {}) {
    const own = { keylog: true, ...config };
    this.connection = role === 'client' ? newClient(own) : newServer(own);
    this.#label = role === 'client' ? 'c ap traffic' : 's ap traffic';
  }

  /** Takes bytes of the peer, and returns the bytes that the handshake answers with. */
  hear(bytes?: Uint8Array): Uint8Array {
    if (bytes !== undefined) this.connection.receive(bytes);
    settle(this.connection, this.events);
    return Buffer.concat(this.connection.takeOutput());
  }

  /** Returns `content` in protected records, as many as its length needs. */
  say(type: number, content: Uint8Array): Uint8Array {
    const outbox = new Outbox();
    this.#key.seal(type, [content], outbox);
    return Buffer.concat(outbox.take());
  }

  data(length: number): Uint8Array {
    return this.say(ContentType.application_data, new Uint8Array(length).fill(7));
  }

  /** @param request 1 asks the peer to replace its key too */
  keyUpdate(request = 1): Uint8Array {
    const record = this.say(ContentType.handshake, encodeMessage(HandshakeType.key_update, { requestUpdate: request }));
    this.#key.update();
    return record;
  }

  certificateRequest(index: number): Uint8Array {
    const extensions = writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] });
    const body = { certificateRequestContext: new Uint8Array([index >> 8, index]), extensions };
    return this.say(ContentType.handshake, encodeMessage(HandshakeType.certificate_request, body));
  }

  get #key(): Sealer {
    const name = this.#label === 'c ap traffic' ? 'CLIENT_TRAFFIC_SECRET_0' : 'SERVER_TRAFFIC_SECRET_0';
    this.#sealer ??= new Sealer(this.suite, new Secret(this.#label, this.secret(name).slice()), {
      padding: () => this.padding,
    });
    return this.#sealer;
  }

  get suite(): CipherSuite {
    const suite = provider.suites.find(({ id }) => id === this.connection.facts?.suite.id);
    if (suite === undefined) throw new Error('the handshake is not over');
    return suite;
  }

  secret(label: string): Uint8Array {
    for (const event of this.events) if (event.type === 'secret' && event.label === label) return event.secret;
    throw new Error(`no ${label} yet`);
  }
}

/** Carries bytes between a forger and an engine until the handshake is over. */
export function meet(forger: Forger, engine: Connection, events: Event[] = []): void {
  for (let silent = 0; silent < 2; ) {
    settle(engine, events);
    const answer = forger.hear(Buffer.concat(engine.takeOutput()));
    silent = answer.length === 0 ? silent + 1 : 0;
    if (answer.length > 0) engine.receive(answer);
  }
  settle(engine, events);
  engine.takeOutput();
}
