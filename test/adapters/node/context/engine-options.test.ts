import { describe, expect, test } from 'vitest';
import tls from '#opentls/adapters/node/index';
import type { EngineOptions, PeerVerification } from '#opentls/adapters/node/options/context';
import { Secret } from '#opentls/crypto/secret';
import { SignatureScheme } from '#opentls/wire/enums';
import { nodeProfile } from '#opentls/x509/rules/profile';
import { provider } from '../../../kit/provider.ts';
import { clientOptions, close, collect, event, leaf, listen, modules, root, serverOptions } from '../sides.ts';

const psk = { identity: new Uint8Array(1), secret: new Secret('psk', new Uint8Array(32)), hash: 'sha256' };
const replay = { admit: () => true };

/** No option is one of these. */
const neverRight: readonly unknown[] = [null, 1n, Symbol('value'), Number.NaN, -1, ''];

/** What looks like a value, and was taken for one until somebody connected. */
const ofEngine: { readonly [K in keyof EngineOptions]-?: readonly unknown[] } = {
  certificateSchemes: [[], ['ed25519'], SignatureScheme.ed25519],
  requestTimestamps: [1],
  pskModes: [['psk'], 'psk_ke'],
  recordSizeLimit: [63, 16386, '1000'],
  maxFragmentLength: [513, '512'],
  padding: [16],
  grease: ['true'],
  shuffleExtensions: [0],
  keyShares: [['x25519'], 29],
  postHandshakeAuth: ['yes'],
  externalPsks: [
    psk,
    [{ ...psk, secret: Buffer.alloc(32) }],
    [{ ...psk, hash: 'SHA-256' }],
    [{ ...psk, identity: 'a' }],
  ],
  requirePsk: ['true', 1],
  limits: [{ inbox: 1 }, { chainLenght: 1 }, { warnings: '4' }],
  ticketCount: ['2', 1.5, 256],
  findPsk: [new Map()],
  preferCertificate: [1],
  earlyData: [true, 16384, { maxSize: 16384 }, { maxSize: '16384', replay }, { maxSize: 1, replay, ageTolerence: 1 }],
  tickets: [true, { seal() {} }],
  retryCookies: [true, { seal() {} }],
  retryForGroup: [1],
  resumeAcrossNames: ['no'],
  ignoreLegacyVersion: [1],
};

const ofVerification: { readonly [K in keyof PeerVerification]-?: readonly unknown[] } = {
  profile: ['webpki', {}, { ...nodeProfile, minRsaBits: '2048' }, { ...nodeProfile, strict: undefined }],
  maxDepth: ['8', 1.5],
  budget: [{ signatures: Number.NaN }, { signature: 1 }, 24],
  policy: [{ explicitPolicy: 'yes' }, { initialPolicySet: '2.5.29.32.0' }, { initialPolicies: [] }],
  revocation: [
    'hard',
    { mode: 'Hard' },
    { scope: 'Leaf' },
    { maxAge: Number.NaN },
    { fetchCrl: 'http://a' },
    { modus: 'hard' },
  ],
  transparency: [true, {}, { logs: [], hash: 'sha256' }, { logs: [{}], hash: provider.hashes.sha256 }],
  fetchIssuers: [true],
};

/** Each takes the options of a context. A connection that is made all the same would be to nobody. */
const doors: Readonly<Record<string, (options: object) => unknown>> = {
  createSecureContext: (options) => tls.createSecureContext(options),
  createServer: (options) => tls.createServer(options),
  connect: (options) => tls.connect({ port: 1, ...options }).on('error', () => {}),
  TLSSocket: (options) => new tls.TLSSocket(undefined, options),
  setSecureContext: (options) => tls.createServer().setSecureContext(options),
  addContext: (options) => tls.createServer().addContext('a.example', options),
};

