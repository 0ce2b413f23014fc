// What a call with the wrong thing says: which option or argument, what was given, what is wanted.
import nodeTls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { clientPsks, serverPsk } from '#opentls/adapters/node/callbacks/psk';
import { createSecureContext, createServer } from '#opentls/adapters/node/index';
import { Connection } from '#opentls/connection/connection';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { TicketKeys } from '#opentls/session/tickets';
import { decodePem, encodePem } from '#opentls/x509/asn1/pem';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { hostName } from '#opentls/x509/certificate/identity';
import { createCertificate } from '#opentls/x509/create/create';
import { TrustStore } from '#opentls/x509/path/trust';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { parseOcspResponse } from '#opentls/x509/revocation/ocsp';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority } from '../x509/made/chain.ts';

const { der, pem, key } = authority('root');
const trust = TrustStore.from([der]);
const options = { trust, verifiers: node.verifiers, name: 'any', purpose: 'server', time: 0 } as const;
const suites = 'TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384';
const groups = 'X25519MLKEM768, x25519, secp256r1, secp384r1, secp521r1, x448, SecP256r1MLKEM768, SecP384r1MLKEM1024';

/** As JavaScript may call it. */
function call(run: (...args: never[]) => unknown, ...args: readonly unknown[]): unknown {
  return Reflect.apply(run, undefined, args);
}

