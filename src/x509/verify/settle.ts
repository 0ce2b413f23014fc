import { misuse } from '../../errors.ts';
import { settle } from '../../options.ts';
import type { VerifyOptions } from './options.ts';
import { verifyRules } from './rules.ts';

/**
 * Checks the options. Callers in JavaScript have no types: a missing or misspelt option would switch a check off, and with
 * NaN every comparison has the same outcome.
 * @throws TlsError ERR_TLS_CONFIG
 */
export function settleVerifyOptions(given: VerifyOptions): VerifyOptions {
  const options = settle<VerifyOptions>(given, verifyRules, 'verifyPeer: options');
  for (const name of ['trust', 'verifiers', 'purpose', 'time'] as const) {
    if (options[name] === undefined) misuse('ERR_TLS_CONFIG', `verifyPeer: options.${name} is missing`);
  }
  if (options.purpose === 'server' && options.name === undefined) {
    const why = "a server is judged for a name: give one, or say 'any' where its name is looked at elsewhere";
    misuse('ERR_TLS_CONFIG', `verifyPeer: ${why}`);
  }
  return options as VerifyOptions;
}
