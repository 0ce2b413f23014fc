// What RFC 9846 demands of signatures, records and certificates and no other test is about: vectors/rfc9846-musts.json.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription } from '#opentls/errors';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { Opener } from '#opentls/record/opener';
import { CipherSuiteId, ContentType, HandshakeType } from '#opentls/wire/enums';
import { encodeMessage, parseMessage } from '#opentls/wire/messages';
import { createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import {
  credential,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  shuttle,
  trustAnything,
} from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { suiteProviders } from '../providers/providers.ts';
import { record, recordsOf, suiteOf } from '../record/records.ts';
import { bytes, speak } from './musts.ts';

describe('who signs', () => {
  function credentialOf(options: Partial<Parameters<typeof createCertificate>[0]>): Credential {
    const signer = provider.signer(generatePrivateKey('P-256', provider.random));
    const period = { notBefore: Date.now() - 1000, notAfter: Date.now() + 86_400_000 };
    const made = createCertificate({ provider, signer, subject: 'localhost', ...period, ...options });
    return 'then' in made ? expect.fail('the provider signs at once') : { chain: [made.der], signer };
  }
  const refusalOf = (ofServer: Credential) => errorOf(shuttle(newPair({}, { credentials: [ofServer] })).clientEvents);

  test('a certificate whose key usage has no digitalSignature is refused', () => {
    expect(refusalOf(credentialOf({ keyUsage: ['digitalSignature'] }))).toBeUndefined();
    expect(refusalOf(credentialOf({ keyUsage: ['keyAgreement'] }))).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a scheme that the key of the certificate cannot make is refused', () => {
    const { chain } = credentialOf({});
    const signer = { ...provider.signer(generatePrivateKey('ed25519', provider.random)) };
    expect(refusalOf({ chain, signer })).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('nobody signs with SHA-1, even where a peer would take it', () => {
    const { chain, signer } = credentialOf({});
    const sha1 = { chain, signer: { ...signer, schemes: [0x0203] } };
    const ends = shuttle(newPair({ signatureSchemes: [0x0203] }, { credentials: [sha1] }));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });

  test('there is one raw public key', () => {
    const { signer } = credential;
    const types = { peerCertificateTypes: ['RawPublicKey'] } as const;
    const refusalOfKeys = (count: number) => {
      const raw: Credential = { chain: Array(count).fill(signer.publicKey), signer, type: 'RawPublicKey' };
      const verifyChain: ClientConfig['verifyChain'] = () => ({ ok: false, code: 'CERT_REJECTED', reason: 'read' });
      return errorOf(shuttle(newPair({ ...types, verifyChain }, { credentials: [raw] })).clientEvents)?.code;
    };
    expect(refusalOfKeys(1)).toBe('CERT_REJECTED');
    expect(refusalOfKeys(2)).toBe('ERR_TLS_RAW_PUBLIC_KEY_DECODE');
  });
});

describe('records, §5', () => {
  test.each([true, false])('of a whole connection, with middlebox compatibility %s', (middleboxCompatibility) => {
    const sent = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
    const ends = newPair({ middleboxCompatibility, credentials: [credential] }, { clientCertificate: 'required' });
    const carry = () =>
      shuttle(ends, (from, slab) => {
        sent[from].push(slab);
        return [slab];
      });
    carry();
    ends.client.write([bytes(100)]);
    ends.server.write([bytes(100)]);
    carry();
    const shown = (side: 'client' | 'server') =>
      recordsOf(Buffer.concat(sent[side])).map(({ type, header }) => `${type}:${toHex(header.subarray(1, 3))}`);
    // Handshake records in the clear, change_cipher_spec for middleboxes, and from there on nothing in the clear.
    const ccs = middleboxCompatibility ? ['20:0303'] : [];
    const protectedFrom = 1 + ccs.length;
    expect(shown('client').slice(0, protectedFrom)).toEqual(['22:0301', ...ccs]);
    expect(shown('server').slice(0, protectedFrom)).toEqual(['22:0303', ...ccs]);
    for (const side of ['client', 'server'] as const) {
      expect(new Set(shown(side).slice(protectedFrom))).toEqual(new Set(['23:0303']));
    }
  });

  test('change_cipher_spec after the handshake is unexpected_message', () => {
    const changeCipherSpec = record(ContentType.change_cipher_spec, new Uint8Array([1]));
    for (const side of ['client', 'server'] as const) {
      const events: Event[] = [];
      feed(openPair()[side], changeCipherSpec, events);
      expect(errorOf(events)).toMatchObject({ alert: 'unexpected_message' });
    }
  });

  test.each(suiteProviders)('no AEAD of $name expands by more than 255 bytes, or has a short nonce', ({ suites }) => {
    for (const { aead } of suites) {
      expect(aead.tagLength).toBeLessThanOrEqual(255);
      expect(aead.ivLength).toBeGreaterThanOrEqual(8);
    }
  });
});

test('what older versions had and RFC 9846 Appendix B reserves has no name here to be sent by', () => {
  const reserved = {
    alerts: [21, 30, 41, 60, 100, 111, 114],
    messages: [0, 3, 6, 12, 14, 16, 21, 22, 23],
    groups: [...Array(0x17).keys(), 0x1a, 0x1b, 0x1c, 0xff01, 0xff02],
  };
  const known = {
    alerts: Object.values(AlertDescription) as number[],
    messages: Object.values(HandshakeType) as number[],
    groups: suiteProviders.flatMap(({ groups }) => groups.map(({ id }) => id)),
  };
  expect(known.alerts.filter((value) => reserved.alerts.includes(value))).toEqual([]);
  expect(known.messages.filter((value) => reserved.messages.includes(value))).toEqual([]);
  expect(known.groups.filter((value) => reserved.groups.includes(value))).toEqual([]);
});

describe('messages of an honest peer, but for one', () => {
  const config = {
    provider,
    verifyChain: trustAnything,
    credentials: [credential],
    suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
  };

  test('a Finished that is not right is decrypt_error', () => {
    const wrong = encodeMessage(HandshakeType.finished, { verifyData: new Uint8Array(32) });
    const expected = { alert: 'decrypt_error' };
    const [client, server] = [newClient(), newServer()];
    const [ofServer, ofClient] = [new Peer('server', config), new Peer('client', config)];
    ofServer.play(client, 4);
    expect(ofServer.inject(client, wrong)).toMatchObject(expected);
    ofClient.play(server, 1);
    expect(ofClient.inject(server, wrong)).toMatchObject(expected);
  });

  test('an empty Certificate of a server is decode_error', () => {
    const client = newClient();
    const peer = new Peer('server', config);
    peer.play(client, 2);
    const empty = { certificateRequestContext: new Uint8Array(0), certificateList: [] };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate, empty))).toMatchObject({
      alert: 'decode_error',
    });
  });

  test('a KeyUpdate is asked for once, until it has come', () => {
    const ends = shuttle(newPair({ keylog: true, suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] }));
    const logged = ends.clientEvents.find(
      (event) => event.type === 'secret' && event.label === 'CLIENT_TRAFFIC_SECRET_0',
    );
    if (logged?.type !== 'secret') return expect.fail('no secret was logged');
    const opener = new Opener(
      suiteOf(provider, CipherSuiteId.TLS_AES_128_GCM_SHA256),
      new Secret('c ap traffic', logged.secret.slice()),
    );
    const asked: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) ends.client.updateKeys(true);
      shuttle(ends, (from, slab) => {
        if (from === 'client') {
          for (const view of recordsOf(slab)) {
            const { body } = parseMessage(opener.open(view).bytes);
            if ('requestUpdate' in body) asked.push(body.requestUpdate);
            opener.update();
          }
        }
        return [slab];
      });
    }
    expect(asked).toEqual([1, 0, 0, 1, 0, 0]);
  });
});

