import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { Secret, type TrafficLabel } from '#opentls/crypto/secret';
import { INITIAL_VERSION, RECORD_VERSION } from '#opentls/record/header';
import { Opener, openPlain } from '#opentls/record/opener';
import { Outbox } from '#opentls/record/outbox';
import { PlainSealer, Sealer } from '#opentls/record/sealer';
import { Sending } from '#opentls/record/sending';
import { CipherSuiteId, ContentType } from '#opentls/wire/enums';
import { sides } from '../kit/pair.ts';
import { loadTrace, sections, type Trace, wanted } from '../kit/rfc8448.ts';
import { suiteProviders } from '../providers/providers.ts';
import { drain, recordsOf, suiteOf } from './records.ts';

const labels: Readonly<Record<string, TrafficLabel>> = {
  clientEarlyApplication: 'c e traffic',
  clientHandshake: 'c hs traffic',
  serverHandshake: 's hs traffic',
  clientApplication0: 'c ap traffic',
  serverApplication0: 's ap traffic',
};

function secretOf(trace: Trace, protection: string): Secret<TrafficLabel> {
  return new Secret(wanted(labels[protection]), fromHex(wanted(trace.trafficKeys[protection]).secret));
}

describe.each(suiteProviders)('RFC 8448 records, $name', (provider) => {
  const suite = suiteOf(provider, CipherSuiteId.TLS_AES_128_GCM_SHA256);

  test.each(sections)('section %i: every protected record is opened', (section) => {
    const trace = loadTrace(section);
    const openers = new Map<string, Opener>();
    let opened = 0;
    for (const { record, protection, payload, type } of trace.records) {
      if (protection === 'none') continue;
      const opener = openers.get(protection) ?? new Opener(suite, secretOf(trace, protection));
      openers.set(protection, opener);
      const content = opener.open(wanted(recordsOf(fromHex(record))[0]));
      expect([content.type, toHex(content.bytes)]).toEqual([ContentType[type], payload]);
      opened++;
    }
    expect(opened).toBeGreaterThanOrEqual(4);
  });

  test.each(sections)('section %i: every protected record is sealed again, byte for byte', (section) => {
    const trace = loadTrace(section);
    const sealers = new Map<string, Sealer>();
    const outbox = new Outbox();
    for (const { record, protection, payload, type } of trace.records) {
      if (protection === 'none') continue;
      const sealer = sealers.get(protection) ?? new Sealer(suite, secretOf(trace, protection));
      sealers.set(protection, sealer);
      const content = fromHex(payload);
      const half = content.length >> 1;
      sealer.seal(ContentType[type], [content.subarray(0, half), content.subarray(half)], outbox);
      expect(toHex(drain(outbox))).toBe(record);
    }
  });
});

test.each(sections)('RFC 8448 section %i: every plain record, read and written', (section) => {
  const trace = loadTrace(section);
  for (const role of sides) {
    const sealer = new PlainSealer(role === 'client' ? INITIAL_VERSION : RECORD_VERSION);
    const sending = new Sending(role, {});
    const outbox = new Outbox();
    for (const { record, payload, type, protection } of trace.records.filter((entry) => entry.role === role)) {
      if (protection !== 'none') continue;
      const view = wanted(recordsOf(fromHex(record))[0]);
      expect(toHex(openPlain(view).bytes)).toBe(payload);
      if (type === 'change_cipher_spec') sending.changeCipherSpec();
      else sealer.seal(ContentType[type], [fromHex(payload)], outbox);
      const written = type === 'change_cipher_spec' ? Buffer.concat(sending.take()) : drain(outbox);
      expect(toHex(written)).toBe(record);
    }
  }
});
