import { misuse } from '../../errors.ts';
import { settle, wrong } from '../../options.ts';
import type { VerifyOptions } from './options.ts';
import { verifyRules } from './rules.ts';

/**
 * Checks that no option is missing whose absence would switch a check off, and that none is NaN, with which every
 * comparison has the same outcome: callers in JavaScript have no types.
 * @throws TlsError ERR_TLS_CONFIG
 */
export function settleVerifyOptions(given: VerifyOptions): VerifyOptions {
  const options = settle<VerifyOptions>(given, verifyRules, 'verifyPeer: options');
  for (const name of ['trust', 'verifiers', 'purpose', 'time'] as const) {
    if (options[name] === undefined) wrong(`verifyPeer: options.${name}`, 'given', undefined);
  }
  if (options.purpose === 'server' && options.name === undefined) {
    const why = "a server is judged for a name: give one, or say 'any' where its name is looked at elsewhere";
    misuse('ERR_TLS_CONFIG', `verifyPeer: ${why}`);
  }
  return options as VerifyOptions;
}
