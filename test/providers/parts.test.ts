// A provider made of parts, as an application makes it that bundles no more than it uses.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import nodeTls from 'node:tls';
import { describe, expect, test } from 'vitest';
import ours from '#opentls/adapters/node/index';
import type { CryptoProvider } from '#opentls/crypto/provider';
import * as nobleParts from '#opentls/providers/noble';
import * as nodeParts from '#opentls/providers/node';
import { authority, serverLeaf } from '../x509/made/chain.ts';

const providers = { noble: [nobleParts, nobleParts.noble], node: [nodeParts, nodeParts.node] } as const;

describe.each(Object.entries(providers))('%s', (_name, [parts, provider]) => {
  const exported: readonly unknown[] = Object.values(parts);
  test.each(['suites', 'groups', 'verifiers'] as const)('each of its %s is an export of its own', (list) => {
    expect(provider[list].filter((part: unknown) => !exported.includes(part))).toEqual([]);
  });

  test('one suite, one group and one verifier are enough for a server of node:tls', async () => {
    const { TLS_AES_128_GCM_SHA256, x25519, ecdsa_sha256 } = parts;
    const small: CryptoProvider = {
      ...provider,
      suites: [TLS_AES_128_GCM_SHA256],
      groups: [x25519],
      verifiers: [ecdsa_sha256],
    };
    const root = authority('root');
    const leaf = serverLeaf(root, { subjectAltNames: { dns: ['localhost'] } });
    const server = nodeTls.createServer({ key: leaf.key, cert: leaf.pem });
    server.listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = ours.connect({ host: 'localhost', port, ca: root.pem, provider: small });
    await once(socket, 'secureConnect');
    const { suite, group } = socket.facts ?? {};
    expect([suite?.name, group?.name]).toEqual(['TLS_AES_128_GCM_SHA256', 'x25519']);
    socket.destroy();
    server.close();
  });
});
