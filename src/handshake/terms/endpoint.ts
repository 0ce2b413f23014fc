import type { Custody } from '../../crypto/custody.ts';
import type { RecordLayer } from './record-layer.ts';
import type { ClientSettings, ServerSettings, Settings } from './settings.ts';

/** The one value that each script carries: one endpoint of a connection, as far as handshakes have to do with it. */
export interface Endpoint<S extends Settings = Settings> {
  readonly config: S;
  readonly records: RecordLayer;
  /** Holds the secrets of the script: those that it has not given away when it ends are wiped. */
  readonly custody: Custody;
}

export type ClientEndpoint = Endpoint<ClientSettings>;
export type ServerEndpoint = Endpoint<ServerSettings>;
