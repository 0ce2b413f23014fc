/**
 * `npm run bench [-- PART …]`: opentls with each provider, node:tls, and the bare primitives, side by side in one run.
 * Parts: handshake, cache, resumed, records, parse, verify, crl, hostile, trust, stream, bulk, connect, memory. Default: all.
 */
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { benchCredentials } from './credentials.ts';
import { handshakeCost, rememberedHandshakes, resumedHandshakes } from './handshakes.ts';
import { bulk, handshakeRate } from './loopback.ts';
import { idleMemory } from './memory.ts';
import { recordRates } from './records.ts';
import { printTable, type Row } from './report.ts';
import { memoryStream } from './stream.ts';
import { hostileChains, parseRates, revocationLists, trustStore, verifyCost } from './x509.ts';

const parts: Readonly<Record<string, readonly [title: string, run: () => Promise<readonly Row[]> | readonly Row[]]>> = {
  handshake: [
    'A full handshake in memory: X25519, P-256, chain of leaf and intermediate, both ends in one thread',
    () => handshakeCost([noble, node]),
  ],
  cache: ['The same with a cache of verified signatures', () => rememberedHandshakes([noble, node])],
  resumed: [
    'A resumed handshake (psk_dhe_ke) next to a full one in memory: X25519, P-256, both ends in one thread',
    () => resumedHandshakes([noble, node]),
  ],
  records: ['Records in memory', () => recordRates([noble, node])],
  parse: ['A certificate of the web read (1,023 bytes)', parseRates],
  verify: ['A chain of the web verified: leaf and intermediate under a root', () => verifyCost([noble, node])],
  crl: ['Revocation lists', revocationLists],
  hostile: ['Chains made to cost, until the budget ends it', () => hostileChains([noble, node])],
  trust: ['A trust store of the roots that come with Node', trustStore],
  stream: ['Bulk data one way in memory, both ends in one thread', () => memoryStream([noble, node])],
  bulk: ['Bulk data one way over loopback, each end a process', async () => bulk(await benchCredentials())],
  connect: ['Handshakes over loopback, one after another', async () => handshakeRate(await benchCredentials())],
  memory: ['Idle connections of a server', async () => idleMemory(await benchCredentials())],
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
const unknown = wanted.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such part: ${unknown.join(' ')}\nnpm run bench [-- PART …]; parts: ${Object.keys(parts).join(', ')}\n`,
  );
  process.exit(2);
}
process.stdout.write(`Node ${process.version}, ${process.platform} ${process.arch}\n`);
for (const name of wanted) {
  const part = parts[name];
  if (part === undefined) continue;
  const [title, run] = part;
  printTable(title, await run());
}
process.exit();
