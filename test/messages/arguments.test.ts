// What the public functions of opentls/x509, opentls/core, opentls/web and opentls/crypto say to the obvious wrong thing.
import { describe, expect, test } from 'vitest';
import * as web from '#opentls/adapters/web/index';
import { Connection } from '#opentls/connection/connection';
import * as core from '#opentls/index';
import { noble } from '#opentls/providers/noble';
import { withMlDsa } from '#opentls/providers/noble/ml-dsa';
import { node } from '#opentls/providers/node';
import * as x509 from '#opentls/x509/index';
import { authority, serverLeaf } from '../x509/made/chain.ts';

const root = authority('root');
const leaf = serverLeaf(root);
const pem = Buffer.from(root.pem);
const certificate = x509.parseCertificate(leaf.der);
const issuer = x509.parseCertificate(root.der);
const secret = new core.Secret('psk', new Uint8Array(32));
const none = new Uint8Array(0);
const byName = { subject: 'a', notBefore: 0, notAfter: 1, provider: noble, signer: root.signer };
const hint = ': decodePem() makes DER of the text of a PEM file';
const config = { provider: noble, verifyChain: () => ({ ok: false }) };

/** As JavaScript may call it. */
function call(run: unknown, ...args: readonly unknown[]): unknown {
  return Reflect.apply(run as () => unknown, undefined, args);
}

