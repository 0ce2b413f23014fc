import { posix } from 'node:path';
import { importsOf, type Source } from './source.ts';

/** Answers the complaints about one file of src; none where it keeps the rule. */
export type Rule = (source: Source) => string[];

const ground = ['bytes', 'errors', 'limits', 'options', 'crypto'];
const core = [...ground, 'wire', 'keys', 'record', 'x509', 'session', 'handshake', 'connection', 'index'];

/**
 * Who may import whom, besides its own folder: bytes ← errors, limits, crypto ← wire ← keys, record, x509 ←
 * session ← handshake ← connection ← adapters. `record` and `handshake` meet in the connection only; x509 knows nothing
 * of TLS but the code points that name its signatures.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  errors: ['bytes'],
  limits: ['bytes'],
  options: ['errors'],
  crypto: ['bytes', 'errors', 'limits'],
  wire: ground,
  keys: [...ground, 'wire'],
  record: [...ground, 'wire', 'keys'],
  x509: [...ground, 'wire/enums'],
  session: [...ground, 'wire', 'keys'],
  handshake: [...ground, 'wire', 'keys', 'x509', 'session'],
  connection: core,
  index: core,
  providers: [...ground, 'wire/enums', 'x509/asn1', 'x509/certificate/spki', 'x509/private-key/keys'],
  'adapters/web': [...core, 'providers', 'adapters/pump'],
  'adapters/node': [...core, 'providers', 'adapters/pump'],
  adapters: core,
  cli: [...core, 'providers', 'adapters'],
};

/**
 * Folders of each room, from the ground up: a file imports its own folder and those before it. Files that stand in the
 * room itself are its doors, above all folders.
 */
const floors: Readonly<Record<string, readonly string[]>> = {
  x509: ['asn1', 'certificate', 'private-key', 'path', 'rules', 'revocation', 'transparency', 'create', 'verify'],
  handshake: ['terms', 'proof', 'shared', 'client', 'server', 'after'],
  providers: ['shared', 'noble', 'node'],
  'adapters/node': ['support', 'certificate', 'options', 'context', 'callbacks', 'socket', 'http'],
};

/** Files that take part in an answer that may come later; each has a reason. */
const laterAnswers: Readonly<Record<string, string>> = {
  'handshake/terms/script.ts': 'perform() gives what a provider answers, now or later',
  'session/tickets.ts': 'a store may answer later',
  'x509/create/create.ts': 'a signer may answer later',
  'x509/path/steps.ts': 'a signature verifier or a hook may answer later',
};

const nodeSide = /^(?:adapters\/node|cli|providers\/node)\/|^providers\/node\.ts$/;

export const rules: Readonly<Record<string, Rule>> = {
  'imports point down': (source) =>
    relativeImports(source).flatMap(({ target, line }) =>
      allowed(source.path, target) ? [] : [`line ${line}: ${target} is not below ${layerOf(source.path)}`],
    ),

  'folders of a room keep their floors': (source) => {
    const room = roomOf(source.path);
    if (room === undefined) return [];
    if (Number.isNaN(floorOf(source.path, room))) return [`${room} does not list the folder`];
    return relativeImports(source)
      .filter(({ target }) => roomOf(target) === room && !(floorOf(target, room) <= floorOf(source.path, room)))
      .map(({ target, line }) => `line ${line}: ${target} is on a floor above`);
  },

  'relative imports name the file': (source) =>
    importsOf(source).flatMap(({ specifier, line }) =>
      specifier.startsWith('.') && !specifier.endsWith('.ts') ? [`line ${line}: '${specifier}' without .ts`] : [],
    ),

  'packages have one door each': (source) =>
    importsOf(source).flatMap(({ specifier, line }) =>
      specifier.startsWith('.') || door(specifier).test(source.path) ? [] : [`line ${line}: imports ${specifier}`],
    ),

  'nothing of Node in the core': (source) => (nodeSide.test(source.path) ? [] : find(source, nodeGlobals)),

  'no timers outside the adapters': (source) =>
    /^(?:adapters|cli)\//.test(source.path)
      ? []
      : find(source, /\b(?:set(?:Timeout|Interval|Immediate)|queueMicrotask)\b/g),

  'no promises in the core': (source) => {
    if (/^adapters\//.test(source.path) || nodeSide.test(source.path)) return [];
    return find(source, source.path in laterAnswers ? promiseMaking : promiseUse);
  },

  'secrets are exposed in keys and providers only': (source) =>
    /^(?:keys|providers)\//.test(source.path) || source.path === 'crypto/secret.ts' ? [] : find(source, /\bexpose\b/g),

  'no file over 450 lines': ({ code }) => {
    const lines = code.trimEnd().split('\n').length;
    return lines > 450 ? [`${lines} lines`] : [];
  },
};

const nodeGlobals = /(?<![.\w$])(?:Buffer|process|require|__dirname|__filename)(?![\w$]|\??:)/g;
const promiseMaking = /(?<![.\w$])(?:async|await)(?![\w$]|\??:)|(?<![.\w$])Promise\s*\./g;
const promiseUse = new RegExp(`${promiseMaking.source}|\\bnew\\s+Promise\\b|\\.then\\s*\\(`, 'g');

/** Which files may import a package. */
function door(specifier: string): RegExp {
  if (specifier.startsWith('node:')) return nodeSide;
  if (specifier.startsWith('@noble/')) return /^providers\/(?!node)|^x509\/private-key\/(?:pbes2|rfc1421)\.ts$/;
  if (specifier === 'asn1js') return /^x509\/asn1\/asn1js\.ts$/;
  return /^(?!)/;
}

/** Imports of files of src, by their path from src. */
export function relativeImports(source: Source): { target: string; line: number }[] {
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({ target: posix.join(posix.dirname(source.path), specifier), line }));
}

function layerOf(path: string): string {
  const withoutSuffix = path.replace(/\.ts$/, '');
  const inAdapter = /^adapters\/(?:web|node)(?=\/)/.exec(path)?.[0];
  return inAdapter ?? withoutSuffix.split('/')[0] ?? '';
}

function roomOf(path: string): string | undefined {
  return Object.keys(floors).find((room) => path.startsWith(`${room}/`) || path === `${room}.ts`);
}

/** Of the folder that a file stands in; doors are above all. NaN: a folder that the room does not list. */
function floorOf(path: string, room: string): number {
  const [folder, ...rest] = path.slice(room.length + 1).split('/');
  const order = floors[room] ?? [];
  if (rest.length === 0) return order.length;
  return order.indexOf(folder ?? '') < 0 ? Number.NaN : order.indexOf(folder ?? '');
}

function allowed(from: string, to: string): boolean {
  const layer = layerOf(from);
  if (layer === layerOf(to)) return true;
  const target = to.replace(/\.ts$/, '');
  return (mayImport[layer] ?? []).some((name) => target === name || target.startsWith(`${name}/`));
}

function find({ code }: Source, pattern: RegExp): string[] {
  return [...code.matchAll(pattern)].map(
    (match) => `line ${code.slice(0, match.index).split('\n').length}: ${match[0].trim()}`,
  );
}
