import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { certificateCompression } from '#opentls/adapters/node/context/certificate-compression';
import type { Event } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { CertificateCompression } from '#opentls/handshake/terms/credential';
import { ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import {
  credential,
  type Ends,
  errorOf,
  newClient,
  newPair,
  newServer,
  openPair,
  type Side,
  settleLater,
  shuttle,
  sides,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(8879);

/** The algorithms that answer at once, for the scripted peer. */
const deflate: CertificateCompression = {
  id: 1,
  compress: (message) => zlib.deflateSync(message),
  decompress: (compressed, length) => zlib.inflateSync(compressed, { maxOutputLength: Math.max(length, 1) }),
};
const brotli: CertificateCompression = {
  id: 2,
  compress: (message) => zlib.brotliCompressSync(message),
  decompress: (compressed, length) => zlib.brotliDecompressSync(compressed, { maxOutputLength: Math.max(length, 1) }),
};

/** An algorithm with a count of what it does. */
function counted(algorithm: CertificateCompression) {
  const counts = { compressed: 0, decompressed: 0 };
  const { id, compress, decompress } = algorithm;
  const counting: CertificateCompression = {
    id,
    ...(compress && {
      compress(message) {
        counts.compressed++;
        return compress(message);
      },
    }),
    ...(decompress && {
      decompress(compressed, length) {
        counts.decompressed++;
        return decompress(compressed, length);
      },
    }),
  };
  return { counts, algorithm: counting };
}

/** A handshake with client certificates, in which each side has these algorithms. */
async function meet(client: Partial<ClientConfig>, server: Partial<ServerConfig>): Promise<Ends> {
  const ends = newPair({ credentials: [credential], ...client }, { clientCertificate: 'required', ...server });
  for (let i = 0; i < 4; i++) {
    await settleLater(ends.client, ends.clientEvents);
    for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
    await settleLater(ends.server, ends.serverEvents);
    for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
  }
  return ends;
}

const phases = ({ client, server }: Ends): readonly string[] => [client.phase, server.phase];

describe('certificates are compressed, RFC 8879', () => {
  const algorithms = Object.entries(certificateCompression).flatMap(([name, algorithm]) =>
    algorithm === undefined ? [] : ([[name, algorithm]] as const),
  );

  test.each(algorithms)('with %s, of both sides', async (_, algorithm) => {
    const [client, server] = [counted(algorithm), counted(algorithm)];
    const ends = await meet(
      { certificateCompression: [client.algorithm] },
      { certificateCompression: [server.algorithm] },
    );
    expect(phases(ends)).toEqual(['open', 'open']);
    for (const { counts } of [client, server]) expect(counts).toEqual({ compressed: 1, decompressed: 1 });
    for (const { facts } of [ends.client, ends.server]) expect(facts?.peerChain).toEqual(credential.chain);
  });

  test.each(algorithms)('%s makes no more than was declared, and nothing of malformed input', async (_, algorithm) => {
    const { compress, decompress } = algorithm;
    if (compress === undefined || decompress === undefined) return expect.fail('one direction is missing');
    const bomb = await compress(new Uint8Array(0x10_0000));
    expect(bomb.length).toBeLessThan(0x1000);
    expect(await decompress(bomb, 0x10_0000)).toHaveLength(0x10_0000);
    for (const length of [0, 1, 0x2_0000, 0xf_ffff]) await expect(decompress(bomb, length)).rejects.toThrow();
    await expect(decompress(bytes(100), 100)).rejects.toThrow();
    await expect(decompress(bomb.subarray(0, bomb.length >> 1), 0x10_0000)).rejects.toThrow();
  });

  test.each(algorithms)(
    '%s leaves no bytes over: RFC 8879 §4, the result of the algorithm and nothing else',
    async (_, algorithm) => {
      const { compress, decompress } = algorithm;
      if (compress === undefined || decompress === undefined) return expect.fail('one direction is missing');
      const compressed = await compress(bytes(2000));
      for (const extra of [1, 2, 100, 2000]) {
        for (const fill of [0, 0xff]) {
          const longer = Buffer.concat([compressed, new Uint8Array(extra).fill(fill)]);
          await expect(decompress(longer, 2000)).rejects.toThrow();
        }
        await expect(decompress(Buffer.concat([compressed, compressed]), 2000)).rejects.toThrow();
      }
      const padding: CertificateCompression = {
        ...algorithm,
        compress: async (message) => Buffer.concat([await compress(message), Uint8Array.of(0)]),
      };
      for (const sender of sides) {
        const ends = await meet(
          { certificateCompression: [sender === 'client' ? padding : algorithm] },
          { certificateCompression: [sender === 'server' ? padding : algorithm] },
        );
        const refusal = { code: 'ERR_TLS_CERTIFICATE_DECOMPRESSION', alert: 'bad_certificate' };
        expect(errorOf(sender === 'client' ? ends.serverEvents : ends.clientEvents)).toEqual(refusal);
      }
    },
  );

  test.each<[string, CertificateCompression[], CertificateCompression[], number | undefined]>([
    ['none in common', [deflate], [brotli], undefined],
    ['none of the client', [], [deflate], undefined],
    ['none of the server', [deflate], [], undefined],
    ['the first of the sender', [deflate, brotli], [brotli, deflate], 2],
    ['a sender that only reads', [deflate], [{ id: 1, decompress: (it) => it }], undefined],
    ['a receiver that only writes', [{ id: 1, compress: (it) => it }], [deflate], undefined],
  ])('%s', (_, client, server, used) => {
    const counters = server.map(counted);
    const ends = openPair(
      { certificateCompression: client },
      { certificateCompression: counters.map(({ algorithm }) => algorithm) },
    );
    expect(ends.client.facts?.peerChain).toEqual(credential.chain);
    expect(counters.flatMap(({ algorithm, counts }) => (counts.compressed > 0 ? [algorithm.id] : []))).toEqual(
      used === undefined ? [] : [used],
    );
  });

  test('what can be read is offered, best first; without any there is no extension', () => {
    const offered = (certificateCompression: readonly CertificateCompression[]) => {
      let values: readonly number[] | undefined;
      const shapeClientHello: ClientConfig['shapeClientHello'] = (hello) => {
        values = readExtensions('CH', hello.extensions).compress_certificate;
        return hello;
      };
      openPair({ certificateCompression, shapeClientHello });
      return values;
    };
    expect(offered([brotli, { id: 3, compress: (it) => it }, deflate])).toEqual([2, 1]);
    expect(offered([])).toBeUndefined();
  });
});

/** The Certificate of an honest peer, as it would be without compression; its body alone is compressed (§4). */
const message = encodeMessage(HandshakeType.certificate, {
  certificateRequestContext: new Uint8Array(0),
  certificateList: credential.chain.map((certData) => ({ certData, extensions: [] })),
});
const body = message.subarray(4);

interface Sent {
  readonly algorithm?: number;
  readonly length?: number;
  readonly compressed?: Uint8Array;
}

function compressedCertificate({ algorithm = 1, length = body.length, compressed }: Sent): Uint8Array {
  return encodeMessage(HandshakeType.compressed_certificate, {
    algorithm,
    uncompressedLength: length,
    compressedCertificateMessage: compressed ?? zlib.deflateSync(body),
  });
}

/** What the other side makes of such a CompressedCertificate of `side`. */
function refusalOf(side: Side, raw: Uint8Array, accepted: readonly CertificateCompression[] = [deflate]) {
  const config = { provider, groups: [NamedGroup.x25519], credentials: [credential], verifyChain: trustAnything };
  const peer = new Peer(side, config);
  const other = { groups: [NamedGroup.x25519], certificateCompression: accepted };
  const engine = side === 'server' ? newClient(other) : newServer({ ...other, clientCertificate: 'required' });
  // ServerHello and EncryptedExtensions; or ClientHello.
  peer.play(engine, side === 'server' ? 2 : 1);
  return peer.inject(engine, raw);
}

describe.each(sides)('a CompressedCertificate of a %s', (side) => {
  test('the one that the others differ from is taken', () => {
    expect(refusalOf(side, compressedCertificate({}))).toBeUndefined();
  });

  const decompression = { code: 'ERR_TLS_CERTIFICATE_DECOMPRESSION', alert: 'bad_certificate' };
  const tooLarge = { code: 'ERR_TLS_CERTIFICATE_TOO_LARGE', alert: 'bad_certificate' };
  const malformed = { code: 'ERR_TLS_DECODE', alert: 'decode_error' };
  const cases: readonly (readonly [string, Sent, { code: string; alert: string }])[] = [
    ['of more than it declares', { length: body.length - 1 }, decompression],
    ['of less than it declares', { length: body.length + 1 }, decompression],
    ['that expands far beyond', { compressed: zlib.deflateSync(new Uint8Array(0x100_0000)) }, decompression],
    ['beyond 128 KiB', { length: 0x2_0001, compressed: zlib.deflateSync(new Uint8Array(0x2_0001)) }, tooLarge],
    ['of the most that can be declared', { length: 0xff_ffff }, tooLarge],
    [
      'that is corrupt',
      { compressed: zlib.deflateSync(body).map((byte, i) => (i === 20 ? byte ^ 1 : byte)) },
      decompression,
    ],
    ['that is cut off', { compressed: zlib.deflateSync(body).subarray(0, -1) }, decompression],
    ['that is random', { compressed: bytes(200) }, decompression],
    ['of another algorithm', { compressed: zlib.brotliCompressSync(body) }, decompression],
    ['of a raw deflate stream', { compressed: zlib.deflateRawSync(body) }, decompression],
    ['that was not compressed', { compressed: body }, decompression],
    ['that holds nothing', { length: 0, compressed: zlib.deflateSync(new Uint8Array(0)) }, malformed],
    ['that holds a whole message', { length: message.length, compressed: zlib.deflateSync(message) }, malformed],
    [
      'that holds what is no Certificate',
      { length: 4, compressed: zlib.deflateSync(new Uint8Array([0, 0, 0, 1])) },
      malformed,
    ],
  ];
  test.each(cases)('%s', (_, sent, refusal) => {
    expect(refusalOf(side, compressedCertificate(sent))).toEqual(refusal);
  });

  test.each([0, 2, 3, 0xffff])('with algorithm %i, which was not offered, is illegal_parameter', (algorithm) => {
    const code = 'ERR_TLS_UNKNOWN_CERTIFICATE_COMPRESSION';
    expect(refusalOf(side, compressedCertificate({ algorithm }))).toEqual({ code, alert: 'illegal_parameter' });
  });

  test('without a byte is decode_error', () => {
    const raw = Uint8Array.from([HandshakeType.compressed_certificate, 0, 0, 8, 0, 1, 0, 0, 9, 0, 0, 0]);
    expect(refusalOf(side, raw)).toEqual(malformed);
  });

  test('that nobody asked for is unexpected_message', () => {
    const refusal = { code: 'ERR_TLS_UNEXPECTED_MESSAGE', alert: 'unexpected_message' };
    expect(refusalOf(side, compressedCertificate({}), [])).toEqual(refusal);
    // To compress is not to decompress.
    expect(refusalOf(side, compressedCertificate({}), [{ id: 1, compress: (it) => it }])).toEqual(refusal);
  });

  test('too large is not even decompressed', () => {
    const { algorithm, counts } = counted(deflate);
    refusalOf(side, compressedCertificate({ length: 0x2_0001 }), [algorithm]);
    expect(counts.decompressed).toBe(0);
    refusalOf(side, compressedCertificate({ length: 0x2_0000 }), [algorithm]);
    expect(counts.decompressed).toBe(1);
  });
});

test('compress_certificate is not for EncryptedExtensions', () => {
  const peer = new Peer('server', {
    provider,
    groups: [NamedGroup.x25519],
    credentials: [credential],
    verifyChain: trustAnything,
  });
  const client = newClient({ groups: [NamedGroup.x25519], certificateCompression: [deflate] });
  peer.play(client, 1);
  const extensions = [{ type: ExtensionType.compress_certificate, data: new Uint8Array([2, 0, 1]) }];
  const raw = encodeMessage(HandshakeType.encrypted_extensions, { extensions });
  expect(peer.inject(client, raw)).toEqual({ code: 'ERR_TLS_UNEXPECTED_EXTENSION', alert: 'illegal_parameter' });
});

test('to fail at compressing is internal_error', () => {
  const compress = () => {
    throw new Error('out of memory');
  };
  const { serverEvents } = shuttle(
    newPair({ certificateCompression: [deflate] }, { certificateCompression: [{ id: 1, compress }] }),
  );
  expect(errorOf(serverEvents)).toEqual({ code: 'ERR_TLS_INTERNAL', alert: 'internal_error' });
});

describe('what our own certificateCompression answers wrongly is said to be so', () => {
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['nothing', undefined, 'is no Uint8Array'],
    ['null', null, 'is no Uint8Array'],
    ['a string', 'compressed', 'is no Uint8Array'],
    ['an array', [1, 2, 3], 'is no Uint8Array'],
    ['an ArrayBuffer', new ArrayBuffer(9), 'is no Uint8Array'],
    ['as many characters as bytes are due', 'x'.repeat(body.length), 'is no Uint8Array'],
    ['an object as long as is due', { length: body.length }, 'is no Uint8Array'],
  ];

  function complaintOf(events: readonly Event[]): string {
    return events.flatMap((event) => (event.type === 'error' ? [event.error.message] : [])).join();
  }

  const refusal = { code: 'ERR_TLS_CONFIG', alert: 'internal_error' };

  test.each([
    ...wrong,
    ['no byte', new Uint8Array(0), 'is empty'] as const,
    ['more than a message holds', new Uint8Array(0xff_fff8), 'has 16777208 bytes'] as const,
  ])('%s, compressing', async (_, answer, problem) => {
    for (const compress of [() => answer as Uint8Array, async () => answer as Uint8Array]) {
      const own = { certificateCompression: [{ id: 1, compress }] };
      const other = { certificateCompression: [deflate] };
      const [server, client] = [await meet(other, own), await meet(own, other)];
      for (const events of [server.serverEvents, client.clientEvents]) {
        expect(errorOf(events)).toEqual(refusal);
        expect(complaintOf(events)).toContain(`compress with algorithm 1 ${problem}`);
      }
    }
  });

  test.each(wrong)('%s, decompressing', async (_, answer, problem) => {
    const own = { certificateCompression: [{ id: 1, decompress: () => answer as Uint8Array }] };
    const other = { certificateCompression: [deflate] };
    const [server, client] = [await meet(other, own), await meet(own, other)];
    for (const events of [server.serverEvents, client.clientEvents]) {
      expect(errorOf(events)).toEqual(refusal);
      expect(complaintOf(events)).toContain(`decompress with algorithm 1 ${problem}`);
    }
  });
});
