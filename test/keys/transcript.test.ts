import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { messageHash, Transcript } from '#opentls/keys/transcript';
import { loadTrace, wanted } from '../kit/rfc8448.ts';
import { providers } from '../providers/providers.ts';

const one = new Uint8Array([1, 0, 0, 1, 7]);
const two = new Uint8Array([2, 0, 0, 2, 8, 9]);

describe.each(providers)('transcript, $name', ({ hashes }) => {
  test.each(['sha256', 'sha384'] as const)('%s: the hash so far, while the transcript goes on', (name) => {
    const transcript = Transcript.from(hashes[name]);
    const expected = (...messages: readonly Uint8Array[]) =>
      createHash(name).update(Buffer.concat(messages)).digest('hex');
    expect(toHex(transcript.hash())).toBe(expected());
    transcript.add(one);
    expect(toHex(transcript.hash())).toBe(expected(one));
    expect(toHex(transcript.hash())).toBe(expected(one));
    transcript.add(two);
    expect(toHex(transcript.hash())).toBe(expected(one, two));
  });

  test('a fork goes on by itself', () => {
    const transcript = Transcript.from(hashes.sha384);
    transcript.add(one);
    const fork = transcript.fork();
    fork.add(two);
    expect(toHex(fork.hash())).toBe(createHash('sha384').update(one).update(two).digest('hex'));
    expect(toHex(transcript.hash())).toBe(createHash('sha384').update(one).digest('hex'));
  });

  test('a HelloRetryRequest turns ClientHello1 into its message_hash', () => {
    const transcript = Transcript.from(hashes.sha256);
    transcript.add(one);
    const retry = transcript.intoRetry();
    retry.add(two);
    const digest = createHash('sha256').update(one).digest();
    const synthetic = Buffer.concat([fromHex('fe000020'), digest]);
    expect(toHex(messageHash(digest))).toBe(synthetic.toString('hex'));
    expect(toHex(retry.hash())).toBe(createHash('sha256').update(synthetic).update(two).digest('hex'));
  });

  test('RFC 8448 section 5: up to the second ServerHello', () => {
    const trace = loadTrace(5);
    const [clientHello1, retryRequest, clientHello2, serverHello] = trace.messages.map(({ hex }) => fromHex(hex));
    const first = Transcript.from(hashes.sha256);
    first.add(wanted(clientHello1));
    const transcript = first.intoRetry();
    for (const message of [retryRequest, clientHello2, serverHello]) transcript.add(wanted(message));
    expect(toHex(transcript.hash())).toBe(trace.secretTranscriptHashes['clientHandshakeTraffic']);
  });
});
