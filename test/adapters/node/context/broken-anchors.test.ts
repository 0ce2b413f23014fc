// What of `ca` cannot be read: it is no reason to do without the rest, and is named where that is not enough.
import type nodeTls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { encodePem } from '#opentls/x509/asn1/pem';
import { authority } from '../../../x509/made/chain.ts';
import { clientOptions, close, event, listen, modules, root, serverOptions } from '../sides.ts';

const cut = root.der.subarray(0, 100);
const block = (der: Uint8Array, label = 'CERTIFICATE'): string => encodePem(label, der);

/** Each in place of a certificate, and what a refusal says of it: nothing, where it was none to begin with. */
const broken: Readonly<Record<string, readonly [input: string, named: string | undefined]>> = {
  'a certificate that is cut off': [block(cut), 'an element that ends after its container'],
  'no DER': [block(new Uint8Array(5)), 'tag 0x0 where 0x30 is due'],
  nothing: [block(new Uint8Array(0)), 'the bytes end inside an element'],
  'no base64': ['-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n', 'it is not base64'],
  'part of a quantum': ['-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n', 'it is not base64'],
  'no end': ['-----BEGIN CERTIFICATE-----\nAAAA\n', 'PEM block'],
  'the end of another block': ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END X509 CRL-----\n', 'PEM block'],
  'a key that is broken': ['-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n', undefined],
  text: ['the root of us all\n', 'it holds no PEM block'],
};

type Ca = NonNullable<nodeTls.ConnectionOptions['ca']>;

/** What a client with these anchors says of the server. */
async function verdict(tls: typeof nodeTls, ca: Ca): Promise<{ readonly code: string | null; readonly text: string }> {
  const server = modules.node.createServer(serverOptions);
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  const socket = tls.connect({ ...clientOptions, port, servername: 'localhost', ca });
  const error = await Promise.race([
    event(socket, 'secureConnect').then(() => undefined),
    event(socket, 'error').then(([first]) => first),
  ]);
  socket.destroy();
  await close(server);
  if (!(error instanceof Error)) return { code: null, text: '' };
  // What node:tls would not say stands in the cause.
  return { code: String(Reflect.get(error, 'code')), text: String(error.cause) };
}

describe.each(Object.entries(broken))('%s in place of an anchor', (_, [input, named]) => {
  test.each<[string, Ca]>([
    ['behind another, in a list', [root.pem, input]],
    ['before another, in a list', [input, root.pem]],
    ['in the bytes of a list', [Buffer.from(input), Buffer.from(root.pem)]],
    ['behind another, in one text', `${root.pem}\n${input}`],
  ])('%s, leaves the others', async (_where, ca) => {
    expect((await verdict(modules.node, ca)).code).toBe(null);
    expect((await verdict(modules.opentls, ca)).code).toBe(null);
  });

  // node:tls reads no further in a text; who put another certificate there meant it.
  test.each<[string, Ca]>([
    ['before another', input + root.pem],
    ['between others', authority('other').pem + input + root.pem],
  ])('%s, in one text, leaves those behind it', async (_where, ca) => {
    expect((await verdict(modules.opentls, ca)).code).toBe(null);
  });

  test('alone, is no anchor, and is named', async () => {
    for (const ca of [input, [input], [Buffer.from(input)]]) {
      const expected = await verdict(modules.node, ca);
      const ours = await verdict(modules.opentls, ca);
      expect(expected.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      expect(ours.code).toBe(expected.code);
      if (named === undefined) expect(ours.text).not.toContain('passed over');
      else expect(ours.text).toMatch(new RegExp(`passed over: anchor (1 of those given|in options.ca).*${named}`));
    }
  });
});

test('DER that is cut off leaves the others, and is named by its place', async () => {
  expect((await verdict(modules.node, [root.pem, Buffer.from(cut)])).code).toBe(null);
  expect((await verdict(modules.opentls, [root.pem, Buffer.from(cut)])).code).toBe(null);
  const ca = [authority('other').pem, Buffer.from(cut)];
  expect((await verdict(modules.opentls, ca)).text).toContain('passed over: anchor 2 of those given (');
});
