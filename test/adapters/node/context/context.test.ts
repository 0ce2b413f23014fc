import { generateKeyPairSync } from 'node:crypto';
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import tls from '#opentls/adapters/node/index';
import { node as nodeProvider } from '#opentls/providers/node';
import { authority, serverLeaf } from '../../../x509/made/chain.ts';
import {
  clientOptions,
  close,
  collect,
  event,
  leaf,
  listen,
  modules,
  root,
  type Socket,
  serverOptions,
} from '../sides.ts';

const other = serverLeaf(root);

/** Code of what is thrown, or 'fine'. */
function codeOf(make: () => unknown): unknown {
  try {
    make();
    return 'fine';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('createSecureContext throws what node:tls throws', () => {
  const cases: readonly [string, Record<string, unknown>][] = [
    ['nothing', {}],
    ['a key pair', { key: leaf.key, cert: leaf.pem }],
    ['buffers', { key: Buffer.from(leaf.key), cert: Buffer.from(leaf.pem), ca: Buffer.from(root.pem) }],
    ['arrays', { key: [{ pem: leaf.key }], cert: [leaf.pem], ca: [root.pem, other.pem] }],
    ['the key of another', { key: other.key, cert: leaf.pem }],
    ['a certificate that is none', { cert: 'certificate' }],
    ['anchors that are none', { ca: 'anchors' }],
    ['ca of a wrong type', { ca: 5 }],
    ['cert of a wrong type', { cert: 5 }],
    ['key of a wrong type', { key: 5, cert: leaf.pem }],
    ['passphrase of a wrong type', { key: leaf.key, cert: leaf.pem, passphrase: 5 }],
    ['ciphers of a wrong type', { ciphers: 5 }],
    ['ciphers, empty', { ciphers: '' }],
    ['ciphers, a separator', { ciphers: ':' }],
    ['ciphers of TLS 1.2', { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }],
    ['ciphers by keyword', { ciphers: 'HIGH:!aNULL:!MD5:@STRENGTH' }],
    ['ciphers with a security level', { ciphers: 'DEFAULT:@SECLEVEL=0' }],
    ['ciphers, unknown', { ciphers: 'no-such-cipher' }],
    ['ciphers, unknown of TLS 1.3', { ciphers: 'TLS_NO_SUCH' }],
    ['ciphers of TLS 1.3', { ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256' }],
    ['ecdhCurve, auto', { ecdhCurve: 'auto' }],
    ['ecdhCurve, a list', { ecdhCurve: 'X25519:P-256:secp384r1:P-521' }],
    ['ecdhCurve, unknown', { ecdhCurve: 'P-42' }],
    ['ecdhCurve of a wrong type', { ecdhCurve: 5 }],
    ['sigalgs', { sigalgs: 'ecdsa_secp256r1_sha256:RSA-PSS+SHA256:ed25519' }],
    ['sigalgs, empty', { sigalgs: '' }],
    ['sigalgs of a wrong type', { sigalgs: 5 }],
    ['minVersion', { minVersion: 'TLSv1.3' }],
    ['minVersion, older', { minVersion: 'TLSv1.2' }],
    ['minVersion, unknown', { minVersion: 'TLSv9' }],
    ['maxVersion, unknown', { maxVersion: 'TLSv9' }],
    ['secureProtocol', { secureProtocol: 'TLS_method' }],
    ['secureProtocol, with a version', { secureProtocol: 'TLS_method', minVersion: 'TLSv1.3' }],
    ['secureProtocol, unknown', { secureProtocol: 'no_method' }],
    ['ticketKeys', { ticketKeys: Buffer.alloc(48) }],
    ['ticketKeys, short', { ticketKeys: Buffer.alloc(47) }],
    ['ticketKeys of a wrong type', { ticketKeys: 'x'.repeat(48) }],
    ['crl', { crl: 'x' }],
    ['crl, a list', { crl: ['x'] }],
    ['crl, none', { crl: [] }],
    ['crl, broken', { crl: '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----' }],
    ['crl of a wrong type', { crl: 5 }],
    ['crl, a list of a wrong type', { crl: [{}] }],
    ['sessionTimeout', { sessionTimeout: 5 }],
    ['sessionTimeout, negative', { sessionTimeout: -1 }],
    ['sessionTimeout of a wrong type', { sessionTimeout: '5' }],
    ['sessionIdContext of a wrong type', { sessionIdContext: 5 }],
    ['clientCertEngine of a wrong type', { clientCertEngine: 5 }],
    ['privateKeyIdentifier without an engine', { privateKeyIdentifier: 'x' }],
    ['honorCipherOrder', { honorCipherOrder: true }],
    ['allowPartialTrustChain', { allowPartialTrustChain: true }],
  ];

  test.each(cases)('%s', (_name, options) => {
    const expected = codeOf(() => modules.node.createSecureContext(options));
    expect(codeOf(() => modules.opentls.createSecureContext(options))).toBe(expected);
  });

  test.each([
    ['pfx', { pfx: Buffer.alloc(1) }, 'ERR_TLS_UNSUPPORTED_OPTION'],
    ['an engine', { clientCertEngine: 'x' }, 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED'],
    ['a version that excludes TLS 1.3', { maxVersion: 'TLSv1.2' }, 'ERR_TLS_INVALID_PROTOCOL_VERSION'],
    ['SSL_OP_NO_TLSv1_3', { secureOptions: 0x2000_0000 }, 'ERR_TLS_INVALID_PROTOCOL_VERSION'],
    ['a key that is none', { key: 'key', cert: leaf.pem }, 'ERR_OSSL_UNSUPPORTED'],
  ])('what cannot be honoured is refused: %s', (_name, options, code) => {
    expect(codeOf(() => tls.createSecureContext(options as object))).toBe(code);
  });

  // As Node 24.21.0 and 26.10.0 answer; this Node, too, where it has the option.
  test.each([
    [[], 'fine'],
    [null, 'fine'],
    [['zlib'], 'fine'],
    [['zlib', 'brotli', 'zstd'], 'fine'],
    [['zlib', 'zlib'], 'ERR_CRYPTO_OPERATION_FAILED'],
    [['ZLIB'], 'ERR_INVALID_ARG_VALUE'],
    [[1], 'ERR_INVALID_ARG_VALUE'],
    [['zlib', 'brotli', 'zstd', 'zlib'], 'ERR_INVALID_ARG_VALUE'],
    ['zlib', 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
  ])('certificateCompression %o', (certificateCompression, code) => {
    const options: object = { certificateCompression };
    expect(codeOf(() => modules.opentls.createSecureContext(options))).toBe(code);
    if ('getCertificateCompressionAlgorithms' in modules.node) {
      expect(codeOf(() => modules.node.createSecureContext(options))).toBe(code);
    }
  });

  test('getCertificateCompressionAlgorithms() lists what may be named, in an array for each caller', () => {
    const names = tls.getCertificateCompressionAlgorithms();
    expect(names.slice(0, 2)).toEqual(['zlib', 'brotli']);
    expect(names.includes('zstd')).toBe('zstdCompress' in zlib);
    names.length = 0;
    expect(tls.getCertificateCompressionAlgorithms()).not.toEqual([]);
  });

  test('foreign contexts', () => {
    const secureContext = modules.node.createSecureContext() as never;
    expect(codeOf(() => modules.opentls.connect({ port: 1, secureContext }))).toBe('ERR_TLS_INVALID_CONTEXT');
  });

  test('without new, and frozen', () => {
    const context = tls.SecureContext();
    expect(context).toBeInstanceOf(tls.SecureContext);
    expect(Object.isFrozen(context.context)).toBe(true);
  });
});

describe('what a context holds takes effect', () => {
  async function served(ofServer: object, ofClient: object = {}): Promise<Socket> {
    const server = modules.opentls.createServer({ minVersion: 'TLSv1.3', ...ofServer });
    const client = modules.node.connect({ ...clientOptions, port: await listen(server), ...ofClient });
    await event(client, 'secureConnect');
    client.on('close', () => server.close());
    return client;
  }

  test.each([
    ['PKCS#8 under a passphrase', 'aes-256-cbc', 'pkcs8'],
    ['SEC 1', undefined, 'sec1'],
    ['PKCS#8', undefined, 'pkcs8'],
  ] as const)('%s', async (_name, cipher, type) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const encrypted = cipher && { cipher, passphrase: 'secret' };
    const key = privateKey.export({ format: 'pem', type, ...encrypted } as never);
    expect(codeOf(() => tls.createSecureContext({ key, passphrase: 'secret' }))).toBe('fine');
    if (cipher)
      expect(codeOf(() => tls.createSecureContext({ key, cert: leaf.pem, passphrase: 'wrong' }))).toBe(
        'ERR_OSSL_BAD_DECRYPT',
      );
  });

  test('one chain per kind of key: the client chooses', async () => {
    const rsa = serverLeaf(root, { rsa: 2048, subject: 'localhost', subjectAltNames: { ip: ['127.0.0.1'] } });
    const both = { cert: [leaf.pem, rsa.pem], key: [rsa.key, leaf.key] };
    for (const [sigalgs, bits] of [
      ['ecdsa_secp256r1_sha256', 256],
      ['rsa_pss_rsae_sha256', 2048],
    ] as const) {
      const client = await served(both, { sigalgs });
      expect(client.getPeerCertificate().bits).toBe(bits);
      client.destroy();
    }
  });

  test('a signer in place of the key, answering later', async () => {
    const { schemes, sign } = leaf.signer;
    const later = { schemes, sign: async (scheme: number, message: Uint8Array) => await sign(scheme, message) };
    const client = await served({ cert: leaf.pem, signer: later });
    expect(client.authorized).toBe(true);
    client.destroy();
  });

  test('setKeyCert within ALPNCallback', async () => {
    const fresh = serverLeaf(root, { subject: 'by ALPN', subjectAltNames: { ip: ['127.0.0.1'] } });
    const secureContext = modules.opentls.createSecureContext({ key: fresh.key, cert: fresh.pem });
    const server = modules.opentls.createServer({
      ...serverOptions,
      ALPNCallback(this: Socket, { protocols }) {
        this.setKeyCert(secureContext);
        return protocols[0];
      },
    });
    const client = modules.node.connect({ ...clientOptions, port: await listen(server), ALPNProtocols: ['x'] });
    await event(client, 'secureConnect');
    expect([client.getPeerCertificate().subject.CN, client.alpnProtocol]).toEqual(['by ALPN', 'x']);
    client.destroy();
    await close(server);
  });

  test('the provider of node:crypto', async () => {
    const client = await served({ ...serverOptions, provider: nodeProvider });
    expect(client.getCipher().name).toMatch(/^TLS_AES/);
    client.destroy();
  });

  test('the order of the server, or of the client', async () => {
    const ciphers = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';
    const ofClient = { ciphers: 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256' };
    for (const [honorCipherOrder, name] of [
      [undefined, 'TLS_AES_128_GCM_SHA256'],
      [false, 'TLS_CHACHA20_POLY1305_SHA256'],
    ] as const) {
      const client = await served({ ...serverOptions, ciphers, honorCipherOrder }, ofClient);
      expect(client.getCipher().name).toBe(name);
      client.destroy();
    }
  });

  test('an intermediate as anchor, where that is asked for', async () => {
    const intermediate = authority('intermediate', root);
    const below = serverLeaf(intermediate, { subjectAltNames: { ip: ['127.0.0.1'] } });
    const server = modules.node.createServer({ ...serverOptions, cert: below.pem, key: below.key }, (socket) =>
      socket.end('x'),
    );
    server.on('tlsClientError', () => {});
    const port = await listen(server);
    const options = { ...clientOptions, port, ca: intermediate.pem };
    const strict = modules.opentls.connect(options);
    expect((await event(strict, 'error'))[0]).toMatchObject({
      code: expect.stringMatching(/^UNABLE_TO_GET_ISSUER_CERT/),
    });
    const partial = modules.opentls.connect({ ...options, allowPartialTrustChain: true } as never);
    expect((await collect(partial)).toString()).toBe('x');
    await close(server);
  });

  test('setSecureContext changes what the next client sees', async () => {
    const server = modules.opentls.createServer(serverOptions);
    const port = await listen(server);
    const fresh = serverLeaf(root, { subject: 'fresh', subjectAltNames: { ip: ['127.0.0.1'] } });
    server.setSecureContext({ cert: fresh.pem, key: fresh.key });
    const client = modules.node.connect({ ...clientOptions, port });
    await event(client, 'secureConnect');
    expect(client.getPeerCertificate().subject.CN).toBe('fresh');
    client.destroy();
    await close(server);
  });
});

describe('the module', () => {
  test('the default export is read live', async () => {
    const saved = { max: tls.DEFAULT_MAX_VERSION, check: tls.checkServerIdentity };
    try {
      tls.DEFAULT_MAX_VERSION = 'TLSv1.2';
      expect(codeOf(() => tls.connect({ port: 1 }))).toBe('ERR_TLS_INVALID_PROTOCOL_VERSION');
      tls.DEFAULT_MAX_VERSION = saved.max;
      const refusal = new Error('never');
      tls.checkServerIdentity = () => refusal;
      const server = modules.opentls.createServer(serverOptions);
      const client = modules.opentls.connect({ ...clientOptions, port: await listen(server) });
      expect((await event(client, 'error'))[0]).toBe(refusal);
      await close(server);
    } finally {
      tls.DEFAULT_MAX_VERSION = saved.max;
      tls.checkServerIdentity = saved.check;
    }
  });

  test('rootCertificates are those of Node, and frozen', () => {
    expect(tls.rootCertificates).toEqual(modules.node.rootCertificates);
    expect(Object.isFrozen(tls.rootCertificates)).toBe(true);
    expect(Object.getOwnPropertyDescriptor(tls, 'rootCertificates')).toMatchObject({
      configurable: false,
      enumerable: true,
    });
  });

  test('setDefaultCACertificates replaces the anchors of contexts without ca', async () => {
    const before = tls.getCACertificates();
    try {
      tls.setDefaultCACertificates([root.pem]);
      expect(tls.getCACertificates().length).toBe(1);
      const server = modules.opentls.createServer(serverOptions, (socket) => socket.end('x'));
      const { ca: _, ...withoutCa } = clientOptions;
      const client = modules.opentls.connect({ ...withoutCa, port: await listen(server) });
      expect((await collect(client)).toString()).toBe('x');
      await close(server);
    } finally {
      tls.setDefaultCACertificates(before);
    }
    expect(tls.getCACertificates().length).toBe(before.length);
    expect(codeOf(() => tls.getCACertificates('none' as never))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test.each([[['h2', 'http/1.1']], [Buffer.from('\x02h2')], [new Uint16Array([0x6801])], ['text'], [undefined]])(
    'convertALPNProtocols(%j)',
    (protocols) => {
      const [actual, expected] = [{}, {}] as { ALPNProtocols?: unknown }[];
      tls.convertALPNProtocols(protocols, actual ?? {});
      (modules.node as unknown as typeof tls).convertALPNProtocols(protocols, expected ?? {});
      expect(actual).toEqual(expected);
    },
  );

  test('a protocol name over 255 bytes', () => {
    expect(codeOf(() => tls.convertALPNProtocols(['x'.repeat(256)], {}))).toBe('ERR_OUT_OF_RANGE');
  });

  test('getCiphers lists what there is', () => {
    const ofNode = modules.node.getCiphers().filter((name) => name.startsWith('tls_'));
    expect(tls.getCiphers().sort()).toEqual(ofNode.sort());
  });
});

describe('options of servers and sockets', () => {
  test.each([
    ['options', 5],
    ['ALPNCallback with ALPNProtocols', { ALPNCallback: () => 'x', ALPNProtocols: ['x'] }],
    ['handshakeTimeout', { handshakeTimeout: 'x' }],
    ['SNICallback', { SNICallback: 'x' }],
  ])('%s', (_name, options) => {
    const expected = codeOf(() => modules.node.createServer(options as never));
    expect(expected).not.toBe('fine');
    expect(codeOf(() => modules.opentls.createServer(options as never))).toBe(expected);
  });

  test('addContext wants a name', () => {
    const server = modules.opentls.createServer(serverOptions);
    expect(codeOf(() => server.addContext('', {}))).toBe('ERR_TLS_REQUIRED_SERVER_NAME');
  });

  test('ticket keys are kept', () => {
    const server = modules.opentls.createServer(serverOptions);
    expect(server.getTicketKeys().length).toBe(48);
    server.setTicketKeys(Buffer.alloc(48, 7));
    expect(server.getTicketKeys()).toEqual(Buffer.alloc(48, 7));
    expect(codeOf(() => server.setTicketKeys(Buffer.alloc(47)))).toBe('ERR_INTERNAL_ASSERTION');
  });

  test('renegotiate answers false and an error', async () => {
    const server = modules.opentls.createServer(serverOptions);
    const client = modules.opentls.connect({ ...clientOptions, port: await listen(server) });
    await event(client, 'secureConnect');
    const error = await new Promise((resolve) => expect(client.renegotiate({}, resolve)).toBe(false));
    expect(error).toMatchObject({ code: 'ERR_SSL_WRONG_SSL_VERSION' });
    client.disableRenegotiation();
    client.destroy();
    await close(server);
  });
});
