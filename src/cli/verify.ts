import { parseArgs } from 'node:util';
import { certificatesOf } from '../adapters/node/ca.ts';
import { node } from '../providers/node.ts';
import type { Purpose } from '../x509/checks.ts';
import { hostName, type PeerName } from '../x509/identity.ts';
import { nodeProfile, type Profile, rfc5280, webpki } from '../x509/profile.ts';
import { type VerifyOptions, verifyPeer } from '../x509/verify.ts';
import { type ChainFinding, chainFinding } from './finding.ts';
import { chainLines, painter, row } from './render.ts';
import { readArguments, readFrom, readTrust, type Trust, UsageError } from './usage.ts';

const help = `Usage: opentls verify FILE... [OPTIONS]

Verifies a certificate chain: the first certificate of the files (PEM or DER) is the leaf, the others may help to find
a path from it to a trusted one. Nothing is fetched.

Options:
  --ca FILE            file with the certificates to trust, in place of Node's default roots
  --partial            let a trusted certificate that is not self-signed end the path
  --name NAME          host name or IP address that the leaf must be for; again: one of them is enough
  --email ADDRESS      e-mail address that the leaf must be for
  --uri URI            URI that the leaf must be for
  --purpose PURPOSE    server, client, email, codeSigning, timeStamping or any; default: server
  --profile PROFILE    webpki, node or rfc5280; default: webpki
  --time TIME          when it must be valid, ISO 8601; default: now
  --max-depth N        intermediates in a path at most; default: 8
  --json               print JSON
  --help               print this

Exit code: 0 verified, 1 refused, 2 wrong usage.
`;

/** `opentls verify`. @returns the exit code */
export async function verify(args: readonly string[]): Promise<number> {
  const request = readArguments(() => readRequest(args));
  if (request === 'help') {
    process.stdout.write(help);
    return 0;
  }
  if (request instanceof UsageError) {
    process.stderr.write(`opentls verify: ${request.message}\n\n${help}`);
    return 2;
  }
  const verdict = chainFinding(await verifyPeer(request.chain, request.options));
  const { profile = webpki, purpose, time } = request.options;
  const judged = { profile: profile.name, purpose, time: new Date(time).toISOString(), trust: request.trust.source };
  if (request.json) process.stdout.write(`${JSON.stringify({ ...verdict, ...judged }, undefined, 2)}\n`);
  else process.stdout.write(render(verdict, judged));
  return verdict.ok ? 0 : 1;
}

type Judged = Readonly<Record<'profile' | 'purpose' | 'time' | 'trust', string>>;

function render(verdict: ChainFinding, judged: Judged): string {
  const paint = painter(process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined);
  const lines = [
    `${paint('bold', 'Verified')}        ${verdict.ok ? paint('green', 'yes') : paint('red', 'NO')}`,
    ...chainLines(verdict, paint),
    ...Object.entries(judged).map(([name, value]) => row(name, value)),
  ];
  return `${lines.join('\n')}\n`;
}

interface Request {
  readonly chain: readonly Uint8Array[];
  readonly trust: Trust;
  readonly options: VerifyOptions;
  readonly json: boolean;
}

const options = {
  ca: { type: 'string' },
  partial: { type: 'boolean' },
  name: { type: 'string', multiple: true },
  email: { type: 'string', multiple: true },
  uri: { type: 'string', multiple: true },
  purpose: { type: 'string' },
  profile: { type: 'string' },
  time: { type: 'string' },
  'max-depth': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function readRequest(args: readonly string[]): Request | 'help' {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help === true) return 'help';
  const chain = positionals.flatMap((file) => readFrom('FILE', file, (bytes) => certificatesOf(bytes, 'FILE')));
  if (chain.length === 0) throw new UsageError('there is no certificate to verify');
  const trust = readTrust(values.ca, { allowPartial: values.partial === true });
  const names = readNames(values);
  const depth = values['max-depth'];
  return {
    chain,
    trust,
    json: values.json === true,
    options: {
      trust: trust.store,
      verifiers: node.verifiers,
      name: names.length === 0 ? undefined : names,
      purpose: choose('--purpose', values.purpose ?? 'server', purposes),
      profile: choose('--profile', values.profile ?? 'webpki', profiles),
      time: readTime(values.time),
      maxDepth: depth === undefined ? undefined : readCount('--max-depth', depth),
    },
  };
}

const profiles: Readonly<Record<string, Profile>> = { webpki, node: nodeProfile, rfc5280 };

const purposes: Readonly<Record<string, Purpose>> = {
  server: 'server',
  client: 'client',
  email: 'email',
  codeSigning: 'codeSigning',
  timeStamping: 'timeStamping',
  any: 'any',
};

function choose<T>(option: string, word: string, choices: Readonly<Record<string, T>>): T {
  const choice = Object.hasOwn(choices, word) ? choices[word] : undefined;
  if (choice === undefined) throw new UsageError(`${option} is one of ${Object.keys(choices).join(', ')}`);
  return choice;
}

type Names = Readonly<Partial<Record<'name' | 'email' | 'uri', string[]>>>;

function readNames({ name = [], email = [], uri = [] }: Names): readonly PeerName[] {
  return [
    ...name.map((host) => hostName(host.replace(/^\[(.*)\]$/, '$1'))),
    ...email.map((address) => ({ email: address })),
    ...uri.map((text) => ({ uri: text })),
  ];
}

function readTime(text: string | undefined): number {
  const time = text === undefined ? Date.now() : Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`--time: '${text}' is no time of ISO 8601`);
  return time;
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new UsageError(`${option} is a whole number`);
  return count;
}
