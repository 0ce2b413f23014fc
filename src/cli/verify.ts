import { parseArgs } from 'node:util';
import { blocksOf, certificatesOf } from '../adapters/node/context/ca.ts';
import { withMlDsa } from '../providers/noble/ml-dsa.ts';
import { node } from '../providers/node.ts';
import { hostName, type PeerName } from '../x509/certificate/identity.ts';
import { type CertificateList, parseCrl } from '../x509/revocation/crl.ts';
import type { RevocationOptions } from '../x509/revocation/revocation.ts';
import type { Purpose } from '../x509/rules/checks.ts';
import type { PolicyInputs } from '../x509/rules/policies.ts';
import { nodeProfile, type Profile, rfc5280, type WeakDigest, webpki } from '../x509/rules/profile.ts';
import type { VerifyOptions } from '../x509/verify/options.ts';
import { verifyPeer } from '../x509/verify/verify.ts';
import { type ChainFinding, chainFinding } from './finding.ts';
import { chainLines, painter, row } from './render.ts';
import { readArguments, readFrom, readTrust, type Trust, UsageError } from './usage.ts';

const help = `Usage: opentls verify FILE... [OPTIONS]

Verifies a certificate chain: the first certificate of the files (PEM or DER) is the leaf, the others may help to find
a path from it to a trusted one. Nothing is fetched.

Options:
  --ca FILE            file with the certificates to trust, in place of Node's default roots
  --partial            let a trusted certificate that is not self-signed end the path
  --name NAME          host name or IP address that the leaf must be for; again: one of them is enough;
                       default: any, names are not looked at
  --email ADDRESS      e-mail address that the leaf must be for
  --uri URI            URI that the leaf must be for
  --purpose PURPOSE    server, client, email, codeSigning, timeStamping or any; default: server
  --profile PROFILE    webpki, node or rfc5280; default: webpki
  --time TIME          when it must be valid, ISO 8601; default: now
  --max-depth N        intermediates in a path at most; default: 8
  --crl FILE           revocation lists, PEM or DER; again: more of them
  --ocsp FILE          OCSP response about the leaf, DER
  --revocation MODE    off, soft or hard; default: hard where there is a list or a response, else off
  --policy OID         certificate policy that the path must be valid for; again: one of them is enough
  --explicit-policy    refuse a path without a valid policy
  --inhibit-mapping    allow no policy mapping
  --inhibit-any        let no certificate stand for any policy
  --md5, --sha1        accept signatures with these digests
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
  const answer = await verifyPeer(request.chain, request.options);
  const verdict = chainFinding(answer);
  const { profile = webpki, purpose, time } = request.options;
  const judged: Judged = {
    profile: profile.name,
    purpose,
    name: request.names.length === 0 ? 'any' : request.names.join(', '),
    time: new Date(time).toISOString(),
    trust: request.trust.source,
    policies: answer.ok ? answer.peer.policies : [],
  };
  if (request.json) process.stdout.write(`${JSON.stringify({ ...verdict, ...judged }, undefined, 2)}\n`);
  else process.stdout.write(render(verdict, judged));
  return verdict.ok ? 0 : 1;
}

interface Judged {
  readonly profile: string;
  readonly purpose: Purpose;
  /** The name as given; 'any' where none was given, and no name was checked. */
  readonly name: string;
  readonly time: string;
  readonly trust: string;
  readonly policies: readonly string[];
}

function render(verdict: ChainFinding, { policies, ...judged }: Judged): string {
  const paint = painter(process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined);
  const lines = [
    `${paint('bold', 'Verified')}        ${verdict.ok ? paint('green', 'yes') : paint('red', 'NO')}`,
    ...chainLines(verdict, paint),
    ...Object.entries(judged).map(([name, value]) => row(name, value)),
    row('policies', policies.length === 0 ? 'none' : policies.join(', ')),
  ];
  return `${lines.join('\n')}\n`;
}

interface Request {
  readonly chain: readonly Uint8Array[];
  readonly trust: Trust;
  readonly options: VerifyOptions;
  /** The names as given. */
  readonly names: readonly string[];
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
  crl: { type: 'string', multiple: true },
  ocsp: { type: 'string' },
  revocation: { type: 'string' },
  policy: { type: 'string', multiple: true },
  'explicit-policy': { type: 'boolean' },
  'inhibit-mapping': { type: 'boolean' },
  'inhibit-any': { type: 'boolean' },
  md5: { type: 'boolean' },
  sha1: { type: 'boolean' },
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
    names: [values.name, values.email, values.uri].flatMap((given) => given ?? []),
    json: values.json === true,
    options: {
      trust: trust.store,
      verifiers: withMlDsa(node).verifiers,
      name: names.length === 0 ? 'any' : names,
      purpose: choose('--purpose', values.purpose ?? 'server', purposes),
      profile: readProfile(values),
      time: readTime(values.time),
      maxDepth: depth === undefined ? undefined : readCount('--max-depth', depth),
      crls: (values.crl ?? []).flatMap(readLists),
      revocation: readRevocation(values),
      policy: readPolicy(values),
    },
  };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values'];

function readProfile({ profile = 'webpki', md5, sha1 }: Values): Profile {
  const weakDigests: WeakDigest[] = [];
  if (md5 === true) weakDigests.push('md5');
  if (sha1 === true) weakDigests.push('sha1');
  return { ...choose('--profile', profile, profiles), weakDigests };
}

function readLists(file: string): readonly CertificateList[] {
  return readFrom('--crl', file, (bytes) => {
    const lists = blocksOf(bytes, '--crl', ['X509 CRL']).map(parseCrl);
    if (lists.length === 0) throw new UsageError('it holds no revocation list');
    return lists;
  });
}

function readRevocation({ revocation, ocsp }: Values): RevocationOptions {
  const stapled = ocsp === undefined ? undefined : [readFrom('--ocsp', ocsp, (bytes) => Uint8Array.from(bytes))];
  const given = revocation ?? (stapled === undefined ? undefined : 'hard');
  const mode = given === undefined ? undefined : choose('--revocation', given, modes);
  // An OCSP response is about the leaf alone.
  return { mode, stapled, hashes: node.hashes, scope: stapled === undefined ? 'chain' : 'leaf' };
}

function readPolicy(values: Values): PolicyInputs | undefined {
  const inputs: PolicyInputs = {
    initialPolicySet: values.policy,
    explicitPolicy: values['explicit-policy'],
    inhibitMapping: values['inhibit-mapping'],
    inhibitAnyPolicy: values['inhibit-any'],
  };
  return Object.values(inputs).every((input) => input === undefined) ? undefined : inputs;
}

const modes = { off: 'off', soft: 'soft', hard: 'hard' } as const;

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
