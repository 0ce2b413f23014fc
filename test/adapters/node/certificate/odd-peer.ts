import { type Duplex, duplexPair } from 'node:stream';
import type { DetailedPeerCertificate } from 'node:tls';
import { Pump } from '#opentls/adapters/pump';
import { Connection } from '#opentls/connection/connection';
import type { Signer } from '#opentls/crypto/provider';
import { node } from '#opentls/providers/node';
import { NamedGroup } from '#opentls/wire/enums';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import type { Tls } from '../sides.ts';

/** Who shows a chain, and which. */
export interface Presented {
  readonly by: 'client' | 'server';
  /** DER, leaf first; nobody looks at it before it is sent. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
}

/** What became of a connection, and what the application was shown. */
export interface Outcome {
  readonly reached: boolean;
  readonly authorized: boolean;
  /** Of the socket, or of the error that ended it. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Which alert was sent, or received. */
  readonly alert: unknown;
  readonly shown: Partial<DetailedPeerCertificate> & { readonly unreadable?: readonly string[] };
  readonly x509: boolean;
  /** What checkServerIdentity was given, each time. */
  readonly identified: readonly unknown[];
}

/** What the judging side has. */
export interface Judge {
  readonly tls: Tls;
  readonly ca: string;
  /** Of a server. */
  readonly key: string;
  readonly cert: string;
  readonly rejectUnauthorized: boolean;
}

/** One handshake with a peer that shows the chain: the engine, which is told to show anything. */
export async function meet(presented: Presented, judge: Judge): Promise<Outcome> {
  const far = present(presented);
  const outcome = presented.by === 'server' ? await connectTo(far, judge) : await accept(far, judge);
  far.destroy();
  return outcome;
}

function present({ by, chain, signer }: Presented): Duplex {
  const [near, far] = duplexPair();
  const common = { provider: node, groups: [NamedGroup.x25519], credentials: [{ chain, signer }] };
  const connection =
    by === 'server'
      ? Connection.server({ ...common, verifyChain: () => ({ ok: false, code: 'CERT_REJECTED', reason: 'none' }) })
      : Connection.client({
          ...common,
          verifyChain: (request) => ({ ok: true, peer: dangerouslyTrust(request.chain) }),
        });
  const pump = new Pump(connection, {
    data: () => true,
    open: ignore,
    end: ignore,
    error: ignore,
    secret: ignore,
    send: (slabs) => {
      for (const slab of slabs) near.write(slab);
    },
    thrown: (error) => near.destroy(error instanceof Error ? error : new Error(String(error))),
  });
  near.on('error', ignore);
  near.on('data', (chunk: Buffer) => {
    connection.receive(chunk);
    pump.run();
  });
  pump.run();
  return far;
}

function connectTo(transport: Duplex, { tls, ca, rejectUnauthorized }: Judge): Promise<Outcome> {
  const identified: unknown[] = [];
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: transport,
      servername: 'localhost',
      ca,
      rejectUnauthorized,
      ecdhCurve: 'X25519',
      minVersion: 'TLSv1.3',
      checkServerIdentity: (host, certificate) => {
        identified.push(certificate);
        return tls.checkServerIdentity(host, certificate);
      },
    });
    socket.on('error', (error) => resolve(failed(error, identified)));
    socket.on('secureConnect', () => describe(socket, identified).then(resolve, reject));
  });
}

function accept(transport: Duplex, { tls, ca, key, cert, rejectUnauthorized }: Judge): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const server = tls.createServer(
      { key, cert, ca, requestCert: true, rejectUnauthorized, ecdhCurve: 'X25519', minVersion: 'TLSv1.3' },
      (socket) => {
        socket.on('error', ignore);
        describe(socket, []).then(resolve, reject);
      },
    );
    server.on('tlsClientError', (error) => resolve(failed(error, [])));
    server.emit('connection', transport);
  });
}

type Described = Awaited<ReturnType<Tls['connect']>>;

async function describe(socket: Described, identified: readonly unknown[]): Promise<Outcome> {
  try {
    const shown = socket.getPeerCertificate(true) as Outcome['shown'];
    socket.getPeerCertificate();
    const x509 = socket.getPeerX509Certificate() !== undefined;
    lookAtFacts(socket);
    const { authorized, authorizationError } = socket;
    const code = authorizationError ? String(authorizationError) : undefined;
    return { reached: true, authorized, code, message: undefined, alert: undefined, shown, x509, identified };
  } finally {
    socket.destroy();
  }
}

/** Of opentls: all that there is to see of the peer. */
function lookAtFacts(socket: object): void {
  if (!('facts' in socket)) return;
  const { peer } = socket.facts as { readonly peer?: { readonly certificates: readonly object[] } };
  for (const certificate of peer?.certificates ?? []) {
    const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(certificate)));
    for (const [name, { get }] of getters) if (get !== undefined) Reflect.get(certificate, name);
  }
}

function failed(error: Error & { code?: string; alert?: unknown }, identified: readonly unknown[]): Outcome {
  const { code, message, alert } = error;
  return { reached: false, authorized: false, code, message, alert, shown: {}, x509: false, identified };
}

function ignore(): void {}
