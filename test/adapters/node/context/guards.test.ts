import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stateOf } from '#opentls/adapters/node/context/context';
import tls from '#opentls/adapters/node/index';
import { clientOptions, close, event, leaf, listen, modules, root, type Socket, serverOptions } from '../sides.ts';

type Which = keyof typeof modules;

/** Nobody trusts its certificate without `ca`. */
const server = modules.node.createServer(serverOptions, (socket) => void socket.on('error', () => {}));
let port = 0;

beforeAll(async () => {
  server.on('tlsClientError', () => {});
  port = await listen(server);
});
afterAll(() => close(server));

const polluted: string[] = [];
function pollute(name: string, value: unknown): void {
  polluted.push(name);
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
}
afterEach(() => {
  for (const name of polluted.splice(0)) Reflect.deleteProperty(Object.prototype, name);
});

/** Code of the error, 'connected', or what was thrown at once. */
function outcome(open: () => Socket, good = 'secureConnect'): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      const socket = open();
      socket.once(good, () => {
        resolve('connected');
        socket.destroy();
      });
      socket.once('error', (error: Error & { code?: unknown }) => resolve(error.code ?? error.message));
    } catch (error) {
      resolve(`thrown ${(error as { code?: unknown }).code}`);
    }
  });
}

const connect = (which: Which, options: object): Promise<unknown> =>
  outcome(() => modules[which].connect({ host: '127.0.0.1', port, ...options }));

/** Everything that is not true, and more that is neither. */
const odd: readonly unknown[] = [undefined, null, '', 0, -0, 0n, Number.NaN, 'false', 'true', 1, [], {}, () => false];
const unauthorized = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';

