import { Inbox } from '#opentls/bytes/inbox';
import type { AeadAlgorithm, CipherSuite, CryptoProvider } from '#opentls/crypto/provider';
import { Secret, type TrafficLabel } from '#opentls/crypto/secret';
import { TlsError } from '#opentls/errors';
import { trafficKeys } from '#opentls/keys/schedule';
import { noble } from '#opentls/providers/noble';
import { Deframer, type RecordView } from '#opentls/record/deframer';
import { NonceSequence } from '#opentls/record/nonce';
import type { Outbox } from '#opentls/record/outbox';
import { ContentType } from '#opentls/wire/enums';

/** A traffic secret that both ends of a test can make. */
export function secret(suite: CipherSuite, label: TrafficLabel = 'c ap traffic'): Secret<TrafficLabel> {
  return new Secret(label, new Uint8Array(suite.hash.length).fill(0x5a));
}

export function suiteOf({ suites }: CryptoProvider, id: number): CipherSuite {
  const suite = suites.find((candidate) => candidate.id === id);
  if (suite === undefined) throw new Error(`no suite ${id}`);
  return suite;
}

/** A suite that writes down what its AEAD is given, and protects nothing: the tag is sixteen times 0xee. */
export function recordingSuite(options: { readonly recordLimit?: number } = {}) {
  const nonces: string[] = [];
  const aads: string[] = [];
  const alignments: number[] = [];
  const wiped: number[] = [];
  const aead: AeadAlgorithm = {
    name: 'recording',
    keyLength: 16,
    ivLength: 12,
    tagLength: 16,
    recordLimit: options.recordLimit ?? 2 ** 24,
    create: () => ({
      seal(nonce, aad, body, length) {
        nonces.push(Buffer.from(nonce).toString('hex'));
        aads.push(Buffer.from(aad).toString('hex'));
        alignments.push(body.byteOffset % 4);
        body.fill(0xee, length, length + 16);
      },
      open(nonce, aad, sealed, out) {
        nonces.push(Buffer.from(nonce).toString('hex'));
        aads.push(Buffer.from(aad).toString('hex'));
        out.set(sealed.subarray(0, out.length));
        return sealed.subarray(out.length).every((byte) => byte === 0xee);
      },
      wipe: () => void wiped.push(1),
    }),
  };
  const suite: CipherSuite = { id: 0, name: 'RECORDING', hash: noble.hashes.sha256, aead };
  return { suite, nonces, aads, alignments, wiped };
}

/** The records of a byte stream, each in memory of its own. */
export function recordsOf(bytes: Uint8Array): RecordView[] {
  const inbox = new Inbox();
  inbox.append(bytes);
  const deframer = new Deframer();
  const records: RecordView[] = [];
  for (let view = deframer.next(inbox); view !== undefined; view = deframer.next(inbox)) {
    records.push({ type: view.type, header: view.header.slice(), body: view.body.slice() });
    deframer.consume(inbox);
  }
  if (inbox.length !== 0) throw new Error(`${inbox.length} bytes are no record`);
  return records;
}

export function drain(outbox: Outbox): Uint8Array {
  return Buffer.concat(outbox.take());
}

/** A record as it stands on the wire. */
export function record(type: number, body: Uint8Array, length = body.length, version = 0x0303): Uint8Array {
  return Buffer.concat([new Uint8Array([type, version >> 8, version & 255, length >> 8, length & 255]), body]);
}

/** Protects any inner plaintext, also those that a Sealer never makes. */
export function innerSealer(
  suite: CipherSuite,
  trafficSecret: Secret<TrafficLabel>,
): (inner: Uint8Array) => Uint8Array {
  const { aead, iv } = trafficKeys(suite, trafficSecret);
  const nonces = new NonceSequence(iv);
  return (inner) => {
    const sealed = record(ContentType.application_data, new Uint8Array(inner.length + suite.aead.tagLength)).slice();
    sealed.set(inner, 5);
    aead.seal(nonces.next(), sealed.subarray(0, 5), sealed.subarray(5), inner.length);
    return sealed;
  };
}

/** What `work` throws, as code and alert. */
export function refusal(work: () => unknown): { readonly code: string; readonly alert: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof TlsError) return { code: error.code, alert: error.alert };
    throw error;
  }
  throw new Error('nothing was refused');
}
