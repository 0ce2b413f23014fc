import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientOptions, close, listen, modules, serverOptions } from '../sides.ts';

const server = modules.node.createServer(serverOptions, (socket) => void socket.on('error', () => {}).end());
let port = 0;

beforeAll(async () => {
  port = await listen(server);
});
afterAll(() => close(server));

interface Told {
  /** Undefined where the client goes on. */
  readonly error: unknown;
  readonly authorized: boolean | undefined;
  readonly authorizationError: unknown;
}

/** What a client is told when its check answers this; an uncaught exception fails the test by itself. */
function ask(which: keyof typeof modules, answer: unknown, rejectUnauthorized: boolean): Promise<Told> {
  return askBy(which, () => answer, rejectUnauthorized);
}

function askBy(which: keyof typeof modules, check: () => unknown, rejectUnauthorized: boolean): Promise<Told> {
  return new Promise((resolve) => {
    const checkServerIdentity = check as () => Error | undefined;
    const socket = modules[which].connect({ ...clientOptions, port, rejectUnauthorized, checkServerIdentity });
    const tell = (error?: unknown): void => {
      const { authorized, authorizationError } = socket;
      resolve({ error, authorized, authorizationError });
      socket.destroy();
    };
    socket.once('secureConnect', () => tell());
    socket.once('error', tell);
  });
}

const good: readonly unknown[] = [undefined, null, false, '', 0, -0, 0n, Number.NaN];
const refusals: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['a number', 1],
  ['a bigint', 1n],
  ['a string', 'no'],
  ['a symbol', Symbol('no')],
  ['a function', () => undefined],
  ['an object', {}],
  ['an array', []],
  ['an object with a code', { code: 'MINE' }],
  ['an error', new Error('mine')],
  ['an error with a code', Object.assign(new Error('mine'), { code: 'MINE' })],
  ['an error that says nothing', new Error('')],
  ['a promise of "good"', Promise.resolve()],
];

test.each(good)('checkServerIdentity answers %o: good, as in node:tls', async (answer) => {
  for (const rejectUnauthorized of [true, false]) {
    const told = await ask('opentls', answer, rejectUnauthorized);
    expect(told).toEqual({ error: undefined, authorized: true, authorizationError: null });
    expect(told).toEqual(await ask('node', answer, rejectUnauthorized));
  }
});

test.each(refusals)('checkServerIdentity answers %s: a refusal, as in node:tls', async (_name, answer) => {
  const refused = await ask('opentls', answer, true);
  // The very value: what is no error is emitted all the same.
  expect(refused.error).toBe(answer);
  expect((await ask('node', answer, true)).error).toBe(answer);

  const wentOn = await ask('opentls', answer, false);
  const node = await ask('node', answer, false);
  expect({ error: wentOn.error, authorized: wentOn.authorized }).toEqual({ error: undefined, authorized: false });
  expect({ error: node.error, authorized: node.authorized }).toEqual({ error: undefined, authorized: false });
  // Where the answer says nothing of itself, node:tls has nothing to say either; here it is never null.
  const text = node.authorizationError ?? 'ERR_TLS_CERT_ALTNAME_INVALID';
  expect([refused.authorizationError, wentOn.authorizationError]).toEqual([text, text]);
});

test('a promise that is rejected is a refusal, and no unhandled rejection', async () => {
  const told = await askBy('opentls', () => Promise.reject(new Error('later')), true);
  expect(told.error).toBeInstanceOf(Promise);
});