function thrownBy(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

const config = { provider: noble, verifyChain: () => ({ ok: false }) };

const cases: readonly [what: string, run: () => unknown, message: string][] = [
  [
    "provider: 'node'",
    () => call(createSecureContext, { provider: 'node' }),
    'The "options.provider" property must be a provider, as node of opentls/crypto/node. Received type string',
  ],
  [
    'a typo in ciphers',
    () => createSecureContext({ ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA38' }),
    `error:SSL routines::no cipher match: options.ciphers names "TLS_AES_256_GCM_SHA38", and the provider has ${suites}, TLS_AES_128_CCM_SHA256, TLS_AES_128_CCM_8_SHA256`,
  ],
  [
    'a typo in ecdhCurve',
    () => createSecureContext({ ecdhCurve: 'X25519:P-265' }),
    `Failed to set ECDH curve: options.ecdhCurve names "P-265", and the provider has ${groups}`,
  ],
  [
    'a group that the provider does not have, alone',
    () => createSecureContext({ ecdhCurve: 'MLKEM768' }),
    `Failed to set ECDH curve: options.ecdhCurve names "MLKEM768", and the provider has ${groups}`,
  ],
  [
    'a signer that cannot sign',
    () => call(createSecureContext, { cert: pem, signer: { schemes: [0x0403] } }),
    'options.signer must be a signer, as noble.signer(key) makes it, not an object',
  ],
  ['no provider', () => call(Connection.client, {}), 'config.provider is missing'],
  ['no verifyChain', () => call(Connection.client, { provider: noble }), 'config.verifyChain is missing'],
  [
    'ALPN as text',
    () => call(Connection.client, { ...config, alpn: ['h2'] }),
    'config.alpn[0] must be a Uint8Array of 1..255 bytes, not "h2"',
  ],
  [
    'text in place of ciphertext',
    () => Reflect.apply(Connection.prototype.receive, call(Connection.client, config), ['text']),
    'receive(): the chunk must be a Uint8Array',
  ],
  [
    'a path in place of anchors',
    () => call(TrustStore.from, 'ca.pem'),
    'TrustStore.from: anchors must be a list of certificates, each as DER bytes, or of other anchors, not "ca.pem"',
  ],
  [
    'the bytes of a PEM file in place of anchors',
    () => call(TrustStore.from, Buffer.from(pem)),
    `TrustStore.from: anchors must be a list of certificates, each as DER bytes, or of other anchors, not ${pem.length} bytes`,
  ],
  [
    'PEM text as an anchor',
    () => call(TrustStore.from, [pem]),
    'anchors[0] must be DER bytes (a Uint8Array), not "-----BEGIN CERTIFICATE-----…": decodePem() makes DER of the text of a PEM file',
  ],
  [
    'PEM bytes as an anchor',
    () => TrustStore.from([Buffer.from(pem)]),
    'anchors[0] is PEM: decodePem() makes DER of the text of a PEM file',
  ],
  [
    'a name as text',
    () => call(verifyPeer, [der], { ...options, name: 'localhost' }),
    'verifyPeer: options.name must be what hostName("localhost") makes of it, not "localhost"',
  ],
  [
    'one certificate in place of a chain',
    () => call(verifyPeer, der, options),
    `verifyPeer: chain must be an array, not ${der.length} bytes`,
  ],
  [
    'a chain of PEM text',
    () => call(verifyPeer, [pem], options),
    'verifyPeer: chain[0] must be DER bytes (a Uint8Array), not "-----BEGIN CERTIFICATE-----…": decodePem() makes DER of the text of a PEM file',
  ],
  [
    'PEM text to read a certificate from',
    () => call(parseCertificate, pem),
    'the certificate must be DER bytes (a Uint8Array), not "-----BEGIN CERTIFICATE-----…": decodePem() makes DER of the text of a PEM file',
  ],
  [
    'PEM bytes to read a certificate from',
    () => parseCertificate(Buffer.from(pem)),
    'the certificate is malformed: it is PEM, which decodePem() reads',
  ],
  ['no bytes', () => parseCertificate(new Uint8Array(0)), 'the certificate is malformed: there are no bytes'],
  [
    'PEM bytes to read a list from',
    () => parseCrl(Buffer.from('-----BEGIN X509 CRL-----')),
    'the revocation list is malformed: it is PEM, which decodePem() reads',
  ],
  [
    'nothing to read a response from',
    () => call(parseOcspResponse),
    'the OCSP response must be DER bytes (a Uint8Array), not undefined',
  ],
  [
    'DER in place of PEM',
    () => call(decodePem, der),
    `decodePem: text must be the text of a PEM file, not ${der.length} bytes`,
  ],
  [
    'a private key as PEM in place of DER: no more than its first line is shown',
    () => call(encodePem, 'PRIVATE KEY', key),
    'encodePem: der must be DER bytes (a Uint8Array), not "-----BEGIN PRIVATE KEY-----…": decodePem() makes DER of the text of a PEM file',
  ],
  [
    'a kind of key in other letters',
    () => call(generatePrivateKey, 'Ed25519', noble.random),
    'generatePrivateKey: kind must be one of "P-256", "P-384", "P-521", "ed25519", "ed448", "ml_dsa_44", "ml_dsa_65", "ml_dsa_87", not "Ed25519"',
  ],
  [
    'nothing to make a key of',
    () => call(generatePrivateKey, 'ed25519'),
    'generatePrivateKey: random (as noble.random) must be a function, not undefined',
  ],
  [
    'no key',
    () => call(parsePrivateKey),
    'parsePrivateKey: input must be the text of a PEM file, or DER or PEM bytes, not undefined',
  ],
  ['no PEM block of a key', () => parsePrivateKey('key.pem'), 'no private key: neither DER nor a PEM block of one'],
  [
    'PEM text for a signer of noble',
    () => call(noble.signer, key),
    'the key of a signer must be a Secret, which parsePrivateKey() and generatePrivateKey() make',
  ],
  [
    'PEM text for a signer of node:crypto',
    () => call(node.signer, key),
    'the key of a signer must be a Secret, which parsePrivateKey() and generatePrivateKey() make',
  ],
  ['no host', () => call(hostName), 'hostName: host must be a string, not undefined'],
  [
    'no options of a certificate',
    () => call(createCertificate),
    'createCertificate: options must be an object, not undefined',
  ],
  [
    'a certificate without a signer',
    () => call(createCertificate, {}),
    'createCertificate: options.signer must be an object with sign(), not undefined',
  ],
];

describe('says what is wrong', () => {
  test.each(cases)('%s', (_what, run, message) => {
    expect(run).toThrow(expect.objectContaining({ message }));
  });
});

const secret = 'correct horse battery staple';
const ticketKeysType = 'must be an instance of Buffer, TypedArray, or DataView. Received type string';

const secrets: readonly [what: string, run: () => unknown, message: string][] = [
  [
    'text in place of a Secret',
    () =>
      call(Connection.client, { ...config, externalPsks: [{ identity: new Uint8Array(1), secret, hash: 'sha256' }] }),
    "config.externalPsks[0].secret must be a Secret 'psk', not a string",
  ],
  [
    'a key in place of an external PSK',
    () => call(Connection.client, { ...config, externalPsks: [secret] }),
    'config.externalPsks[0] must be an object, not a string',
  ],
  [
    'text in place of ticket keys of the engine',
    () => Reflect.construct(TicketKeys, [noble, { keys: [secret] }]),
    'options.keys[0] must be a Uint8Array of 48 bytes, not a string',
  ],
  [
    'text in place of ticket keys of a context',
    () => call(createSecureContext, { ticketKeys: secret }),
    `The "options.ticketKeys" property ${ticketKeysType}`,
  ],
  [
    'text in place of ticket keys of a server',
    () => call((keys) => createServer().setTicketKeys(keys), secret),
    `The "buffer" argument ${ticketKeysType}`,
  ],
  [
    'a key in place of the answer of pskCallback on the client',
    () => call(clientPsks, secret),
    'The "pskCallback()" argument must be of type object. Received type string',
  ],
  [
    'text in place of the key of pskCallback on the server',
    () => call(serverPsk, new Uint8Array(1), { psk: secret }),
    'The "psk" argument must be an instance of Buffer, TypedArray, or DataView. Received type string',
  ],
  [
    'base64 in place of DER',
    () => call(encodePem, 'PRIVATE KEY', 'MC4CAQAwBQYDK2Vw'),
    'encodePem: der must be DER bytes (a Uint8Array), not a string: decodePem() makes DER of the text of a PEM file',
  ],
];

describe('does not quote what may be a secret', () => {
  test.each(secrets)('%s', (_what, run, message) => {
    expect(run).toThrow(expect.objectContaining({ message }));
  });

  test.each([28, 29])('of other text of %i characters, as much as node:tls does', (length) => {
    const options = { sessionTimeout: 'x'.repeat(length) };
    const message = thrownBy(() => call(nodeTls.createSecureContext, options));
    expect(message).toContain('Received type string');
    expect(thrownBy(() => call(createSecureContext, options))).toBe(message);
  });
});
