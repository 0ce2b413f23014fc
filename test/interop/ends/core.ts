import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Pump } from '#opentls/adapters/pump';
import { Connection } from '#opentls/connection/connection';
import type { CryptoProvider } from '#opentls/crypto/provider';
import { verifier } from '#opentls/handshake/proof/verifier';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential as CoreCredential } from '#opentls/handshake/terms/credential';
import type { Facts } from '#opentls/handshake/terms/facts';
import { decodePem } from '#opentls/x509/asn1/pem';
import { TrustStore } from '#opentls/x509/path/trust';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import type { Credential } from '../credentials/certificates.ts';
import type { Scope } from '../processes/scope.ts';

/** The engine itself at one end of a TCP connection: for what the Node adapter has no option for. */
export interface CoreSide {
  readonly stream: Duplex;
  readonly facts: Facts;
  readonly connection: Connection;
  /** Has what the connection was told to do sent. */
  flush(): void;
}

export function connectCore(port: number, config: ClientConfig, scope: Scope): Promise<CoreSide> {
  return drive(connect(port, '127.0.0.1'), Connection.client(config), scope);
}

/**
 * Waits for one connection.
 * @param prepare takes what comes before the engine that answers
 */
export async function listenCore(
  config: ServerConfig,
  scope: Scope,
  prepare: (socket: Socket) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly port: number; readonly accepted: Promise<CoreSide> }> {
  const server = createServer();
  const accepted = new Promise<CoreSide>((resolve, reject) => {
    server.once('connection', (socket) => {
      prepare(socket)
        .then(() => drive(socket, Connection.server(config), scope))
        .then(resolve, reject);
    });
  });
  accepted.catch(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => void server.close());
  return { port: (server.address() as AddressInfo).port, accepted };
}

function drive(socket: Socket, connection: Connection, scope: Scope): Promise<CoreSide> {
  scope.defer(() => void socket.destroy());
  return new Promise((resolve, reject) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        connection.write([chunk]);
        pump.run();
        callback();
      },
    });
    const pump = new Pump(connection, {
      data: (bytes) => {
        stream.push(bytes);
        return true;
      },
      open: (facts) => resolve({ stream, facts, connection, flush: () => pump.run() }),
      end: () => stream.push(null),
      error: (error) => {
        stream.destroy();
        reject(error);
      },
      secret: () => undefined,
      send: (slabs) => {
        for (const slab of slabs) socket.write(slab);
      },
      thrown: reject,
    });
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      connection.receive(chunk);
      pump.run();
    });
    pump.run();
  });
}

/** Judges certificates as the Node adapter would, by one root. */
export function trusting(ca: string, { verifiers }: CryptoProvider): ClientConfig['verifyChain'] {
  const trust = TrustStore.from(decodePem(ca).map(({ der }) => der));
  return verifier({ trust, verifiers });
}

export function coreCredential({ cert, key }: Credential, provider: CryptoProvider): CoreCredential {
  return { chain: decodePem(cert).map(({ der }) => der), signer: provider.signer(parsePrivateKey(key)) };
}
