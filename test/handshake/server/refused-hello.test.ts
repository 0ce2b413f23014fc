import { describe, expect, test } from 'vitest';
import { AlertDescription, type AlertName } from '#opentls/errors';
import { ExtensionType, HandshakeType, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { asRecords, extension, type HelloShape, helloMessage, keyShare, u16, vector } from '../../kit/hello-bytes.ts';
import { credential, newClient, newServer, settle, trustAnything } from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';

// What is wrong with a ClientHello by itself is said in place of a ServerHello: in the clear, so that who sent it hears
// why, and before anybody is asked to choose or to sign.

const more = (type: number, ...data: readonly Uint8Array[]): HelloShape => ({ more: [extension(type, ...data)] });
const hostName = (length: number): HelloShape => more(0, vector(Uint8Array.of(0), vector(Buffer.alloc(length, 97))));

/** Extensions by their values on the wire, whether they are good, and who says so. */
const judged: readonly (readonly [string, HelloShape, AlertName | undefined])[] = [
  ['record_size_limit 0 (RFC 8449 §4)', more(28, u16(0)), 'illegal_parameter'],
  ['record_size_limit 63', more(28, u16(63)), 'illegal_parameter'],
  ['record_size_limit 64', more(28, u16(64)), undefined],
  ['record_size_limit 65535, of versions to come', more(28, u16(0xffff)), undefined],
  ['max_fragment_length 0 (RFC 6066 §4)', more(1, Uint8Array.of(0)), 'illegal_parameter'],
  ['max_fragment_length 1', more(1, Uint8Array.of(1)), undefined],
  ['max_fragment_length 4', more(1, Uint8Array.of(4)), undefined],
  ['max_fragment_length 5', more(1, Uint8Array.of(5)), 'illegal_parameter'],
  [
    'max_fragment_length 5 beside record_size_limit (RFC 8449 §5: ignored)',
    {
      more: [
        extension(ExtensionType.max_fragment_length, Uint8Array.of(5)),
        extension(ExtensionType.record_size_limit, u16(64)),
      ],
    },
    undefined,
  ],
  [
    'max_fragment_length 1 beside record_size_limit 63',
    {
      more: [
        extension(ExtensionType.max_fragment_length, Uint8Array.of(1)),
        extension(ExtensionType.record_size_limit, u16(63)),
      ],
    },
    'illegal_parameter',
  ],
  ['compress_certificate that names zlib twice', more(27, Uint8Array.of(4), u16(1, 1)), 'illegal_parameter'],
  ['compress_certificate that names zlib once', more(27, Uint8Array.of(2), u16(1)), undefined],
  ['server_name of 255 bytes', hostName(255), undefined],
  ['server_name of 256 bytes', hostName(256), 'unrecognized_name'],
  [
    'two shares for a group',
    {
      groups: [NamedGroup.secp256r1, NamedGroup.x25519],
      shares: [NamedGroup.secp256r1, NamedGroup.secp256r1].map((group) => keyShare(group, Uint8Array.of(4))),
    },
    'illegal_parameter',
  ],
  [
    'a share for a group that is not listed',
    {
      groups: [NamedGroup.secp256r1],
      shares: [NamedGroup.secp256r1, NamedGroup.x25519].map((group) => keyShare(group, Uint8Array.of(4))),
    },
    'illegal_parameter',
  ],
];

/** What a server that is given these messages, one after the other, says to the last, and what it asks for then. */
function hear(...hellos: readonly HelloShape[]) {
  const asked: string[] = [];
  const server = newServer({
    chooseCredentials: () => {
      asked.push('credentials');
      return [credential];
    },
  });
  settle(server);
  let said: Uint8Array = new Uint8Array(0);
  for (const hello of hellos) {
    asked.length = 0;
    server.receive(asRecords(helloMessage(hello)));
    settle(server);
    said = Buffer.concat(server.takeOutput());
  }
  return { said, asked };
}

/** A fatal alert in the clear (RFC 9846 §6). */
const plainAlert = (alert: AlertName): number[] => [21, 3, 3, 0, 2, 2, AlertDescription[alert]];

describe('what is wrong with a ClientHello is said in place of a ServerHello', () => {
  test.each(judged)('%s', (_, hello, alert) => {
    const { said, asked } = hear(hello);
    if (alert === undefined) expect([said[0], said[5]]).toEqual([22, 2]);
    else expect([...said]).toEqual(plainAlert(alert));
    expect(asked).toEqual(alert === undefined ? ['credentials'] : []);
  });

  const ofOneName = judged.filter(([name, { groups }]) => groups === undefined && !name.startsWith('server_name'));
  test.each(ofOneName)('and of the second one: %s', (_, hello, alert) => {
    // Without a share in the first, there is a HelloRetryRequest.
    const { said } = hear({ shares: [] }, hello);
    if (alert === undefined) expect([said[0], said[5]]).toEqual([22, 2]);
    else expect([...said]).toEqual(plainAlert(alert));
  });
});

test('what is wrong with a CertificateRequest is said although there is nothing to answer it with', () => {
  const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
  const client = newClient();
  peer.play(client, 2);
  const extensions = writeExtensions('CR', {
    signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
    compress_certificate: [1, 1],
  });
  const request = { certificateRequestContext: new Uint8Array(0), extensions };
  const refusal = { code: 'ERR_TLS_EXTENSION_DECODE', alert: 'illegal_parameter' };
  expect(peer.inject(client, encodeMessage(HandshakeType.certificate_request, request))).toEqual(refusal);
});
