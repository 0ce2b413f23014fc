import { misuse } from '../errors.ts';
import type { Purpose } from './checks.ts';
import type { PeerName } from './identity.ts';
import { defaultBudget } from './path.ts';
import type { RevocationOptions } from './revocation.ts';
import type { VerifyOptions } from './verify.ts';

/**
 * That each option is there whose absence would switch a check off, and none is so odd that comparing with it always
 * has the same outcome (NaN): types do not reach callers in JavaScript.
 * @throws TlsError ERR_TLS_CONFIG
 */
export function checkVerifyOptions(options: VerifyOptions): void {
  const { purpose, name, time, maxDepth, budget, revocation } = options;
  if (!purposes.has(purpose)) refuse(`purpose is one of ${[...purposes].join(', ')}`);
  if (purpose === 'server' && (name === undefined || name === null)) {
    refuse("a server is judged for a name: give one, or say 'any' where its name is looked at elsewhere");
  }
  checkName(name);
  if (typeof time !== 'number' || !Number.isFinite(time)) refuse('time is in milliseconds since 1970');
  if (maxDepth !== undefined && !isCount(maxDepth)) refuse('maxDepth is a whole number');
  for (const kind of Object.keys(defaultBudget) as (keyof typeof defaultBudget)[]) {
    const limit = budget?.[kind];
    if (limit !== undefined && !isCount(limit)) refuse(`budget.${kind} is a whole number`);
  }
  checkRevocation(revocation);
}

function checkName(given: VerifyOptions['name']): void {
  if (given === undefined || given === null || given === 'any') return;
  const names: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (names.every(isPeerName)) return;
  refuse("name is { dns }, { ip }, { uri } or { email }, a list of them, or 'any'");
}

/** One form, and of the right type: a property that nobody reads would leave the peer without a name. */
function isPeerName(name: unknown): name is PeerName {
  if (typeof name !== 'object' || name === null) return false;
  const [[form, value] = [], ...others] = Object.entries(name);
  if (others.length > 0) return false;
  return form === 'ip' ? value instanceof Uint8Array : textForms.has(form) && typeof value === 'string';
}

function checkRevocation({ mode, maxAge }: RevocationOptions = {}): void {
  if (mode !== undefined && !modes.has(mode)) refuse(`revocation.mode is one of ${[...modes].join(', ')}`);
  if (maxAge !== undefined && !(maxAge >= 0)) refuse('revocation.maxAge is in milliseconds');
}

/** Infinity is no limit, said aloud. */
function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY);
}

function refuse(message: string): never {
  return misuse('ERR_TLS_CONFIG', `verifyPeer: ${message}`);
}

const purposes: ReadonlySet<unknown> = new Set<Purpose>([
  'server',
  'client',
  'email',
  'codeSigning',
  'timeStamping',
  'any',
]);
const textForms: ReadonlySet<unknown> = new Set(['dns', 'uri', 'email']);
const modes: ReadonlySet<unknown> = new Set(['off', 'soft', 'hard']);