const cases: readonly [what: string, run: () => unknown, message: string][] = [
  [
    'bytes in place of a certificate',
    () => call(x509.matchName, leaf.der, x509.hostName('a.test')),
    `matchName: certificate must be a certificate that parseCertificate() has read, not ${leaf.der.length} bytes`,
  ],
  [
    'text in place of a name',
    () => call(x509.matchName, certificate, 'localhost'),
    'matchName: name must be what hostName("localhost") makes of it, not "localhost"',
  ],
  ['a pattern alone', () => call(x509.matchDns, '*.test'), 'matchDns: host must be a string, not undefined'],
  ['bytes as an address', () => call(x509.parseIp, none), 'parseIp: address must be a string, not 0 bytes'],
  [
    'a certificate in place of a name',
    () => call(x509.nameText, certificate),
    'nameText: name must be a name, as subject or issuer of a certificate, not an object',
  ],
  [
    'bytes in place of a leaf',
    () => call(x509.subjectNames, leaf.der),
    `subjectNames: leaf must be a certificate that parseCertificate() has read, not ${leaf.der.length} bytes`,
  ],
  [
    'a path of bytes',
    () => call(x509.pathSignatures, [leaf.der], noble.hashes.sha256),
    `pathSignatures: path[0] must be a certificate that parseCertificate() has read, not ${leaf.der.length} bytes`,
  ],
  [
    'the name of a hash',
    () => call(x509.pathSignatures, [certificate, issuer], 'sha256'),
    'pathSignatures: hash must be an object with start(), not a string',
  ],
  [
    'text of PEM to show',
    () => call(x509.showCertificate, root.pem),
    `the certificate must be DER bytes (a Uint8Array), not "-----BEGIN CERTIFICATE-----…"${hint}`,
  ],
  ['PEM as a public key', () => x509.parseSpki(pem), 'it is PEM, which decodePem() reads'],
  [
    'text as a public key',
    () => call(x509.parseSpki, 'key.pem'),
    `the public key must be DER bytes (a Uint8Array), not a string${hint}`,
  ],
  [
    'one certificate in place of a chain',
    () => call(x509.dangerouslyTrust, leaf.der),
    `dangerouslyTrust: chain must be an array, not ${leaf.der.length} bytes`,
  ],
  ['a known key as PEM', () => x509.verifyRawPublicKey(none, [pem]), `verifyRawPublicKey: known[0] is PEM${hint}`],
  [
    'no known keys',
    () => call(x509.verifyRawPublicKey, none),
    'verifyRawPublicKey: known must be an array, not undefined',
  ],
  [
    'a request without an issuer',
    () => call(x509.createOcspRequest, { certificate, hashes: node.hashes }),
    'createOcspRequest: options.issuer is missing',
  ],
  [
    'a request of bytes',
    () => call(x509.createOcspRequest, { certificate: leaf.der, issuer, hashes: node.hashes }),
    `createOcspRequest: options.certificate must be a certificate that parseCertificate() has read, not ${leaf.der.length} bytes`,
  ],
  [
    'the provider in place of its hashes',
    () => call(x509.createOcspRequest, { certificate, issuer, hashes: node }),
    'createOcspRequest: options.hashes.sha1 must be an object with digest(), not undefined',
  ],
  ['PEM bytes to write as PEM', () => x509.encodePem('CERTIFICATE', pem), `encodePem: der is PEM${hint}`],
  ['a label that is none', () => call(x509.encodePem, 5, none), 'encodePem: label must be a string, not 5'],
  [
    'random bytes that are too few',
    () => x509.generatePrivateKey('ed25519', () => new Uint8Array(3)),
    'random(32) must be a Uint8Array of 32 bytes, not 3 bytes',
  ],
  [
    'a certificate as PEM in place of a key',
    () => x509.parsePrivateKey(root.pem),
    'no private key: neither DER nor a PEM block of one; there is CERTIFICATE',
  ],
  [
    'a certificate as DER in place of a key',
    () => x509.parsePrivateKey(root.der),
    'a malformed private key: it is a certificate',
  ],
  [
    'a passphrase that is a number: it is not shown',
    () => call(x509.parsePrivateKey, root.key, 1234),
    'parsePrivateKey: passphrase must be a string or a Uint8Array',
  ],
  [
    'a subject that is a number',
    () => call(x509.createCertificate, { ...byName, subject: 5 }),
    'createCertificate: options.subject must be a string, the common name, or an array of attributes, not 5',
  ],
  [
    'names as a list',
    () => call(x509.createCertificate, { ...byName, subjectAltNames: ['localhost'] }),
    'createCertificate: options.subjectAltNames must be an object, not an array',
  ],
  [
    'a name of another form',
    () => call(x509.createCertificate, { ...byName, subjectAltNames: { DNS: ['localhost'] } }),
    "createCertificate: options.subjectAltNames has no option 'DNS'",
  ],
  [
    'one name in place of a list',
    () => call(x509.createCertificate, { ...byName, subjectAltNames: { dns: 'localhost' } }),
    'createCertificate: options.subjectAltNames.dns must be an array, not a string',
  ],
  [
    'a key usage that there is not',
    () => call(x509.createCertificate, { ...byName, keyUsage: ['certSign'] }),
    'createCertificate: options.keyUsage[0] must be one of "digitalSignature", "nonRepudiation", "keyEncipherment", ' +
      '"dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly", not "certSign"',
  ],
  [
    'a Date in place of milliseconds',
    () => call(x509.createCertificate, { ...byName, notBefore: new Date(0) }),
    'createCertificate: options.notBefore must be a finite number, not a Date',
  ],
  [
    'a serial number that is a number',
    () => call(x509.createCertificate, { ...byName, serialNumber: 5 }),
    'createCertificate: options.serialNumber must be a bigint',
  ],
  [
    'a public key that is none',
    () => x509.createCertificate({ ...byName, publicKey: new Uint8Array(3) }),
    'createCertificate: options.publicKey must be a SubjectPublicKeyInfo, DER: tag 0x0 where 0x30 is due',
  ],
  [
    'an issuer as PEM',
    () => x509.createCertificate({ ...byName, publicKey: certificate.spki, issuer: { certificate: pem } }),
    `createCertificate: options.issuer.certificate is PEM${hint}`,
  ],
  [
    'text as a secret: it is not shown',
    () => call(Reflect.construct, core.Secret, ['psk', 'pass']),
    secretMessage('psk'),
  ],
  [
    'no provider for tickets',
    () => call(Reflect.construct, core.TicketKeys, [{ provider: noble }]),
    'provider must be an object with random(), not an object',
  ],
  [
    'ticket keys that are too short',
    () => new core.TicketKeys(noble, { keys: [new Uint8Array(16)] }),
    'options.keys[0] must be a Uint8Array of 48 bytes, not 16 bytes',
  ],
  [
    'text as a session',
    () => call(core.decodeSession, 'session'),
    'decodeSession: encoded must be a Uint8Array, not a string',
  ],
  [
    'bytes in place of a session',
    () => call(core.encodeSession, none),
    "encodeSession: session.psk must be a Secret 'psk', not undefined",
  ],
  [
    'a delegation without its chain',
    () => call(core.delegatedCredential, leaf.der, none, root.signer),
    `delegatedCredential: chain must be an array, not ${leaf.der.length} bytes`,
  ],
  [
    'text as a message',
    () => call(core.describeMessage, 'hello'),
    'describeMessage: raw must be a Uint8Array, not "hello"',
  ],
  [
    'a key that is bytes',
    () => call(core.importPsk, { identity: new Uint8Array(1), secret: none, hash: 'sha256' }, none, noble.hashes),
    "importPsk: psk.secret must be a Secret 'psk', not 0 bytes",
  ],
  [
    'a hash that there is not',
    () => call(core.importPsk, { identity: new Uint8Array(1), secret, hash: 'sha512' }, none, noble.hashes),
    'importPsk: psk.hash must be one of "sha256", "sha384", not "sha512"',
  ],
  [
    'the event in place of its request',
    () => call(core.perform, { type: 'ask' }),
    'perform: request must be the request of an ask, as event.ask.request, not an object',
  ],
  [
    'no connection to bind to',
    () => call(core.tlsExporterBinding, {}),
    'tlsExporterBinding: connection must be an object with exportKey(), not an object',
  ],
  [
    'a Connection made by new',
    () => call(Reflect.construct, Connection, [config]),
    'Connection.client() or .server() makes a Connection',
  ],
  [
    'an answer to the event',
    () => Reflect.apply(Connection.prototype.answer, call(Connection.client, config), [{ type: 'ask' }, 1]),
    'answer(): the ask must be the one of the event',
  ],
  [
    'suites that the provider does not have',
    () => call(Connection.client, { ...config, provider: node, suites: [0x9999] }),
    'config.suites must name at least one that the provider has: 0x1301 TLS_AES_128_GCM_SHA256, ' +
      '0x1302 TLS_AES_256_GCM_SHA384, 0x1303 TLS_CHACHA20_POLY1305_SHA256, 0x1304 TLS_AES_128_CCM_SHA256, ' +
      '0x1305 TLS_AES_128_CCM_8_SHA256',
  ],
  [
    'no groups',
    () => call(Connection.client, { ...config, provider: { ...noble, groups: noble.groups.slice(1, 3) }, groups: [] }),
    'config.groups must name at least one that the provider has: 0x1d x25519, 0x17 secp256r1',
  ],
  [
    'a server without a name',
    () => call(Connection.client, { ...config, serverName: '' }),
    'config.serverName must not be empty: leave it out to send none',
  ],
  [
    'a credential of PEM',
    () => call(Connection.client, { ...config, credentials: [{ chain: [pem], signer: root.signer }] }),
    `config.credentials[0].chain[0] is PEM${hint}`,
  ],
  ['a socket of Node', () => call(web.wrapClient, {}, config), streamMessage('readable', 'getReader')],
  [
    'one stream',
    () => call(web.wrapServer, { readable: new ReadableStream() }, config),
    streamMessage('writable', 'getWriter'),
  ],
  ['no configuration', () => call(web.wrapServer, new TransformStream()), 'config must be an object, not undefined'],
  [
    'the name of a provider',
    () => call(withMlDsa, 'noble'),
    'withMlDsa: provider must be an object with random(), signer(), not a string',
  ],
];

