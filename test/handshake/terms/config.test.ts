import { describe, expect, test } from 'vitest';
import { Connection } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { TlsError } from '#opentls/errors';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { settleClient, settleServer } from '#opentls/handshake/terms/settings';
import { CipherSuiteId, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import {
  credential,
  errorOf,
  newClient,
  newPair,
  newServer,
  openPair,
  shuttle,
  sides,
  trustAnything,
} from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const secret = new Secret('psk', new Uint8Array(32).fill(1));
const psk = { identity: new Uint8Array(1), secret, hash: 'sha256' };
const replay = { admit: () => true };
const bytes = new Uint8Array(1);

/** Values that are no better than those of another type: each was taken without a word, or failed a handshake later. */
const nearMisses: { readonly [K in keyof (ClientConfig & ServerConfig)]-?: readonly unknown[] } = {
  provider: [{}, { ...provider, suites: [] }, { ...provider, random: undefined }, { ...provider, hashes: undefined }],
  boringsslChecks: ['false', 1],
  suites: [[0x1_0000], ['TLS_AES_128_GCM_SHA256'], CipherSuiteId.TLS_AES_128_GCM_SHA256],
  groups: [[-1], ['x25519'], 29],
  signatureSchemes: [[Number.NaN], ['ed25519'], SignatureScheme.ed25519],
  certificateSchemes: [[], [1.5], SignatureScheme.ed25519],
  peerCertificateTypes: [[], ['x509'], 'RawPublicKey', [2]],
  certificateAuthorities: [['CN=a'], [new Uint8Array(0)], bytes],
  requestOcsp: [1, 'false'],
  requestTimestamps: [0, ''],
  certificateCompression: [['zlib'], [{ id: 'zlib' }], [{ id: 1, compress: true }], { id: 1 }],
  alpn: [['h2'], [new Uint8Array(0)], [new Uint8Array(256)], 'h2'],
  verifyChain: [true, { ok: true }],
  anyCertificate: [1, 'false'],
  keylog: [1, '/tmp/keys'],
  maxFragment: [63, 16385, '1000'],
  recordSizeLimit: [63, 16386, '1000'],
  padding: [16, 'a'],
  grease: [1, 'true'],
  pskModes: [['psk'], 'psk_ke', [0]],
  now: [1_700_000_000_000, new Date()],
  limits: [{ inbox: 1 }, { chainLength: -1 }, { warnings: Number.NaN }, { extension: 1 }, { outbox: '1' }, []],
  serverName: [5, ['localhost']],
  keyShares: [['x25519'], [0.5], 29],
  credentials: [credential, [{}], [{ ...credential, chain: [] }], [{ ...credential, signer: {} }], [null]],
  chooseCredentials: [[credential]],
  allowUnknownAlpn: [1],
  takeSession: [{}],
  externalPsks: [
    psk,
    [{ ...psk, secret: new Uint8Array(32) }],
    [{ ...psk, secret: new Secret('psk', new Uint8Array(0)) }],
    [{ ...psk, secret: new Secret('shared', new Uint8Array(32)) }],
    [{ ...psk, hash: 'SHA256' }],
    [{ ...psk, identity: 'me' }],
    [{ ...psk, identity: new Uint8Array(0) }],
    [{ ...psk, identity: new Uint8Array(0x1_0000) }],
    [{ ...psk, imported: 'no' }],
    [{ ...psk, priority: Number.NaN }],
  ],
  requirePsk: ['true', 1],
  certificateTypes: [['x509'], []],
  requireCredential: [1],
  postHandshakeAuth: ['yes'],
  maxFragmentLength: [513, '512', 0],
  shuffleExtensions: [0],
  earlyData: [{ maxSize: '16384', replay }, { maxSize: 0, replay }, { maxSize: 2 ** 32, replay }, { maxSize: 1 }],
  middleboxCompatibility: [0],
  shapeClientHello: [{}],
  tickets: [{}, { seal() {} }, new Uint8Array(48)],
  ticketCount: [-1, 1.5, '2', 256, Number.POSITIVE_INFINITY],
  ticketLifetime: [-1, '7200', Number.NaN],
  resumeAcrossNames: ['no'],
  acknowledgeServerName: [0],
  findPsk: [new Map()],
  preferCertificate: [1],
  chooseProtocol: ['h2'],
  clientCertificate: ['Required', true, 'require', ''],
  preferOwnOrder: ['false'],
  prioritizeChaCha: [1],
  retryForGroup: [1],
  equalGroups: [['x25519'], 29],
  resumeSameSuite: [1],
  ignoreLegacyVersion: [1],
  alwaysChangeCipherSpec: [1],
  retryCookies: [{}, { seal() {} }, true],
  encryptedExtensions: [[{ type: 'a', data: bytes }], [{ type: 1, data: 'a' }], [null]],
};

/** No option is one of these. */
const neverRight: readonly unknown[] = [null, 1n, Symbol('value'), Number.NaN, -1];

const doors = {
  client: (config: object) => Connection.client({ provider, verifyChain: trustAnything, ...config }),
  server: (config: object) => Connection.server({ provider, verifyChain: trustAnything, ...config }),
};

/** Options of one side only. */
const sideOf: Readonly<Record<string, keyof typeof doors>> = Object.fromEntries([
  ...(
    'serverName keyShares allowUnknownAlpn takeSession externalPsks requirePsk certificateTypes requireCredential ' +
    'postHandshakeAuth maxFragmentLength shuffleExtensions middleboxCompatibility shapeClientHello'
  )
    .split(' ')
    .map((name) => [name, 'client']),
  ...(
    'tickets ticketCount ticketLifetime resumeAcrossNames acknowledgeServerName earlyData findPsk preferCertificate ' +
    'chooseProtocol clientCertificate preferOwnOrder prioritizeChaCha retryForGroup equalGroups resumeSameSuite ' +
    'ignoreLegacyVersion alwaysChangeCipherSpec retryCookies encryptedExtensions'
  )
    .split(' ')
    .map((name) => [name, 'server']),
]);

describe('an option that is not what it must be is refused at the door', () => {
  test.each(Object.entries(nearMisses))('%s', (option, values) => {
    const side = sideOf[option];
    for (const role of side === undefined ? sides : [side]) {
      for (const value of [...neverRight, ...values]) {
        const open = (): unknown => doors[role]({ [option]: value });
        expect(open, String(value)).toThrow(TlsError);
        expect(open).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG', blame: 'config' }));
        expect(open).toThrow(`config.${option}`);
      }
      expect(() => doors[role](side === undefined ? {} : { [option]: undefined })).not.toThrow();
    }
  });

  test('a clock whose answer is no time ends the connection, it does not stop time', () => {
    const { clientEvents } = shuttle(newPair({ now: () => Number.NaN }));
    expect(errorOf(clientEvents)).toMatchObject({ code: 'ERR_TLS_CONFIG' });
  });
});

describe('an option that is missing or wrong is named when the connection is made', () => {
  const right = { provider, verifyChain: trustAnything, credentials: [credential] };
  const { signer } = credential;
  const wrong: Readonly<Record<string, readonly [config: object, named: string]>> = {
    'no verifyChain': [{ provider }, 'config.verifyChain'],
    'no provider': [{ verifyChain: trustAnything }, 'config.provider'],
    'the name of a provider': [{ ...right, provider: 'noble' }, 'config.provider'],
    'a provider that is none': [{ ...right, provider: { name: 'mine' } }, 'config.provider'],
    'ALPN as strings': [{ ...right, alpn: ['h2', 'http/1.1'] }, 'config.alpn[0]'],
    'a signer without schemes': [
      { ...right, credentials: [{ ...credential, signer: { sign: () => new Uint8Array(64) } }] },
      'config.credentials[0].signer.schemes',
    ],
    'a signer without sign': [
      { ...right, credentials: [{ ...credential, signer: { schemes: signer.schemes } }] },
      'config.credentials[0].signer',
    ],
  };
  const make = { client: Connection.client, server: Connection.server };

  test.each(Object.entries(wrong))('%s', (_, [config, named]) => {
    for (const role of sides) {
      const open = (): unknown => make[role](config as ClientConfig & ServerConfig);
      expect(open).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG', blame: 'config' }));
      expect(open).toThrow(named);
    }
    expect(() => make.client(right)).not.toThrow();
  });
});

describe('a configuration is settled once', () => {
  /** Options that mean something by being undefined. */
  const absent = {
    client: 'serverName chooseCredentials takeSession maxFragmentLength shapeClientHello',
    server: 'tickets earlyData findPsk chooseCredentials chooseProtocol retryCookies',
    both: 'certificateSchemes maxFragment padding',
  };

  test.each(sides)('a %s has a value for each option that has a default', (role) => {
    const config = { provider, verifyChain: trustAnything };
    const settings = role === 'client' ? settleClient(config) : settleServer(config);
    const open = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [name] : []));
    expect(open.sort()).toEqual(`${absent[role]} ${absent.both}`.split(' ').sort());
    expect(Object.isFrozen(settings)).toBe(true);
  });
});