describe('a client verifies its server unless it says false itself', () => {
  test.each(odd)('rejectUnauthorized: %o, as in node:tls', async (rejectUnauthorized) => {
    expect(await connect('opentls', { rejectUnauthorized })).toBe(unauthorized);
    expect(await connect('node', { rejectUnauthorized })).toBe(unauthorized);
  });

  test('rejectUnauthorized: false', async () => {
    expect(await connect('opentls', { rejectUnauthorized: false })).toBe('connected');
  });

  class Lax {
    host = '127.0.0.1';
    port = port;
    get rejectUnauthorized(): boolean {
      return false;
    }
  }
  test.each([
    ['a prototype', () => Object.assign(Object.create({ rejectUnauthorized: false }), { host: '127.0.0.1', port })],
    ['a class', () => new Lax()],
  ] as const)('%s has no say, as in node:tls', async (_name, options) => {
    for (const which of ['opentls', 'node'] as const) {
      expect(await outcome(() => modules[which].connect(options()))).toBe(unauthorized);
    }
  });

  test.each([
    ['rejectUnauthorized', false],
    ['checkServerIdentity', () => undefined],
    ['ca', root.pem],
    ['secureContext', tls.createSecureContext({ ca: root.pem })],
    ['allowPartialTrustChain', true],
    ['verification', { maxDepth: 0 }],
    ['engine', { limits: { inbox: 0 } }],
    ['now', () => 0],
    ['pskCallback', () => ({ psk: Buffer.alloc(32), identity: 'x' })],
    ['signer', {}],
    ['crl', 'x'],
    ['ciphers', 'x'],
  ])('Object.prototype.%s neither', async (name, value) => {
    pollute(name, value);
    expect(await connect('opentls', {})).toBe(unauthorized);
    const [named, other] = ['localhost', 'other.example'].map((servername) => ({ ca: root.pem, servername }));
    expect(await connect('opentls', named ?? {})).toBe('connected');
    expect(await connect('opentls', other ?? {})).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('NODE_TLS_REJECT_UNAUTHORIZED has a say where the caller has none', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      for (const which of ['opentls', 'node'] as const) {
        expect(await connect(which, {})).toBe('connected');
        expect(await connect(which, { rejectUnauthorized: undefined })).toBe(unauthorized);
      }
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  // Node 20 asserts it with ERR_INTERNAL_ASSERTION, later ones throw this.
  test.each(odd.slice(0, -1))('checkServerIdentity: %o is no function', async (checkServerIdentity) => {
    const options = { ca: root.pem, checkServerIdentity };
    expect(await connect('opentls', options)).toBe('thrown ERR_INVALID_ARG_TYPE');
    expect(await connect('node', options)).toMatch(/^thrown ERR_IN(?:TERNAL_ASSERTION|VALID_ARG_TYPE)$/);
  });

  test.each([null, '', 0, 0n, Number.NaN, false])(
    'secureContext: %o is none, as in node:tls',
    async (secureContext) => {
      for (const which of ['opentls', 'node'] as const) {
        expect(await connect(which, { secureContext, ca: root.pem })).toBe('connected');
        expect(await connect(which, { secureContext })).toBe(unauthorized);
      }
    },
  );

  test.each([...odd, false])('a bare socket told rejectUnauthorized: %o', async (rejectUnauthorized) => {
    const open = (options: object) => {
      const socket = new tls.TLSSocket(net.connect(port, '127.0.0.1'), { isServer: false, ...options });
      socket._start();
      return socket as unknown as Socket;
    };
    // Without a word it leaves the decision to its owner, as in node:tls.
    const goesOn = rejectUnauthorized === undefined || rejectUnauthorized === false;
    expect(await outcome(() => open({ rejectUnauthorized }), 'secure')).toBe(goesOn ? 'connected' : unauthorized);
  });
});

describe('a server verifies its clients unless it says false itself', () => {
  test.each([...odd, true, false])('rejectUnauthorized: %o, as in node:tls', (rejectUnauthorized) => {
    const options = { ...serverOptions, requestCert: true, rejectUnauthorized: rejectUnauthorized as boolean };
    const [ours, theirs] = [tls.createServer(options), modules.node.createServer(options)];
    expect(ours.rejectUnauthorized).toBe(rejectUnauthorized !== false);
    expect(ours.rejectUnauthorized).toBe(Reflect.get(theirs, 'rejectUnauthorized'));
  });

  // Node hears nothing but true; a client that is asked in vain is the lesser evil.
  test.each([...odd, true, false])('requestCert: %o asks where it is true in any way', (requestCert) => {
    const options = { ...serverOptions, requestCert: requestCert as boolean };
    expect(tls.createServer(options).requestCert).toBe(Boolean(requestCert));
  });

  test('what is assigned later is heard the same way', async () => {
    const ours = modules.opentls.createServer({ ...serverOptions, requestCert: true });
    Object.assign(ours, { rejectUnauthorized: 0 });
    const refused = event(ours, 'tlsClientError');
    const client = modules.node.connect({ ...clientOptions, port: await listen(ours), key: leaf.key, cert: leaf.pem });
    client.on('error', () => {});
    expect((await refused)[0]).toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    await close(ours);
  });

  test('Object.prototype has no say', () => {
    pollute('rejectUnauthorized', false);
    pollute('requestCert', true);
    pollute('pskCallback', 5);
    for (const ours of [tls.createServer(serverOptions), tls.createServer(), new tls.Server()]) {
      expect([ours.requestCert, ours.rejectUnauthorized]).toEqual([false, true]);
    }
  });

  test('a class may ask for a check, as in node:tls, and not switch one off', () => {
    class Settings {
      get key(): string {
        return leaf.key;
      }
      get cert(): string {
        return leaf.pem;
      }
      get ca(): string {
        return root.pem;
      }
      get requestCert(): boolean {
        return true;
      }
      get rejectUnauthorized(): boolean {
        return false;
      }
    }
    const ours = tls.createServer(new Settings());
    expect([ours.requestCert, ours.rejectUnauthorized]).toEqual([true, true]);
    const { trust, credentials } = stateOf(ours._sharedCreds);
    // Its own anchors, not those of the public.
    expect([trust.size, credentials.length]).toEqual([1, 1]);
  });

  test.each([Number.POSITIVE_INFINITY, 2 ** 31, -1])('handshakeTimeout: %d still ends', async (handshakeTimeout) => {
    const ours = tls.createServer({ ...serverOptions, handshakeTimeout });
    let timeout: number | undefined;
    const accepted = new Promise<void>((resolve) => {
      ours.on('connection', (socket: net.Socket) => {
        setImmediate(() => {
          socket.destroy();
          resolve();
        });
      });
    });
    ours.on('tlsClientError', (_error, socket) => {
      timeout = socket._tlsOptions.handshakeTimeout;
    });
    await new Promise<void>((resolve) => ours.listen(0, '127.0.0.1', resolve));
    const peer = net.connect((ours.address() as net.AddressInfo).port, '127.0.0.1');
    peer.on('error', () => {});
    await Promise.all([accepted, event(peer, 'close')]);
    await close(ours);
    expect(timeout).toBe(handshakeTimeout > 0 ? 2 ** 31 - 1 : 120_000);
  });
});

describe('what widens trust is heard only where it is true', () => {
  test.each([...odd, true])('allowPartialTrustChain: %o', (allowPartialTrustChain) => {
    const context = tls.createSecureContext({
      ca: root.pem,
      allowPartialTrustChain: allowPartialTrustChain as boolean,
    });
    expect(stateOf(context).trust.allowPartial).toBe(allowPartialTrustChain === true);
  });
});

describe('pskCallback', () => {
  const wrong: readonly unknown[] = ['x', true, 1, [], {}];

  test.each(wrong)('%o is refused where it is given', async (pskCallback) => {
    expect(await connect('opentls', { pskCallback })).toBe('thrown ERR_INVALID_ARG_TYPE');
    expect(await connect('node', { pskCallback })).toBe('thrown ERR_INVALID_ARG_TYPE');
    const open = (): unknown => tls.createServer({ ...serverOptions, pskCallback: pskCallback as never });
    expect(open).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  const key = Buffer.alloc(32, 1);
  const answers: readonly (readonly [string, unknown])[] = [
    ['0', 0],
    ['an empty text', ''],
    ['false', false],
    ['true', true],
    ['nothing in it', {}],
    ['no identity', { psk: key }],
    ['a key as text', { psk: 'secret', identity: 'me' }],
    ['an identity that is no text', { psk: key, identity: 5 }],
    ['a promise', Promise.resolve({ psk: key, identity: 'me' })],
  ];

  test.each(answers)("a client's answers %s: an error of the socket, as in node:tls", async (_name, answer) => {
    const options = { ca: root.pem, pskCallback: () => answer };
    expect(await connect('opentls', options)).toBe('ERR_INVALID_ARG_TYPE');
    expect(await connect('node', options)).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('a client callback that throws: an error of the socket, as in node:tls', async () => {
    const pskCallback = (): never => {
      throw new Error('thrown');
    };
    for (const which of ['opentls', 'node'] as const) {
      expect(await connect(which, { ca: root.pem, pskCallback })).toBe('thrown');
    }
  });

  const ofServer: readonly (readonly [string, unknown])[] = [
    ...answers.filter(([name]) => !name.includes('identity')),
    ['a key for a hash that there is not', { psk: key, hash: 'md5' }],
  ];

  test.each(ofServer)("a server's answers %s: an error of the client, as in node:tls", async (name, answer) => {
    for (const which of name.startsWith('a key for') ? (['opentls'] as const) : (['opentls', 'node'] as const)) {
      const asked = modules[which].createServer({ ...serverOptions, pskCallback: () => answer as never });
      const told = event(asked, 'tlsClientError');
      const at = await listen(asked);
      const pskCallback = () => ({ psk: key, identity: 'me' });
      const client = modules.opentls.connect({ ...clientOptions, port: at, pskCallback });
      client.on('error', () => {});
      expect((await told)[0], which).toMatchObject({ code: expect.stringMatching(/^ERR_INVALID_ARG_/) });
      await close(asked);
    }
  });

  test.each([
    ['an empty identity', { psk: key, identity: '' }],
    ['an identity longer than there is room', { psk: key, identity: 'x'.repeat(70_000) }],
    ['a key for a hash that there is not', { psk: key, identity: 'me', hash: 'md5' }],
  ])("a client's answers %s: an error of the socket", async (_name, answer) => {
    expect(await connect('opentls', { ca: root.pem, pskCallback: () => answer })).toBe('ERR_INVALID_ARG_VALUE');
  });

  test('an empty key is none, as in node:tls', async () => {
    const pskCallback = () => ({ psk: Buffer.alloc(0), identity: 'me' });
    for (const which of ['opentls', 'node'] as const) {
      expect(await connect(which, { ca: root.pem, pskCallback })).toBe('connected');
    }
  });
});