function secretMessage(label: string): string {
  return `the bytes of a Secret '${label}' must be a Uint8Array`;
}

function streamMessage(stream: string, method: string): string {
  return `transport.${stream} must be an object with ${method}(), not undefined`;
}

test.each(cases)('%s', (_what, run, message) => {
  expect(run).toThrow(expect.objectContaining({ message }));
});

/** What people give by mistake to a function that takes something else. */
const mistakes: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  'a number': 7,
  'a path': 'ca.pem',
  'text of PEM': root.pem,
  'bytes of PEM': pem,
  bytes: new Uint8Array(3),
  'an object': {},
  'an array': [],
  'a list of paths': ['ca.pem'],
  'a function': () => {},
};

/** Errors that a caller makes, and types that any value has. */
const takeAll: ReadonlySet<string> = new Set(['DerError', 'TlsError', 'isThenable']);

const { wrapClient, wrapServer } = web;
const doors = {
  x509,
  core,
  web: { wrapClient, wrapServer },
  crypto: { withMlDsa, signer: noble.signer, other: node.signer },
};

describe.each(Object.entries(doors))('no function of %s speaks of its insides', (_door, exported) => {
  const functions = Object.entries(exported).filter(
    (entry): entry is [string, () => unknown] => typeof entry[1] === 'function' && !takeAll.has(entry[0]),
  );

  test.each(functions)('%s', async (_name, run) => {
    for (const [what, mistake] of Object.entries(mistakes)) {
      const error = await thrownBy(() => (isClass(run) ? Reflect.construct(run, [mistake]) : call(run, mistake)));
      // DerError is what some readers say of bytes, by their docstrings.
      const known = error === undefined || error instanceof core.TlsError || error instanceof x509.DerError;
      expect(known, `${what}: ${String(error)}`).toBe(true);
    }
  });
});

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function isClass(run: () => unknown): boolean {
  return Function.prototype.toString.call(run).startsWith('class');
}
