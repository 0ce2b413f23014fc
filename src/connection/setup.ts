import { clientHandshake } from '../handshake/client/client.ts';
import { serverHandshake } from '../handshake/server/server.ts';
import type { Established } from '../handshake/shared/finish.ts';
import type { ClientConfig, ServerConfig } from '../handshake/terms/config.ts';
import { Runner, underCustody } from '../handshake/terms/script.ts';
import type { Wire } from '../handshake/terms/wire.ts';
import type { Limits } from '../limits.ts';

/** Which end a connection is, and what it was given. */
export type Setup =
  | { readonly role: 'client'; readonly config: ClientConfig }
  | { readonly role: 'server'; readonly config: ServerConfig };

/** The handshake of that end, not started. */
export function handshakeOf(setup: Setup, wire: Wire, limits: Limits): Runner<Established> {
  return new Runner(
    setup.role === 'client'
      ? underCustody((custody) => clientHandshake(wire, setup.config, limits, custody))
      : underCustody((custody) => serverHandshake(wire, setup.config, limits, custody)),
  );
}
