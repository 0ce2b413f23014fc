// What a server knows of its client follows each answer to CertificateRequest, in the handshake and after it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import ours, { type ServerOptions, type TLSSocket } from '#opentls/adapters/node/index';
import { authority, type Holder, serverLeaf } from '../../../x509/made/chain.ts';
import { clientOptions, close, listen, root, serverOptions } from '../sides.ts';

const client = { subject: 'client', extendedKeyUsage: ['clientAuth'] } as const;
const shown: Readonly<Record<'trusted' | 'untrusted' | 'none', Holder | undefined>> = {
  trusted: serverLeaf(root, client),
  untrusted: serverLeaf(authority('another root'), client),
  none: undefined,
};

const folder = mkdtempSync(join(tmpdir(), 'opentls-post-auth-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Clients = (port: number, holder: Holder | undefined) => { end(): void };

/** Clients that can be asked after the handshake: `node:tls` has none. */
const clients: Readonly<Record<'opentls' | 'openssl', Clients>> = {
  opentls: (port, holder) => {
    const socket = ours.connect({
      ...clientOptions,
      port,
      servername: 'localhost',
      engine: { postHandshakeAuth: true },
      ...(holder && { key: holder.key, cert: holder.pem }),
    });
    socket.on('error', () => {}).resume();
    return { end: () => void socket.end() };
  },
  openssl: (port, holder) => {
    const path = join(folder, `${holder?.pem.length ?? 0}-${port}.pem`);
    if (holder !== undefined) writeFileSync(path, holder.key + holder.pem);
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-enable_pha', '-quiet'];
    const child = spawn('openssl', holder === undefined ? args : [...args, '-cert', path, '-key', path], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    return { end: () => void child.kill() };
  },
};

interface Seen {
  /** The last of them, `error` with its code. */
  readonly event: string;
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  readonly subject: unknown;
}

/** What the server says after it has asked `times` in a row. */
async function ask(which: keyof typeof clients, options: ServerOptions, holder: Holder | undefined, times = 1) {
  const seen: Seen[] = [];
  const server = ours.createServer({ ...serverOptions, ca: root.pem, ...options });
  const port = await listen(server as never);
  const describeSocket = (socket: TLSSocket, event: string): number =>
    seen.push({
      event,
      authorized: socket.authorized,
      authorizationError: socket.authorizationError,
      subject: socket.getPeerCertificate()?.subject?.['CN'],
    });
  const done = new Promise<void>((resolve) => {
    server.on('secureConnection', (socket) => {
      socket.on('authenticated', () => {
        describeSocket(socket, 'authenticated');
        if (seen.length < times) socket.requestCertificate();
        else socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => void describeSocket(socket, `error ${error.code}`));
      socket.on('close', () => resolve());
      socket.requestCertificate();
      socket.resume();
    });
  });
  const peer = clients[which](port, holder);
  await done;
  peer.end();
  await close(server);
  return seen;
}

const good = { event: 'authenticated', authorized: true, authorizationError: null, subject: 'client' };
const odd = {
  event: 'authenticated',
  authorized: false,
  authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  subject: 'client',
};
const absent = {
  event: 'authenticated',
  authorized: false,
  authorizationError: 'UNABLE_TO_GET_ISSUER_CERT',
  subject: undefined,
};

describe.each(['opentls', 'openssl'] as const)('a client of %s that is asked after the handshake', (which) => {
  test('is authorized by a certificate that is trusted', async () => {
    for (const rejectUnauthorized of [true, false]) {
      expect(await ask(which, { rejectUnauthorized }, shown.trusted)).toEqual([good]);
    }
  });

  test('is not authorized otherwise, where it need not be', async () => {
    expect(await ask(which, { rejectUnauthorized: false }, shown.untrusted)).toEqual([odd]);
    expect(await ask(which, { rejectUnauthorized: false }, shown.none)).toEqual([absent]);
  });

  test('loses its connection otherwise, where it has to be', async () => {
    const [untrusted, ...others] = await ask(which, { rejectUnauthorized: true }, shown.untrusted);
    expect(untrusted).toMatchObject({ event: 'error UNABLE_TO_VERIFY_LEAF_SIGNATURE', authorized: false });
    expect(others).toEqual([]);
    const none = await ask(which, {}, shown.none);
    expect(none).toMatchObject([{ event: 'error ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', authorized: false }]);
  });
});

test('each answer counts, also the same one again', async () => {
  expect(await ask('opentls', {}, shown.trusted, 3)).toEqual([good, good, good]);
  expect(await ask('opentls', { rejectUnauthorized: false }, shown.none, 2)).toEqual([absent, absent]);
});