describe('what stands on Object.prototype is no option of anybody', () => {
  const polluted: { readonly [K in keyof (ClientConfig & ServerConfig)]?: unknown } = {
    requirePsk: true,
    clientCertificate: 'required',
    suites: [],
    now: () => Number.NaN,
    serverName: 5,
    pskModes: [],
    limits: { handshakeTotal: 0 },
    ticketCount: 5,
  };

  test.each(Object.entries(polluted))('%s', (option, value) => {
    Object.defineProperty(Object.prototype, option, { value, configurable: true, enumerable: true, writable: true });
    try {
      const { client, server, serverEvents } = openPair();
      expect([client.phase, server.phase, errorOf(serverEvents)]).toEqual(['open', 'open', undefined]);
    } finally {
      Reflect.deleteProperty(Object.prototype, option);
    }
  });

  test('a class of the caller is his own word, its getters are read once', () => {
    let read = 0;
    class Strict {
      provider = provider;
      verifyChain = trustAnything;
      get requirePsk(): boolean {
        read++;
        return true;
      }
    }
    const ends = { client: Connection.client(new Strict()), server: newServer(), clientEvents: [], serverEvents: [] };
    shuttle(ends);
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_PSK_REQUIRED' });
    expect(read).toBe(1);
  });

  test('what a config says later is not heard', () => {
    const config: { -readonly [K in keyof ServerConfig]: ServerConfig[K] } = {
      provider,
      verifyChain: trustAnything,
      credentials: [credential],
      groups: [NamedGroup.x25519],
    };
    const server = Connection.server(config);
    config.clientCertificate = 'required';
    const ends = { client: newClient(), server, clientEvents: [], serverEvents: [] };
    shuttle(ends);
    expect(server.phase).toBe('open');
  });
});
