import { isThenable } from '../../crypto/provider.ts';
import { messageOf, TlsError } from '../../errors.ts';
import { kindOf } from '../../options.ts';

/** The name of each ask for error messages: that of the option, where the application answers it. */
const subjects = {
  keyShare: 'making a key share',
  agree: 'the key agreement',
  encapsulate: 'the key encapsulation',
  chooseCredentials: 'chooseCredentials',
  chooseClientCredentials: 'chooseCredentials',
  chooseProtocol: 'chooseProtocol',
  verifyChain: 'verifyChain',
  verifySignature: 'the signature verifier',
  sign: 'the signer',
  takeSession: 'takeSession',
  openTicket: 'opening a session ticket',
  sealTicket: 'sealing a session ticket',
  findPsk: 'findPsk',
  compress: 'certificateCompression',
  decompress: 'certificateCompression',
  admitEarlyData: 'the replay guard of earlyData',
} as const;

type AskName = keyof typeof subjects;

/** Asks that the provider answers, where the configuration names none of its functions. */
const ofProvider: ReadonlySet<AskName> = new Set(['keyShare', 'agree', 'encapsulate', 'verifySignature']);

/**
 * The error of an ask that could not be answered: it says what failed and why. A TlsError stays what it is.
 * @returns TlsError ERR_TLS_INTERNAL, blame 'config' for what the application gave, 'local' for the provider
 */
export function failedAsk(ask: AskName, error: unknown): TlsError {
  if (error instanceof TlsError) return error;
  const blame = ofProvider.has(ask) ? 'local' : 'config';
  const message = `${subjects[ask]} failed: ${messageOf(error)}`;
  return new TlsError('ERR_TLS_INTERNAL', message, { alert: 'internal_error', blame, cause: error });
}

/** What is wrong with an answer that is not even of the right kind; undefined where nothing is. */
export function wrongAnswer(ask: AskName, answer: unknown): string | undefined {
  if (isThenable(answer)) return 'the answer is a promise: wait for it, then give what it resolves to';
  const kind = kinds[ask];
  return kind === undefined || kind.fits(answer) ? undefined : `the answer must be ${kind.name}, not ${kindOf(answer)}`;
}

interface Kind {
  readonly name: string;
  fits(answer: unknown): boolean;
}

const orNothing = (kind: Kind): Kind => ({
  name: `${kind.name} or undefined`,
  fits: (answer) => answer === undefined || answer === null || kind.fits(answer),
});
const bytes: Kind = { name: 'a Uint8Array', fits: (answer) => answer instanceof Uint8Array };
const list: Kind = { name: 'an array of credentials', fits: (answer) => Array.isArray(answer) };
const object: Kind = { name: 'an object', fits: (answer) => typeof answer === 'object' && answer !== null };

/** The kinds of the answers that the application gives. */
const kinds: Partial<Readonly<Record<AskName, Kind>>> = {
  sign: {
    name: 'a Uint8Array with the signature',
    fits: (answer) => answer instanceof Uint8Array && answer.length > 0,
  },
  verifyChain: {
    name: 'a verdict, { ok: true, peer } or { ok: false, code, reason }',
    fits: (answer) => typeof answer === 'object' && answer !== null && typeof Reflect.get(answer, 'ok') === 'boolean',
  },
  chooseCredentials: orNothing(list),
  chooseClientCredentials: orNothing(list),
  chooseProtocol: orNothing(bytes),
  takeSession: orNothing({ ...object, name: 'a Session' }),
  openTicket: orNothing({ ...object, name: 'a SessionState' }),
  sealTicket: orNothing(bytes),
  findPsk: orNothing({ ...object, name: 'an external PSK' }),
};
