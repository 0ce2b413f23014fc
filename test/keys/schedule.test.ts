import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import type { CipherSuite, Hash } from '#opentls/crypto/provider';
import { Secret, type SecretLabel, type TrafficLabel } from '#opentls/crypto/secret';
import { expandLabel } from '#opentls/keys/hkdf';
import {
  checkVerifyData,
  EarlySecret,
  nextTraffic,
  revealForKeylog,
  trafficKeys,
  verifyData,
} from '#opentls/keys/schedule';
import { Transcript, type TranscriptHash } from '#opentls/keys/transcript';
import { CipherSuiteId } from '#opentls/wire/enums';
import { loadTrace, sections, type Trace, wanted } from '../kit/rfc8448.ts';
import { providers, suiteProviders } from '../providers/providers.ts';

/** The hash after each message of a trace, by who sent what. */
function transcriptOf(hash: Hash, trace: Trace): ReadonlyMap<string, TranscriptHash> {
  const after = new Map<string, TranscriptHash>();
  let transcript = Transcript.from(hash);
  for (const { role, name, hex } of trace.messages) {
    if (name === 'HelloRetryRequest') transcript = transcript.intoRetry();
    transcript.add(fromHex(messageHex(trace, name, hex)));
    after.set(`${role} ${name}`, transcript.hash());
  }
  return after;
}

/** RFC 8448 prints a ClientHello with binders in two parts; its record has it whole. */
function messageHex(trace: Trace, name: string, hex: string): string {
  return name === 'ClientHello' && trace.pskBinder !== undefined ? wanted(trace.records[0]).payload : hex;
}

function reveal(secret: Secret<SecretLabel>): string {
  return toHex(revealForKeylog(secret));
}

function suiteOf({ suites }: { readonly suites: readonly CipherSuite[] }, id: number): CipherSuite {
  return wanted(suites.find((suite) => suite.id === id));
}

const hashAt = (after: ReadonlyMap<string, TranscriptHash>, message: string) => wanted(after.get(message));

/** Before a Finished: what it signs. */
const serverFinishedFollows: Readonly<Record<number, string>> = { 4: 'server EncryptedExtensions' };
const clientFinishedFollows: Readonly<Record<number, string>> = {
  4: 'client EndOfEarlyData',
  6: 'client CertificateVerify',
};

