import { describe, expect, test } from 'vitest';
import * as web from '#opentls/adapters/web/index';
import type { Event } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import * as core from '#opentls/index';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { hostName } from '#opentls/x509/certificate/identity';
import { TrustStore } from '#opentls/x509/path/trust';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { newPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { authority, type Holder, serverLeaf } from '../../x509/made/chain.ts';

const root = authority('root');
const leaf = serverLeaf(root, {
  subjectAltNames: { dns: ['server.test'], ip: ['127.0.0.1'] },
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
});
const credentialOf = ({ der, key }: Holder) => ({ chain: [der], signer: provider.signer(parsePrivateKey(key)) });
const credentials = [credentialOf(leaf)];

const judging = (options: Partial<core.VerifierOptions> = {}) =>
  core.verifier({ trust: TrustStore.from([root.der]), verifiers: provider.verifiers, ...options });

/** How a client ends: 'open', or the code of its error. */
function clientEnd(client: Partial<ClientConfig>, server: Partial<ServerConfig> = { credentials }): string | undefined {
  return endOf(shuttle(newPair(client, server)).clientEvents);
}

function endOf(events: readonly Event[]): string | undefined {
  for (const event of events) {
    if (event.type === 'error') return event.error.code;
    if (event.type === 'open') return 'open';
  }
  return undefined;
}

/** As JavaScript may call it. */
const odd = [
  ['no options', undefined],
  ['no anchors', { trust: undefined }],
  ['anchors that are a list', { trust: [root.der] }],
  ['no verifiers', { verifiers: undefined }],
  ['a name as text', { name: 'server.test' }],
  ['a clock that is a time', { now: Date.now() }],
  ['a depth that is no number', { maxDepth: Number.NaN }],
  ['a budget that is no number', { budget: { signatures: Number.NaN } }],
  ['a mode of revocation in other letters', { revocation: { mode: 'Hard' } }],
  ['a responder to ask, and no hashes', { revocation: { mode: 'hard', fetchOcsp: () => undefined } }],
  ['an unknown option of revocation', { revocation: { Mode: 'hard' } }],
] as const;

describe('options of a verifier are settled when it is made', () => {
  const bare = { trust: TrustStore.from([root.der]), verifiers: provider.verifiers };
  const config = expect.objectContaining({ code: 'ERR_TLS_CONFIG' });

  test.each(odd)('%s', (_, change) => {
    const options = change && { ...bare, ...change };
    expect(() => core.verifier(options as never)).toThrow(config);
  });

  test('what becomes of them later changes nothing, and what is on Object.prototype is none of them', () => {
    const options: { name: core.VerifierOptions['name']; maxDepth: number } = {
      name: { dns: 'other.test' },
      maxDepth: 0,
    };
    const verifyChain = core.verifier({ ...bare, ...options });
    const own = Object.assign(options, bare);
    const live = core.verifier(own);
    own.name = 'any';
    Object.defineProperty(Object.prototype, 'name', { value: 'any', configurable: true, writable: true });
    try {
      for (const verify of [verifyChain, live]) {
        expect(clientEnd({ verifyChain: verify, serverName: 'server.test' })).toBe('HOSTNAME_MISMATCH');
      }
      expect(clientEnd({ verifyChain: core.verifier(bare), serverName: 'nobody.test' })).toBe('HOSTNAME_MISMATCH');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'name');
    }
  });

  test('each is taken once', () => {
    let reads = 0;
    const counting = {
      ...bare,
      get name() {
        reads++;
        return { dns: 'server.test' } as const;
      },
    };
    const verifyChain = core.verifier(counting);
    for (let n = 0; n < 3; n++) expect(clientEnd({ verifyChain, serverName: 'server.test' })).toBe('open');
    expect(reads).toBe(1);
  });
});

describe('a verifier', () => {
  test('is there behind each door of the engine', () => {
    expect(web.verifier).toBe(core.verifier);
  });

  test('judges a server by the name that it was asked for', () => {
    const verifyChain = judging();
    expect(clientEnd({ verifyChain, serverName: 'server.test' })).toBe('open');
    expect(clientEnd({ verifyChain, serverName: 'SERVER.test.' })).toBe('open');
    expect(clientEnd({ verifyChain, serverName: 'other.test' })).toBe('HOSTNAME_MISMATCH');
  });

  test('does not open to a server that nobody named', () => {
    expect(clientEnd({ verifyChain: judging(), serverName: undefined })).toBe('ERR_TLS_CONFIG');
  });

  test('takes a name of its own, and "any" for none', () => {
    const address = judging({ name: hostName('127.0.0.1') });
    expect(clientEnd({ verifyChain: address, serverName: undefined })).toBe('open');
    expect(clientEnd({ verifyChain: judging({ name: hostName('127.0.0.2') }), serverName: 'server.test' })).toBe(
      'HOSTNAME_MISMATCH',
    );
    expect(clientEnd({ verifyChain: judging({ name: 'any' }), serverName: undefined })).toBe('open');
  });

  test('judges a client for its purpose, whoever it is', () => {
    const server = { credentials, clientCertificate: 'required', verifyChain: judging() } as const;
    const other = serverLeaf(root);
    const ends = (client: Holder) => shuttle(newPair({ credentials: [credentialOf(client)] }, server));
    expect(endOf(ends(leaf).serverEvents)).toBe('open');
    expect(endOf(ends(other).serverEvents)).toBe('INVALID_PURPOSE');
  });

  test('asks the clock that it is given', () => {
    const late = judging({ now: () => Date.now() + 10 * 86_400_000 });
    expect(clientEnd({ verifyChain: late, serverName: 'server.test' })).toBe('CERT_HAS_EXPIRED');
  });

  test('takes no raw public key', () => {
    const signer = provider.signer(parsePrivateKey(leaf.key));
    const raw = [{ chain: [parseCertificate(leaf.der).spki], signer, type: 'RawPublicKey' as const }];
    const client = {
      verifyChain: judging(),
      serverName: 'server.test',
      peerCertificateTypes: ['RawPublicKey'],
    } as const;
    expect(clientEnd(client, { credentials: raw })).toBe('RPK_UNTRUSTED');
  });
});
