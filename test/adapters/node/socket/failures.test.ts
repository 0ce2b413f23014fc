import { createSecureContext, type TlsOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { authority, serverLeaf } from '../../../x509/made/chain.ts';
import { clientOptions, close, event, leaf, listen, modules, root, serverOptions } from '../sides.ts';

type Name = keyof typeof modules;
type Options = Record<string, unknown>;

interface Failure {
  readonly code: unknown;
  readonly message: string;
  readonly alert: unknown;
}

interface Outcome {
  /** 'open' where the handshake went well. */
  readonly client: Failure | 'open';
  readonly server: Failure | 'open' | undefined;
  readonly authorizationError: unknown;
}

/** One handshake that is expected to go wrong somewhere; a peer that refuses late is waited for. */
async function attempt(names: readonly [Name, Name], ofServer: Options, ofClient: Options): Promise<Outcome> {
  const [serverName, clientName] = names;
  const server = modules[serverName].createServer({ ...serverOptions, ...ofServer } as TlsOptions);
  const atServer = Promise.race([
    event(server, 'tlsClientError').then(([error]) => failure(error)),
    event(server, 'secureConnection').then(() => 'open' as const),
  ]);
  const client = modules[clientName].connect({ ...clientOptions, port: await listen(server), ...ofClient });
  client.resume();
  let failed: Failure | undefined;
  client.on('error', (error) => {
    failed = failure(error);
  });
  client.on('secureConnect', () => setTimeout(() => client.destroy(), 60));
  await event(client, 'close');
  const outcome = { server: await atServer, client: failed ?? 'open', authorizationError: client.authorizationError };
  await close(server);
  return outcome as Outcome;
}

/** Later versions of Node spell some differently. */
function failure(error: unknown): Failure {
  const { code, message, alert } = error as Error & Failure;
  return {
    code: typeof code === 'string' ? code.replace('SSL/TLS', 'SSLV3') : code,
    message: message.replace(/; if the root CA is installed locally.*$/, ''),
    alert,
  };
}

const both: readonly (readonly [Name, Name])[] = [
  ['opentls', 'opentls'],
  ['node', 'opentls'],
];

const expired = serverLeaf(root, { subject: 'localhost', notAfter: Date.now() - 60_000 });
const future = serverLeaf(root, { subject: 'localhost', notBefore: Date.now() + 60_000 });
const selfSigned = serverLeaf(undefined, { subject: 'localhost' });
const clientOnly = serverLeaf(root, { subject: 'localhost', extendedKeyUsage: ['clientAuth'] });
const stranger = serverLeaf(authority('stranger'), { extendedKeyUsage: ['clientAuth'] });

describe('a client refuses a server as with node:tls, and says so to it', () => {
  const cases: readonly [name: string, server: Options, client: Options, alert: string][] = [
    ['an unknown authority', {}, { ca: authority('other').pem }, 'unknown_ca'],
    ['no anchor at all', {}, { ca: [] }, 'unknown_ca'],
    ['a self-signed certificate', { key: selfSigned.key, cert: selfSigned.pem }, {}, 'unknown_ca'],
    ['a root in the chain', { cert: leaf.pem + root.pem }, { ca: authority('other').pem }, 'unknown_ca'],
    ['another name', {}, { servername: 'bad.example' }, 'bad_certificate'],
    [
      'another address',
      {},
      { host: '127.0.0.1', servername: '', checkServerIdentity: () => new Error('no') },
      'bad_certificate',
    ],
    ['an expired certificate', { key: expired.key, cert: expired.pem }, {}, 'certificate_expired'],
    ['a certificate of tomorrow', { key: future.key, cert: future.pem }, {}, 'certificate_expired'],
    ['a certificate for clients', { key: clientOnly.key, cert: clientOnly.pem }, {}, 'unsupported_certificate'],
  ];

  test.each(cases)('%s', async (_name, ofServer, ofClient, alert) => {
    const expected = await attempt(['node', 'node'], ofServer, ofClient);
    for (const names of both) {
      const { client, authorizationError, server } = await attempt(names, ofServer, ofClient);
      const { code, message } = expected.client as Failure;
      expect(client).toMatchObject({ code, message });
      expect(authorizationError).toBe(expected.authorizationError);
      const spelled = `ALERT_${alert.toUpperCase()}`;
      expect(server).toMatchObject({ code: expect.stringMatching(new RegExp(`^ERR_SSL_(SSLV3|TLSV1)_${spelled}$`)) });
    }
  });

  test.each(cases)('rejectUnauthorized: false overlooks %s', async (_name, ofServer, ofClient) => {
    const lenient = { ...ofClient, rejectUnauthorized: false };
    const expected = await attempt(['node', 'node'], ofServer, lenient);
    for (const names of both) {
      const { client, authorizationError } = await attempt(names, ofServer, lenient);
      expect(client).toBe('open');
      expect(authorizationError).toBe(expected.authorizationError);
    }
  });
});

describe('a server refuses a client', () => {
  const asks = { requestCert: true, ca: root.pem };

  test('without a certificate', async () => {
    const outcome = await attempt(['opentls', 'node'], asks, {});
    expect(outcome.server).toMatchObject({
      code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      message: expect.stringContaining('peer did not return a certificate'),
    });
    expect(outcome.client).toMatchObject({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
    const asClient = await attempt(['node', 'opentls'], asks, {});
    expect(asClient.client).toMatchObject({
      code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      alert: 'certificate_required',
    });
  });

  test('with the certificate of a stranger', async () => {
    const outcome = await attempt(['opentls', 'node'], asks, { key: stranger.key, cert: stranger.pem });
    expect(outcome.server).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', alert: 'unknown_ca' });
    expect(outcome.client).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });
  });

  test('rejectUnauthorized: false takes both', async () => {
    for (const credential of [{}, { key: stranger.key, cert: stranger.pem }]) {
      const codes = [];
      for (const name of ['node', 'opentls'] as const) {
        const server = modules[name].createServer({ ...serverOptions, ...asks, rejectUnauthorized: false });
        const client = modules.node.connect({ ...clientOptions, port: await listen(server), ...credential });
        const [socket] = (await event(server, 'secureConnection')) as [
          { authorized: boolean; authorizationError: string },
        ];
        codes.push([socket.authorized, socket.authorizationError]);
        client.destroy();
        await close(server);
      }
      expect(codes[1]).toEqual(codes[0]);
    }
  });

  test('with its certificate it is authorized', async () => {
    const outcome = await attempt(['opentls', 'node'], asks, { key: leaf.key, cert: leaf.pem });
    expect(outcome).toMatchObject({ server: 'open', client: 'open' });
  });
});

describe('nothing in common', () => {
  const cases: readonly [string, Options, Options][] = [
    ['protocols', { ALPNProtocols: ['a'] }, { ALPNProtocols: ['b'] }],
    ['a protocol for ALPNCallback', { ALPNCallback: () => undefined }, { ALPNProtocols: ['b'] }],
    ['cipher suites', { ciphers: 'TLS_AES_128_GCM_SHA256' }, { ciphers: 'TLS_AES_256_GCM_SHA384' }],
    ['groups', { ecdhCurve: 'P-384' }, { ecdhCurve: 'X25519' }],
    ['signature algorithms', {}, { sigalgs: 'RSA-PSS+SHA256' }],
    ['versions', {}, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
  ];

  test.each(cases)('%s: the codes of node:tls', async (_name, ofServer, ofClient) => {
    const expected = await attempt(['node', 'node'], ofServer, ofClient);
    const pairs: (readonly [Name, Name])[] = [['opentls', 'node']];
    if (!('maxVersion' in ofClient)) pairs.push(['node', 'opentls'], ['opentls', 'opentls']);
    for (const names of pairs) {
      const actual = await attempt(names, ofServer, ofClient);
      expect((actual.client as Failure).code).toBe((expected.client as Failure).code);
      expect((actual.server as Failure).code).toBe((expected.server as Failure).code);
    }
  });

  test('a server of TLS 1.2', async () => {
    const outcome = await attempt(['node', 'opentls'], { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, {});
    expect(outcome.client).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    expect(outcome.server).toMatchObject({ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' });
  });
});

describe('a callback of the server that fails', () => {
  const failing = new Error('no such name');
  const foreign = { context: createSecureContext().context };
  const cases: readonly [string, Options, object][] = [
    ['SNICallback answers an error', { SNICallback: (_: string, done: (e: Error) => void) => done(failing) }, failing],
    [
      'SNICallback throws',
      {
        SNICallback: () => {
          throw failing;
        },
      },
      failing,
    ],
    [
      'SNICallback answers a context of node:tls',
      { SNICallback: (_: string, done: (e: null, c: object) => void) => done(null, foreign) },
      { code: 'ERR_TLS_INVALID_CONTEXT' },
    ],
    [
      'ALPNCallback answers what was not offered',
      { ALPNCallback: () => 'z' },
      { code: 'ERR_TLS_ALPN_CALLBACK_INVALID_RESULT' },
    ],
    [
      'ALPNCallback throws',
      {
        ALPNCallback: () => {
          throw failing;
        },
      },
      failing,
    ],
  ];

  test.each(cases)('%s', async (_name, ofServer, expected) => {
    const server = modules.opentls.createServer({ ...serverOptions, ...ofServer } as TlsOptions);
    const port = await listen(server);
    const client = modules.node.connect({ ...clientOptions, port, servername: 'localhost', ALPNProtocols: ['a'] });
    client.on('error', () => {});
    const [error] = await event(server, 'tlsClientError');
    if (expected instanceof Error) expect(error).toBe(expected);
    else expect(error).toMatchObject(expected);
    await event(client, 'close');
    await close(server);
  });

  test('SNICallback that answers twice costs the socket', async () => {
    const SNICallback = (_: string, done: (error: null) => void): void => {
      done(null);
      done(null);
    };
    const server = modules.opentls.createServer({ ...serverOptions, SNICallback } as unknown as TlsOptions);
    const client = modules.node.connect({ ...clientOptions, port: await listen(server), servername: 'localhost' });
    client.on('error', () => {});
    const [error] = await event(server, 'tlsClientError');
    expect(error).toMatchObject({ code: 'ERR_MULTIPLE_CALLBACK' });
    await close(server);
  });
});

describe('a connection that does not come about', () => {
  test('nobody listens', async () => {
    const server = modules.opentls.createServer(serverOptions);
    const port = await listen(server);
    await close(server);
    const codes = [];
    for (const name of ['node', 'opentls'] as const) {
      const client = modules[name].connect({ ...clientOptions, port });
      const [error] = await event(client, 'error');
      const { code, syscall, port: at } = error as NodeJS.ErrnoException & { port: number };
      codes.push([code, syscall, at === port, client.connecting, client.destroyed]);
    }
    expect(codes[1]).toEqual(codes[0]);
  });

  test('checkServerIdentity that throws', async () => {
    const thrown = new RangeError('thrown');
    const checkServerIdentity = (): undefined => {
      throw thrown;
    };
    const server = modules.opentls.createServer(serverOptions);
    const client = modules.opentls.connect({ ...clientOptions, port: await listen(server), checkServerIdentity });
    const [error] = await event(client, 'error');
    expect(error).toBe(thrown);
    await close(server);
  });
});