describe.each(providers)('key schedule, $name', ({ hashes }) => {
  const hash = hashes.sha256;

  test.each(sections)('RFC 8448 section %i: every secret', (section) => {
    const trace = loadTrace(section);
    const { secrets } = trace;
    const after = transcriptOf(hash, trace);
    const psk = section === 4 ? new Secret('psk', fromHex(wanted(loadTrace(3).resumption).psk)) : undefined;
    const early = EarlySecret.from(hash, psk);
    if (section === 4) {
      const hello = hashAt(after, 'client ClientHello');
      expect(reveal(early.clientEarlyTraffic(hello))).toBe(secrets['clientEarlyTraffic']);
      expect(reveal(early.earlyExporter(hello).secret)).toBe(secrets['earlyExporterMaster']);
    }
    const handshake = early.intoHandshake(new Secret('shared', fromHex(wanted(secrets['handshakeIkm']))));
    const hello = hashAt(after, 'server ServerHello');
    expect(reveal(handshake.traffic('client', hello))).toBe(secrets['clientHandshakeTraffic']);
    expect(reveal(handshake.traffic('server', hello))).toBe(secrets['serverHandshakeTraffic']);
    const main = handshake.intoMain();
    const serverFinished = hashAt(after, 'server Finished');
    expect(reveal(main.traffic('client', serverFinished))).toBe(secrets['clientApplicationTraffic0']);
    expect(reveal(main.traffic('server', serverFinished))).toBe(secrets['serverApplicationTraffic0']);
    expect(reveal(main.exporter(serverFinished).secret)).toBe(secrets['exporterMaster']);
    const resumption = main.intoResumption(hashAt(after, 'client Finished'));
    const expected = fromHex(wanted(secrets['resumptionMaster']));
    const nonce = fromHex(trace.resumption?.ticketNonce ?? '0001');
    const ticketPsk = toHex(expandLabel(hash, expected, 'resumption', nonce, 32));
    expect(reveal(resumption.psk(nonce))).toBe(trace.resumption?.psk ?? ticketPsk);
  });

  test.each(sections)('RFC 8448 section %i: both Finished messages', (section) => {
    const trace = loadTrace(section);
    const after = transcriptOf(hash, trace);
    for (const role of ['server', 'client'] as const) {
      const { baseKey, verifyData: expected } = trace.finished[role];
      const previous =
        role === 'server'
          ? (serverFinishedFollows[section] ?? 'server CertificateVerify')
          : (clientFinishedFollows[section] ?? 'server Finished');
      const secret = new Secret(role === 'server' ? 's hs traffic' : 'c hs traffic', fromHex(baseKey));
      const signed = hashAt(after, previous);
      const message = trace.messages.find((entry) => entry.role === role && entry.name === 'Finished');
      expect(toHex(verifyData(hash, secret, signed))).toBe(expected);
      expect(wanted(message).hex).toBe(`14000020${expected}`);
      expect(checkVerifyData(hash, secret, signed, fromHex(expected))).toBe(true);
    }
  });

  test('RFC 8448 section 4: the PSK binder', () => {
    const { pskBinder } = loadTrace(4);
    const { clientHelloPrefix, binderKey, binder } = wanted(pskBinder);
    const transcript = Transcript.from(hash);
    transcript.add(fromHex(clientHelloPrefix));
    const early = EarlySecret.from(hash, new Secret('psk', fromHex(wanted(loadTrace(3).resumption).psk)));
    const key = early.binderKey('resumption');
    expect(reveal(key)).toBe(binderKey);
    expect(toHex(verifyData(hash, key, transcript.hash()))).toBe(binder);
    expect(reveal(early.binderKey('external'))).not.toBe(binderKey);
  });

  test('verify_data that is not the one expected', () => {
    const secret = new Secret('c hs traffic', new Uint8Array(32).fill(1));
    const transcriptHash = Transcript.from(hash).hash();
    const right = verifyData(hash, secret, transcriptHash);
    for (let i = 0; i < right.length; i++) {
      const wrong = right.slice();
      wrong[i] = (wrong[i] ?? 0) ^ 0x80;
      expect(checkVerifyData(hash, secret, transcriptHash, wrong)).toBe(false);
    }
    expect(checkVerifyData(hash, secret, transcriptHash, right.subarray(1))).toBe(false);
    expect(checkVerifyData(hash, secret, transcriptHash, new Uint8Array(0))).toBe(false);
  });

  test('psk_ke: no shared secret is as good as zeros of the hash length', () => {
    const at = Transcript.from(hash).hash();
    const zeros = new Secret('shared', new Uint8Array(hash.length));
    const psk = () => new Secret('psk', new Uint8Array(32).fill(5));
    const without = EarlySecret.from(hash, psk()).intoHandshake(undefined).traffic('client', at);
    expect(reveal(without)).toBe(reveal(EarlySecret.from(hash, psk()).intoHandshake(zeros).traffic('client', at)));
  });

  test('exporter: by label, context and length', () => {
    const at = Transcript.from(hash).hash();
    const main = EarlySecret.from(hash).intoHandshake(undefined).intoMain();
    const exporter = main.exporter(at);
    // RFC 9846 §7.5, spelled out.
    const base = fromHex(reveal(exporter.secret));
    const derived = expandLabel(hash, base, 'EXPORTER-test', hash.digest(new Uint8Array(0)), 32);
    const context = new Uint8Array([1, 2]);
    const expected = expandLabel(hash, derived, 'exporter', hash.digest(context), 40);
    expect(exporter.export('EXPORTER-test', context, 40)).toEqual(expected);
    expect(exporter.export('EXPORTER-test', new Uint8Array(0), 40)).not.toEqual(expected);
    expect(exporter.export('EXPORTER-tesT', context, 40)).not.toEqual(expected);
    expect(exporter.export('EXPORTER-test', context, 41).subarray(0, 40)).not.toEqual(expected);
    expect(() => exporter.export('x'.repeat(250), context, 1)).toThrow(RangeError);
  });

  test('the next traffic secret keeps its label and wipes the one before', () => {
    const secret = new Secret('s ap traffic', new Uint8Array(32).fill(3));
    const expected = toHex(expandLabel(hash, new Uint8Array(32).fill(3), 'traffic upd', new Uint8Array(0), 32));
    const next = nextTraffic(hash, secret);
    expect(next.label).toBe('s ap traffic');
    expect(reveal(next)).toBe(expected);
    expect(secret.wiped).toBe(true);
    expect(() => nextTraffic(hash, secret)).toThrow(expect.objectContaining({ code: 'ERR_TLS_SECRET_WIPED' }) as Error);
  });

  test('a stage that was left cannot be used again', () => {
    const wiped = expect.objectContaining({ code: 'ERR_TLS_SECRET_WIPED' }) as Error;
    const at = Transcript.from(hash).hash();
    const shared = new Secret('shared', new Uint8Array(32).fill(1));
    const early = EarlySecret.from(hash);
    const handshake = early.intoHandshake(shared);
    expect(shared.wiped).toBe(true);
    expect(() => early.intoHandshake(undefined)).toThrow(wiped);
    expect(() => early.binderKey('external')).toThrow(wiped);
    const main = handshake.intoMain();
    expect(() => handshake.traffic('client', at)).toThrow(wiped);
    expect(() => handshake.intoMain()).toThrow(wiped);
    const exporter = main.exporter(at);
    const resumption = main.intoResumption(at);
    expect(() => main.traffic('server', at)).toThrow(wiped);
    expect(() => main.intoResumption(at)).toThrow(wiped);
    expect(exporter.export('label', new Uint8Array(0), 8)).toHaveLength(8);
    exporter.wipe();
    expect(() => exporter.export('label', new Uint8Array(0), 8)).toThrow(wiped);
    resumption.wipe();
    expect(() => resumption.psk(new Uint8Array(1))).toThrow(wiped);
    const unused = EarlySecret.from(hash);
    unused.wipe();
    expect(() => unused.intoHandshake(undefined)).toThrow(wiped);
  });

  test('what goes to the key log is a copy', () => {
    const secret = new Secret('s ap traffic', new Uint8Array(32));
    revealForKeylog(secret).fill(9);
    expect(reveal(secret)).toBe('00'.repeat(32));
  });
});

describe.each(suiteProviders)('traffic keys, $name', (provider) => {
  const labels: Readonly<Record<string, TrafficLabel>> = {
    clientEarlyApplication: 'c e traffic',
    clientHandshake: 'c hs traffic',
    serverHandshake: 's hs traffic',
    clientApplication0: 'c ap traffic',
    serverApplication0: 's ap traffic',
  };

  test.each(sections)('RFC 8448 section %i: every key and IV', (section) => {
    const suite = suiteOf(provider, CipherSuiteId.TLS_AES_128_GCM_SHA256);
    for (const [name, { secret, key, iv }] of Object.entries(loadTrace(section).trafficKeys)) {
      let made = '';
      let given: Uint8Array | undefined;
      const create = (bytes: Uint8Array) => {
        made = toHex(bytes);
        given = bytes;
        return suite.aead.create(bytes);
      };
      const spied = { ...suite, aead: { ...suite.aead, create } };
      const keys = trafficKeys(spied, new Secret(wanted(labels[name]), fromHex(secret)));
      expect([name, made, toHex(keys.iv)]).toEqual([name, key, iv]);
      expect(given).toEqual(new Uint8Array(16));
    }
  });
});