describe('certificates by what was asked for', () => {
  test('a client signs with a scheme that the server asked for, or not at all', () => {
    const schemes = new Map<number, number | undefined>();
    for (const scheme of [0x0403, 0x0503]) {
      const server: Partial<ServerConfig> = { clientCertificate: 'optional', signatureSchemes: [scheme] };
      schemes.set(scheme, openPair({ credentials: [credential] }, server).server.facts?.peerSignatureScheme);
    }
    expect([...schemes]).toEqual([
      [0x0403, 0x0403],
      [0x0503, undefined],
    ]);
  });

  test('a chain goes out with the certificate of the sender first', () => {
    const [leaf = bytes(1)] = credential.chain;
    const chain = [leaf, bytes(40), bytes(50)];
    const client = { credentials: [{ ...credential, chain }] };
    const ends = openPair(client, { ...client, clientCertificate: 'required' });
    expect([ends.client.facts?.peerChain, ends.server.facts?.peerChain]).toEqual([chain, chain]);
  });

  test('either side staples an OCSP response where it is asked for one', () => {
    const stapled = { ...credential, ocspResponse: bytes(30) };
    const seen = [true, false].map((requestOcsp) => {
      const client = { requestOcsp, credentials: [stapled] };
      const ends = openPair(client, { ...client, clientCertificate: 'required' });
      return [ends.client.facts?.peerOcspResponse, ends.server.facts?.peerOcspResponse];
    });
    expect(seen).toEqual([
      [stapled.ocspResponse, stapled.ocspResponse],
      [undefined, undefined],
    ]);
  });

  test('signature_algorithms_cert is sent where it is configured', () => {
    expect(speak({ certificateSchemes: [0x0401, 0x0403] }).extensions.signature_algorithms_cert).toEqual([
      0x0401, 0x0403,
    ]);
  });
});
