import { isThenable } from '../../../crypto/provider.ts';

/** A refusal by something that is no Error: `node:tls` emits it as it is. */
export class IdentityRefusal extends Error {
  readonly answer: unknown;
  /** Of the answer where it has one: it becomes `authorizationError`. */
  readonly code: string;

  constructor(answer: unknown) {
    super('checkServerIdentity refused the certificate');
    this.answer = answer;
    const code: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'code') : undefined;
    this.code = typeof code === 'string' && code !== '' ? code : 'ERR_TLS_CERT_ALTNAME_INVALID';
  }
}

/** What `checkServerIdentity` answered is judged by its truth, as in `node:tls`: anything that is true refuses. */
export function refusalOf(answer: unknown): Error | undefined {
  if (!answer) return undefined;
  if (answer instanceof Error) return answer;
  // Nobody waits for a promise, so how it ends is nobody's business.
  if (isThenable(answer)) Promise.resolve(answer).catch(() => {});
  return new IdentityRefusal(answer);
}