/** Code of what each door throws. */
function thrown(options: object): readonly unknown[] {
  return Object.values(doors).map((open) => {
    try {
      open({ ...serverOptions, ...options });
      return 'nothing';
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  });
}

const allSay = (code: string): readonly string[] => Object.keys(doors).map(() => code);

describe('wrong options of the engine and of the verification throw where they are given', () => {
  test.each(Object.entries(ofEngine))('engine.%s', (name, values) => {
    for (const value of [...neverRight, ...values]) {
      expect(thrown({ engine: { [name]: value } }), String(value)).toEqual(allSay('ERR_TLS_CONFIG'));
    }
    expect(thrown({ engine: { [name]: undefined } })).toEqual(allSay('nothing'));
  });

  test.each(Object.entries(ofVerification))('verification.%s', (name, values) => {
    for (const value of [...neverRight, ...values]) {
      expect(thrown({ verification: { [name]: value } }), String(value)).toEqual(allSay('ERR_TLS_CONFIG'));
    }
    expect(thrown({ verification: { [name]: undefined } })).toEqual(allSay('nothing'));
  });

  test.each([
    ['engine', { requirePSK: true }, 'ERR_TLS_CONFIG'],
    ['engine', { verifyChain: () => ({ ok: true }) }, 'ERR_TLS_CONFIG'],
    ['engine', [], 'ERR_TLS_CONFIG'],
    ['engine', true, 'ERR_INVALID_ARG_TYPE'],
    ['verification', { revokation: { mode: 'hard' } }, 'ERR_TLS_CONFIG'],
    ['verification', 'strict', 'ERR_INVALID_ARG_TYPE'],
    ['provider', 'noble', 'ERR_INVALID_ARG_TYPE'],
    ['provider', {}, 'ERR_TLS_CONFIG'],
    ['signer', 'key', 'ERR_INVALID_ARG_TYPE'],
    ['signer', {}, 'ERR_TLS_CONFIG'],
    ['signer', { schemes: ['ed25519'], sign() {} }, 'ERR_TLS_CONFIG'],
    ['now', Date.now(), 'ERR_INVALID_ARG_TYPE'],
    ['certificateCompression', [{ id: 1, compress: 'zlib' }], 'ERR_TLS_CONFIG'],
  ])('%s: %o', (name, value, code) => {
    expect(thrown({ [name]: value })).toEqual(allSay(code));
  });

  test('null is no word, as with the options of node:tls', () => {
    expect(thrown({ engine: null, verification: null, provider: null, signer: null, now: null })).toEqual(
      allSay('nothing'),
    );
  });

  test('what is right is heard', async () => {
    const verification = {
      maxDepth: Number.POSITIVE_INFINITY,
      revocation: { mode: 'soft' },
      profile: { ...nodeProfile },
    };
    const engine = { limits: { chainLength: 4 }, ticketCount: 0, grease: true };
    const server = modules.opentls.createServer({ ...serverOptions, engine } as object, (socket) =>
      socket.end('served'),
    );
    const options = { ...clientOptions, port: await listen(server), engine, verification };
    expect((await collect(modules.opentls.connect(options))).toString()).toBe('served');
    await close(server);
  });

  test('what is done to it later is not', async () => {
    const engine: { requirePsk?: unknown } = {};
    const secureContext = tls.createSecureContext({ ca: root.pem, engine } as object) as never;
    engine.requirePsk = 'true';
    const server = modules.opentls.createServer(serverOptions, (socket) => socket.end('served'));
    const client = modules.opentls.connect({ ...clientOptions, port: await listen(server), secureContext });
    expect((await collect(client)).toString()).toBe('served');
    await close(server);
  });

  test('a clock that answers no time ends the connection, it does not make what has expired good', async () => {
    const server = modules.node.createServer(serverOptions);
    server.on('tlsClientError', () => {});
    const port = await listen(server);
    expect(thrown({ now: () => '0' })).toEqual(allSay('ERR_TLS_CONFIG'));
    let read = 0;
    const now = (): number => (read++ === 0 ? Date.now() : Number.NaN);
    const client = modules.opentls.connect({ ...clientOptions, port, now } as object);
    expect((await event(client, 'error'))[0]).toMatchObject({ code: 'ERR_TLS_CONFIG' });
    await close(server);
  });
});

describe('earlyData', () => {
  test.each(['GET / HTTP/1.1', 1, true, false, 0, '', {}, [1, 2], new ArrayBuffer(1)])(
    '%o is refused at connect',
    (wrong) => {
      for (const door of ['connect', 'TLSSocket']) {
        const open = (): unknown => doors[door]?.({ earlyData: wrong });
        expect(open).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }));
      }
    },
  );

  test.each([undefined, null, new Uint8Array(1), Buffer.from('a'), new DataView(new ArrayBuffer(1))])(
    '%o is not',
    (earlyData) => {
      expect(() => doors['connect']?.({ earlyData })).not.toThrow();
    },
  );

  test('the caller may use its bytes again', () => {
    const earlyData = Buffer.from('early');
    const { _tlsOptions } = new tls.TLSSocket(undefined, { earlyData });
    earlyData.fill(0);
    expect(Buffer.from(_tlsOptions.earlyData ?? []).toString()).toBe('early');
  });
});

describe('a certificate is compressed once per context, not per handshake', () => {
  /** Counts what it is asked; what it answers is no zlib at all, so that only a peer of ours reads it. */
  function counting(fails = 0) {
    const counted = { made: 0 };
    const compress = async (message: Uint8Array): Promise<Uint8Array> => {
      counted.made++;
      if (counted.made <= fails) throw new Error('not now');
      return message.slice().reverse();
    };
    const decompress = (compressed: Uint8Array): Uint8Array => compressed.slice().reverse();
    return { counted, option: [{ id: 0x4001, compress, decompress }] };
  }

  async function meet(server: ReturnType<typeof modules.opentls.createServer>, count: number, more: object = {}) {
    const port = await listen(server);
    const clients = Array.from({ length: count }, () => {
      const certificateCompression = counting().option;
      return modules.opentls.connect({ ...clientOptions, port, certificateCompression, ...more } as object);
    });
    return Promise.all(
      clients.map((client) => collect(client).then(String, (error: { code?: unknown }) => error.code)),
    );
  }

  const serve = (certificateCompression: unknown, more: object = {}) =>
    modules.opentls.createServer({ ...serverOptions, certificateCompression, ...more } as object, (socket) =>
      socket.end('served'),
    );

  test('at the same time and one after the other', async () => {
    const { counted, option } = counting();
    for (const server of [serve(option), serve(option)]) {
      const before = counted.made;
      expect(await meet(server, 3)).toEqual(['served', 'served', 'served']);
      await close(server);
      expect(await meet(server, 2)).toEqual(['served', 'served']);
      await close(server);
      expect(counted.made - before).toBe(1);
    }
  });

  test('of a client, too', async () => {
    const { counted, option } = counting();
    const secureContext = tls.createSecureContext({
      ca: root.pem,
      key: leaf.key,
      cert: leaf.pem,
      certificateCompression: option,
    });
    const server = serve(counting().option, { requestCert: true, ca: root.pem });
    expect(await meet(server, 3, { secureContext })).toEqual(['served', 'served', 'served']);
    await close(server);
    expect(counted.made).toBe(1);
  });

  test('what failed is tried again', async () => {
    const { counted, option } = counting(1);
    const server = serve(option);
    server.on('tlsClientError', () => {});
    expect(await meet(server, 1)).not.toEqual(['served']);
    await close(server);
    expect(await meet(server, 2)).toEqual(['served', 'served']);
    await close(server);
    expect(counted.made).toBe(2);
  });
});
