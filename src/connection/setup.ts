import { answerCertificateRequest } from '../handshake/after/post-auth.ts';
import { clientHandshake } from '../handshake/client/client.ts';
import { serverHandshake } from '../handshake/server/server.ts';
import type { Established } from '../handshake/shared/established.ts';
import type { Endpoint } from '../handshake/terms/endpoint.ts';
import type { RecordLayer } from '../handshake/terms/record-layer.ts';
import { Runner, type Script, underCustody } from '../handshake/terms/script.ts';
import type { ClientSettings, ServerSettings, Settings } from '../handshake/terms/settings.ts';
import type { HandshakeType } from '../wire/enums.ts';
import type { MessageOf } from '../wire/messages.ts';

/** The role of a connection's endpoint, and its configuration. */
export type Setup =
  | { readonly role: 'client'; readonly config: ClientSettings }
  | { readonly role: 'server'; readonly config: ServerSettings };

/** The handshake of that endpoint, not started. */
export function handshakeOf(setup: Setup, records: RecordLayer): Runner<Established> {
  return new Runner(
    setup.role === 'client'
      ? scriptOf(setup.config, records, clientHandshake)
      : scriptOf(setup.config, records, serverHandshake),
  );
}

/** A script of an endpoint, with a custody of its own for the secrets. */
export function scriptOf<S extends Settings, T>(
  config: S,
  records: RecordLayer,
  script: (endpoint: Endpoint<S>) => Script<T>,
): Script<T> {
  return underCustody((custody) => script({ config, records, custody }));
}

/** The client's answer to a CertificateRequest after the handshake (RFC 9846 §4.7.2). */
export function answerLater(
  config: ClientSettings,
  records: RecordLayer,
  established: Established,
  message: MessageOf<typeof HandshakeType.certificate_request>,
): Script<void> {
  return scriptOf(config, records, (endpoint) => answerCertificateRequest(endpoint, established, message));
}
