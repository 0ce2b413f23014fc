// Certificate and Finished: RFC 9846 §4.5.1 and §4.5.3.

import { describe, expect, test } from 'vitest';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { CipherSuiteId, HandshakeType } from '#opentls/wire/enums';
import { encodeMessage } from '#opentls/wire/messages';
import {
  credential,
  errorOf,
  newClient,
  newPair,
  newServer,
  openPair,
  shuttle,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9846);

const config = {
  provider,
  verifyChain: trustAnything,
  credentials: [credential],
  suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
};

describe('a Certificate message, RFC 9846 §4.5.1', () => {
  test('an empty Certificate of a server is decode_error', () => {
    const client = newClient();
    const peer = new Peer('server', config);
    peer.play(client, 2);
    const empty = { certificateRequestContext: new Uint8Array(0), certificateList: [] };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate, empty))).toMatchObject({
      alert: 'decode_error',
    });
  });

  test('a chain goes out with the certificate of the sender first', () => {
    const [leaf = bytes(1)] = credential.chain;
    const chain = [leaf, bytes(40), bytes(50)];
    const client = { credentials: [{ ...credential, chain }] };
    const ends = openPair(client, { ...client, clientCertificate: 'required' });
    expect([ends.client.facts?.peerChain, ends.server.facts?.peerChain]).toEqual([chain, chain]);
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

  test.each(['CA_MD_TOO_WEAK', 'CERT_SIGNATURE_FAILURE'] as const)('%s is bad_certificate', (code) => {
    const ends = shuttle(newPair({ verifyChain: () => ({ ok: false, code, reason: 'test' }) }));
    expect(errorOf(ends.clientEvents)).toEqual({ code, alert: 'bad_certificate' });
  });
});

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
