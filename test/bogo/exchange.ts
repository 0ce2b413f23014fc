// What one connection does, from the handshake to the end (SHIM-SPEC §3 and §4).
import { concat } from '#opentls/bytes/concat';
import { utf8 } from '#opentls/bytes/utf8';
import type { Facts } from '#opentls/handshake/config';
import type { KeylogLabel } from '#opentls/handshake/wire';
import { checkHandshake } from './checks.ts';
import type { Observed } from './configs.ts';
import type { Endpoint } from './endpoint.ts';
import type { Options } from './flags.ts';
import { ShimError } from './names.ts';

/** @throws TlsError, ShimError for whatever makes the test fail */
export async function exchange(endpoint: Endpoint, options: Options, observed: Observed): Promise<void> {
  const facts = await handshake(endpoint);
  checkHandshake(options, facts, observed);
  writeExports(endpoint, options);
  if (options['shim-writes-first']) writeFirst(endpoint, options);
  if (!options['shim-shuts-down']) await echo(endpoint, options);
  await shutDown(endpoint, options);
}

async function handshake(endpoint: Endpoint): Promise<Facts> {
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined) throw new ShimError('SHIM_TRANSPORT', 'the handshake stands still');
    if (news.type === 'open') return news.facts;
  }
}

function writeExports(endpoint: Endpoint, options: Options): void {
  const { 'export-keying-material': length, 'export-label': label = '', 'export-context': context = '' } = options;
  if (length !== undefined) endpoint.write(endpoint.connection.exportKey(label, utf8(context), length));
  if (!options['export-traffic-secrets']) return;
  const labels: readonly KeylogLabel[] = ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0'];
  const [write, read] = (options.server ? [...labels].reverse() : labels).map((name) => endpoint.secrets.get(name));
  if (read === undefined || write === undefined) throw new ShimError('SHIM_EXPECTATION', 'no traffic secrets');
  endpoint.write(concat([new Uint8Array([read.length & 0xff, read.length >> 8]), read, write]));
}

function writeFirst(endpoint: Endpoint, options: Options): void {
  const bytes = utf8(options['shim-initial-write'] ?? 'hello');
  if (options['read-with-unfinished-write']) return endpoint.writeHeld(bytes);
  for (let i = 0; i < (options['repeat-shim-initial-write'] ?? 1); i++) endpoint.write(bytes);
}

/** Sends back what comes, every bit turned, until there is no more. */
async function echo(endpoint: Endpoint, options: Options): Promise<void> {
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined || news.type === 'end') return;
    if (news.type !== 'data') continue;
    endpoint.release();
    const size = options['read-size'] ?? 512;
    for (let i = 0; i < news.bytes.length; i += size) {
      if (options['key-update']) endpoint.connection.updateKeys();
      endpoint.write(news.bytes.subarray(i, i + size).map((byte) => byte ^ 0xff));
    }
  }
}

async function shutDown(endpoint: Endpoint, options: Options): Promise<void> {
  if (!options['check-close-notify']) return;
  endpoint.connection.closeWrite();
  endpoint.flush();
  if (!options['shim-shuts-down']) return;
  for (;;) {
    const news = await endpoint.next();
    if (news === undefined) return;
    if (news.type === 'end' && !news.closeNotify) {
      throw new ShimError('SHIM_SHUTDOWN', 'the peer ended without a close_notify');
    }
    if (news.type === 'end') return;
  }
}
