/** What the demo and its server process tell each other. */

export type ServerName = 'opentls/noble' | 'opentls/node' | 'node:tls';

export interface Start {
  /** PEM, with certificate of `localhost` and 127.0.0.1. */
  readonly key: string;
  readonly cert: string;
}

export interface Ready {
  readonly type: 'ready';
  readonly ports: Readonly<Record<ServerName, number>>;
  /** SHA-256, hex, of what the paths `/` and `/body` answer with. */
  readonly page: string;
  readonly body: string;
}

/** What a connection came to, as opentls tells it. */
export interface Facts {
  readonly suite: string;
  readonly group: string;
  readonly signature: string;
  readonly alpn: string;
}

export interface Accepted {
  readonly type: 'accepted';
  readonly facts: Facts;
  /** From the TCP connection to the client's Finished. */
  readonly handshakeMs: number;
}
