import { isThenable } from '../../../crypto/provider.ts';

/** `checkServerIdentity` refused with a value that is no Error: the socket emits that value, as in `node:tls`. */
export class IdentityRefusal extends Error {
  readonly answer: unknown;
  /** The `code` of the answer, or the one for a wrong name. It becomes `authorizationError`. */
  readonly code: string;

  constructor(answer: unknown) {
    super('checkServerIdentity refused the certificate');
    this.answer = answer;
    const code: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'code') : undefined;
    this.code = typeof code === 'string' && code !== '' ? code : 'ERR_TLS_CERT_ALTNAME_INVALID';
  }
}

/** Reads an answer of `checkServerIdentity`: every truthy value refuses, as in `node:tls`. */
export function refusalOf(answer: unknown): Error | undefined {
  if (!answer) return undefined;
  if (answer instanceof Error) return answer;
  // A promise refuses like any object. Nothing waits for it, so its rejection must not end the process.
  if (isThenable(answer)) Promise.resolve(answer).catch(() => {});
  return new IdentityRefusal(answer);
}
