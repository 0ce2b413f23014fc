import { createPrivateKey } from 'node:crypto';
import type http from 'node:http';
import nodeHttps from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import tls, { createSecureContext } from '#opentls/adapters/node/index';
import { noble } from '#opentls/providers/noble';
import { authority, serverLeaf } from '../../../x509/made/chain.ts';
import { close, collect, leaf, listen, root, serverOptions } from '../sides.ts';

type Options = Record<string, unknown>;

const other = authority('other root');
const own = serverLeaf(root, { subject: 'client', extendedKeyUsage: ['clientAuth'] });

/** Options that judge or authenticate: of each, values that must not share a connection, and what is equal to the first. */
const apart: [name: string, values: readonly unknown[], same?: unknown][] = [
  [
    'verification',
    [{ revocation: { mode: 'hard' } }, { revocation: { mode: 'soft' } }, { maxDepth: 3 }],
    { revocation: { mode: 'hard' } },
  ],
  ['verification', [{ fetchIssuers: () => [] }, { fetchIssuers: () => [] }]],
  ['engine', [{ pskModes: ['psk_ke'] }, { requirePsk: true }, { limits: { inbox: 70_000 } }], { pskModes: ['psk_ke'] }],
  ['signer', [own.signer, leaf.signer, [own.signer, leaf.signer]]],
  ['provider', [{ ...noble }, { ...noble, name: 'noble', suites: noble.suites.slice(1) }], { ...noble }],
  ['secureContext', [createSecureContext({ ca: root.pem }), createSecureContext({ ca: root.pem })]],
  ['checkServerIdentity', [() => undefined, () => undefined]],
  ['pskCallback', [() => null, () => null]],
  ['now', [() => 1, () => 1]],
  ['certificateCompression', [['zlib'], ['brotli'], [{ id: 1 }]], ['zlib']],
  ['allowPartialTrustChain', [true, false]],
  ['passphrase', ['a', 'b'], 'a'],
  ['ca', [[root.pem], [other.pem], [], Buffer.from(root.der), Buffer.from(other.der)], [root.pem]],
  ['cert', [own.pem, leaf.pem, Buffer.from([0x30, 0xff]), Buffer.from([0x30, 0xfe])], own.pem],
  ['crl', [Buffer.from([0x30, 0xff]), Buffer.from([0x30, 0xfe])]],
  ['key', [createPrivateKey(own.key), createPrivateKey(leaf.key), [{ pem: own.key }], [{ pem: leaf.key }]]],
  ['rejectUnauthorized', [true, false], true],
  ['ciphers', ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'], 'TLS_AES_128_GCM_SHA256'],
  ['ALPNProtocols', [['http/1.1'], ['other']], ['http/1.1']],
];

describe('connections of one name are judged alike and authenticate alike', () => {
  test.each(apart)('%s %#', (name, values, same) => {
    const agent = new https.Agent();
    const nameOf = (options: Options): string => agent.getName({ host: 'a', port: 1, ...options } as never);
    const names = [undefined, ...values].map((value) => nameOf({ [name]: value }));
    expect(new Set(names).size).toBe(names.length);
    expect(nameOf({ [name]: values[0] })).toBe(names[1]);
    if (same !== undefined) expect(nameOf({ [name]: same })).toBe(names[1]);
    for (const value of values) {
      const nodes = nodeHttps.Agent.prototype.getName.call(agent, { host: 'a', port: 1, [name]: value } as never);
      expect(nameOf({ [name]: value }).startsWith(nodes)).toBe(true);
    }
  });

  test('what is inherited is no option', () => {
    const agent = new https.Agent();
    const lax = Object.assign(Object.create({ verification: { maxDepth: 1 } }), { host: 'a' });
    expect(agent.getName(lax)).toBe(agent.getName({ host: 'a' }));
  });

  test('an object that was changed is another', () => {
    const agent = new https.Agent();
    const verification: Options = { revocation: { mode: 'soft' } };
    const before = agent.getName({ verification } as never);
    verification['revocation'] = { mode: 'hard' };
    expect(agent.getName({ verification } as never)).not.toBe(before);
    verification['self'] = verification;
    expect(agent.getName({ verification } as never)).not.toBe(before);
  });

  test('what a variable of the environment lets pass goes by itself', () => {
    const agent = new https.Agent();
    const strict = agent.getName({ host: 'a' });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    const lax = agent.getName({ host: 'a' });
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    expect(lax).not.toBe(strict);
    expect(agent.getName({ host: 'a' })).toBe(strict);
  });
});

describe('an Agent with connections that are kept alive', () => {
  const server = https.createServer(serverOptions, (_request, response) => void response.end('ok'));
  let port = 0;
  beforeAll(async () => {
    port = await listen(server as never);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await close(server);
  });

  /** What became of a request: whether its connection was used before, and resumed a session; or the error's code. */
  async function send(agent: http.Agent, options: Options): Promise<{ reused: boolean; resumed: unknown } | string> {
    const request = https.get({ host: 'localhost', family: 4, port, ca: root.pem, agent, ...options } as never);
    return new Promise((resolve) => {
      request.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      request.on('response', (response) => {
        const resumed = (response.socket as TLSSocket).isSessionReused();
        collect(response).then(() => resolve({ reused: request.reusedSocket, resumed }));
      });
    });
  }

  const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  const refused: readonly (readonly [string, Options, string])[] = [
    ['verification', { verification: { revocation: { mode: 'hard' } } }, 'UNABLE_TO_GET_CRL'],
    ['now', { now: () => 0 }, 'CERT_NOT_YET_VALID'],
    ['checkServerIdentity', { checkServerIdentity: () => Object.assign(new Error('no'), { code: 'NO' }) }, 'NO'],
    ['secureContext', { secureContext: createSecureContext({ ca: other.pem }) }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['ca', { ca: other.pem }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ];

  test.each(refused)('a request with a stricter %s has no part in what a laxer one opened', async (_, strict, code) => {
    const agent = new https.Agent({ keepAlive: true });
    expect(await send(agent, strict)).toBe(code);
    expect(await send(agent, {})).toMatchObject({ reused: false });
    await idle();
    expect(await send(agent, {})).toMatchObject({ reused: true });
    await idle();
    expect(await send(agent, strict)).toBe(code);
    agent.destroy();
  });

  test('nor does one that waited for a free connection', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, maxTotalSockets: 1 });
    const [first, strict, last] = await Promise.all([
      send(agent, {}),
      send(agent, { verification: { revocation: { mode: 'hard' } } }),
      send(agent, {}),
    ]);
    expect(first).toMatchObject({ reused: false });
    expect(strict).toBe('UNABLE_TO_GET_CRL');
    expect(last).toMatchObject({ resumed: expect.anything() });
    agent.destroy();
  });

  test('a session is offered only where it was judged alike', async () => {
    const agent = new https.Agent();
    const engine = { recordSizeLimit: 8000 };
    expect(await send(agent, {})).toMatchObject({ resumed: false });
    expect(await send(agent, {})).toMatchObject({ resumed: true });
    expect(await send(agent, { engine })).toMatchObject({ resumed: false });
    expect(await send(agent, { engine: { ...engine } })).toMatchObject({ resumed: true });
    const now = (): number => Date.now();
    expect(await send(agent, { now })).toMatchObject({ resumed: false });
    expect(await send(agent, { now })).toMatchObject({ resumed: true });
    agent.destroy();
  });
});

describe('what is not given has the value of now', () => {
  const nameOf = (agent: https.Agent, options: Options = {}): string =>
    agent.getName({ host: 'a', port: 1, ...options } as never);

  test('other default roots', () => {
    const agent = new https.Agent();
    const roots = tls.getCACertificates('default');
    const before = nameOf(agent);
    tls.setDefaultCACertificates([root.pem]);
    const meanwhile = nameOf(agent);
    tls.setDefaultCACertificates(roots);
    expect(new Set([before, meanwhile, nameOf(agent)]).size).toBe(3);
  });

  test.each([undefined, null, true])('rejectUnauthorized: %s is strict, whatever the environment says', (strict) => {
    const agent = new https.Agent();
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const [lax, asked] = [nameOf(agent), nameOf(agent, { rejectUnauthorized: strict })];
    vi.unstubAllEnvs();
    expect(asked).not.toBe(lax);
  });
});
