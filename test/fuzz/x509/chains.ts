import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '#opentls/bytes/hex';
import { node } from '#opentls/providers/node';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { randomNumbers } from '../../kit/random.ts';
import { authority, type Holder, now, type Overrides, serverLeaf } from '../../x509/made/chain.ts';
import { mutate, type Numbers } from '../mutate.ts';
import { triage } from './triage.ts';

export interface ChainRuns {
  readonly runs: number;
  readonly agreed: number;
  /** Disagreements that are understood, by why. */
  readonly known: Readonly<Record<string, number>>;
  /** Those that are not: a line for each, with the seed that makes it again. */
  readonly findings: readonly string[];
}

/**
 * Chains of a root, up to two intermediates and a leaf, each well signed and with something odd about it: our verdict
 * against that of `openssl verify`, accept or refuse.
 */
export function fuzzChains(seed: number, runs: number): ChainRuns {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-fuzz-'));
  const known: Record<string, number> = {};
  const findings: string[] = [];
  let agreed = 0;
  try {
    for (let run = 0; run < runs; run++) {
      const made = makeOddChain(randomNumbers(seed + run));
      const ours = judge(made);
      const theirs = askOpenssl(made, folder);
      if (ours.ok === theirs.ok) {
        agreed++;
        continue;
      }
      const said = ours.ok ? 'accepted' : `${ours.code}: ${ours.reason}`;
      const why = triage(ours.ok ? 'accepted' : ours.code, theirs.error, made.oddities);
      if (why === undefined)
        findings.push(`seed ${seed + run}: ${made.oddities.join(', ')}: ${said}; openssl: ${theirs.error}`);
      else known[why] = (known[why] ?? 0) + 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { runs, agreed, known, findings };
}

interface OddChain {
  readonly root: Uint8Array;
  /** Leaf first. */
  readonly sent: readonly Uint8Array[];
  readonly oddities: readonly string[];
}

interface Oddity {
  readonly name: string;
  readonly overrides: Overrides;
}

const hour = 3_600_000;
const extension = (name: string, oid: string, value: string, critical = false): Oddity => ({
  name: `${critical ? 'critical ' : ''}${name}`,
  overrides: { extensions: [{ oid, critical, value: fromHex(value) }] },
});

/** nameConstraints with one dNSName subtree each. */
const permitted = (name: string): string => subtree('a0', name);
const excluded = (name: string): string => subtree('a1', name);
function subtree(tag: string, name: string): string {
  const base = `82${length(name.length)}${Buffer.from(name).toString('hex')}`;
  const inner = `30${length(base.length / 2)}${base}`;
  const list = `${tag}${length(inner.length / 2)}${inner}`;
  return `30${length(list.length / 2)}${list}`;
}
function length(n: number): string {
  return n.toString(16).padStart(2, '0');
}

const anyOddities: readonly Oddity[] = [
  { name: 'expired', overrides: { notBefore: now - 3 * hour, notAfter: now - 2 * hour } },
  { name: 'not yet valid', overrides: { notBefore: now + 2 * hour, notAfter: now + 3 * hour } },
  { name: 'clientAuth', overrides: { extendedKeyUsage: ['clientAuth'] } },
  { name: 'any purpose', overrides: { extendedKeyUsage: ['anyExtendedKeyUsage'] } },
  { name: 'no purposes', overrides: { extendedKeyUsage: [] } },
  { name: 'serverAuth and codeSigning', overrides: { extendedKeyUsage: ['serverAuth', 'codeSigning'] } },
  extension('unknown extension', '1.2.3.4', '0500'),
  extension('unknown extension', '1.2.3.4', '0500', true),
  extension('policy 1.2.3', '2.5.29.32', '3006300406022a03', true),
  extension('explicit policy required', '2.5.29.36', '3003800100', true),
  extension('any policy inhibited', '2.5.29.54', '020100', true),
  extension('policy mapping', '2.5.29.33', '300a300806022a0306022a04'),
  extension('must staple', '1.3.6.1.5.5.7.1.24', '3003020105'),
  extension('broken policies', '2.5.29.32', '3000'),
  extension('broken name constraints', '2.5.29.30', '3000', true),
  extension('an RSA-only access location', '1.3.6.1.5.5.7.1.1', '3018301606082b06010505073002860a687474703a2f2f782f'),
];

const leafOddities: readonly Oddity[] = [
  ...anyOddities,
  { name: 'a CA as leaf', overrides: { isCa: true } },
  { name: 'no names', overrides: { subjectAltNames: {} } },
  { name: 'for keyCertSign', overrides: { keyUsage: ['keyCertSign'] } },
  { name: 'for digitalSignature', overrides: { keyUsage: ['digitalSignature'] } },
  { name: 'for cRLSign', overrides: { keyUsage: ['cRLSign'] } },
  { name: 'RSA of 1024 bits', overrides: { rsa: 1024 } },
];

const caOddities: readonly Oddity[] = [
  ...anyOddities,
  { name: 'no CA', overrides: { isCa: false } },
  { name: 'no CA, no usage', overrides: { isCa: false, keyUsage: [] } },
  { name: 'no usage', overrides: { keyUsage: [] } },
  { name: 'for cRLSign', overrides: { keyUsage: ['cRLSign'] } },
  { name: 'path length 0', overrides: { pathLength: 0 } },
  { name: 'path length 1', overrides: { pathLength: 1 } },
  { name: 'the name of the root', overrides: { subject: 'root' } as Overrides },
  extension('permits server.test', '2.5.29.30', permitted('server.test'), true),
  extension('permits other.test', '2.5.29.30', permitted('other.test'), true),
  extension('permits .test', '2.5.29.30', permitted('.test'), true),
  extension('excludes server.test', '2.5.29.30', excluded('server.test'), true),
  extension('excludes test, not critical', '2.5.29.30', excluded('test')),
];

function makeOddChain(number: Numbers): OddChain {
  const oddities: string[] = [];
  const choose = (where: string, pool: readonly Oddity[]): Overrides => {
    // Most certificates are as they should be: two oddities in one chain are enough.
    if (number(5) < 3) return {};
    const chosen = pool[number(pool.length)];
    if (chosen === undefined) return {};
    oddities.push(`${where}: ${chosen.name}`);
    return chosen.overrides;
  };
  const root = authority('root', undefined, choose('root', caOddities));
  const between: Holder[] = [];
  for (let depth = number(3); depth > 0; depth--) {
    between.push(authority(`ca ${depth}`, between.at(-1) ?? root, choose(`ca ${depth}`, caOddities)));
  }
  const leaf = serverLeaf(between.at(-1) ?? root, choose('leaf', leafOddities));
  const sent = [leaf, ...between.reverse()].map(({ der }) => der);
  if (number(8) === 0) {
    const at = number(sent.length);
    const given = sent[at];
    if (given !== undefined) sent[at] = mutate(given, root.der, number);
    oddities.push(`mutated at ${at}`);
  }
  return { root: root.der, sent, oddities };
}

function judge({ root, sent }: OddChain): Verdict {
  const verdict = verifyPeer(sent, {
    trust: TrustStore.from([root]),
    verifiers: node.verifiers,
    purpose: 'server',
    name: 'any',
    time: now,
    profile: nodeProfile,
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

function askOpenssl({ root, sent }: OddChain, folder: string): { readonly ok: boolean; readonly error: string } {
  const file = (name: string, ...ders: readonly Uint8Array[]): string => {
    const path = join(folder, name);
    writeFileSync(path, ders.map(toPem).join(''));
    return path;
  };
  const [leaf = new Uint8Array(0), ...others] = sent;
  const args = ['verify', '-purpose', 'sslserver', '-attime', String(now / 1000), '-auth_level', '1'];
  args.push('-CAfile', file('root.pem', root));
  if (others.length > 0) args.push('-untrusted', file('others.pem', ...others));
  const { status, stderr, stdout } = spawnSync('openssl', [...args, file('leaf.pem', leaf)], { encoding: 'utf8' });
  const error = /error \d+ at \d+ depth lookup: ?(.*)/.exec(`${stderr}${stdout}`)?.[1] ?? `${stderr}${stdout}`.trim();
  return { ok: status === 0, error };
}

function toPem(der: Uint8Array): string {
  const text = (
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n');
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}
