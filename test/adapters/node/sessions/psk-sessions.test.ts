// A session that was made under a PSK, in the hands of others: openssl's client keeps it in a file.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import ours, { type TLSSocket } from '#opentls/adapters/node/index';
import { clientOptions, close, event, listen, root, serverOptions } from '../sides.ts';

const folder = mkdtempSync(join(tmpdir(), 'opentls-psk-'));
afterAll(() => rmSync(folder, { recursive: true }));

const psk = Buffer.alloc(32, 7);
const known = new Map<string, Buffer>();

interface Served {
  readonly reused: boolean | null;
  readonly externalPsk: string | undefined;
}

/** A server with keys, and a certificate for the others; its ticket keys are those of all. */
async function serve(): Promise<{ port: number; seen: Served[]; stop(): Promise<void> }> {
  const seen: Served[] = [];
  const options = {
    ...serverOptions,
    ticketKeys: Buffer.alloc(48, 1),
    pskCallback: (...args: readonly unknown[]) => known.get(String(args[1])) ?? null,
  };
  const server = ours.createServer(options, (socket: TLSSocket) => {
    const { externalPsk } = socket.facts ?? {};
    seen.push({ reused: socket.isSessionReused(), externalPsk: externalPsk && Buffer.from(externalPsk).toString() });
    socket.on('error', () => {}).resume();
    socket.write('hello');
  });
  return { port: await listen(server as never), seen, stop: () => close(server) };
}

/** Connects until its session is in `file`, if it is to keep one. */
async function openssl(port: number, args: readonly string[], file?: string): Promise<void> {
  const all = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-servername', 'localhost', ...args];
  const child = spawn('openssl', file === undefined ? all : [...all, '-sess_out', file]);
  const gone = event(child, 'exit');
  let text = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('hello')) resolve();
    });
    void gone.then(() => resolve());
  });
  const isWritten = (): boolean =>
    file === undefined || (existsSync(file) && readFileSync(file, 'latin1').includes('-----END'));
  while (!isWritten()) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill();
  await gone;
}

const withKey = ['-psk_identity', 'device', '-psk', psk.toString('hex')];

describe('a session that openssl has made under a PSK', () => {
  test('is resumed for as long as the server knows the PSK', async () => {
    const { port, seen, stop } = await serve();
    const file = join(folder, 'device.pem');
    known.set('device', psk);
    await openssl(port, withKey, file);
    await openssl(port, ['-sess_in', file]);
    known.delete('device');
    await openssl(port, ['-sess_in', file]);
    known.set('device', Buffer.alloc(32, 8));
    await openssl(port, ['-sess_in', file]);
    await stop();
    expect(seen).toEqual([
      { reused: false, externalPsk: 'device' },
      { reused: true, externalPsk: 'device' },
      { reused: false, externalPsk: undefined },
      { reused: false, externalPsk: undefined },
    ]);
  });
});

test('so it is with our own client, which forgets it with the PSK', async () => {
  const { port, seen, stop } = await serve();
  known.set('device', psk);
  const connect = async (options: object): Promise<Buffer> => {
    const socket = ours.connect({ ...clientOptions, ca: root.pem, servername: 'localhost', port, ...options });
    const [session] = await event(socket, 'session');
    socket.destroy();
    return session as Buffer;
  };
  const pskCallback = () => ({ identity: 'device', psk });
  const session = await connect({ pskCallback });
  await connect({ session, pskCallback });
  await connect({ session });
  await stop();
  expect(seen).toEqual([
    { reused: false, externalPsk: 'device' },
    { reused: true, externalPsk: 'device' },
    { reused: false, externalPsk: undefined },
  ]);
});
