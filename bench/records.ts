import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { Inbox } from '#opentls/bytes/inbox';
import type { CipherSuite, CryptoProvider } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { Deframer } from '#opentls/record/deframer';
import { Opener } from '#opentls/record/opener';
import { Outbox } from '#opentls/record/outbox';
import { ALIGNED_FRAGMENT, Sealer } from '#opentls/record/sealer';
import { ContentType } from '#opentls/wire/enums';
import { interleaved } from './measure.ts';
import type { Row } from './report.ts';

/** Sealing and opening one full record in memory, next to the bare cipher of noble on as many bytes. */
export function recordRates(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.flatMap((provider) => provider.suites.flatMap((suite) => suiteRates(provider, suite)));
}

function suiteRates(provider: CryptoProvider, suite: CipherSuite): readonly Row[] {
  const plaintext = new Uint8Array(ALIGNED_FRAGMENT);
  const times = interleaved([
    { name: 'raw seal', run: rawSeal(suite, plaintext) },
    { name: 'seal', run: recordSeal(suite, plaintext) },
    { name: 'raw open', run: rawOpen(suite, plaintext) },
    { name: 'open', run: recordOpen(suite, plaintext) },
  ]);
  const rate = (name: string): number => plaintext.length / (times.get(name) ?? Number.NaN) / 1000;
  const row = (operation: 'seal' | 'open'): Row => ({
    what: `${operation} 16 KiB record`,
    suite: suite.name,
    provider: provider.name,
    'MB/s': rate(operation).toFixed(0),
    'raw noble MB/s': rate(`raw ${operation}`).toFixed(0),
    ratio: (rate(operation) / rate(`raw ${operation}`)).toFixed(2),
  });
  return [row('seal'), row('open')];
}

const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(9);
const aad = new Uint8Array(5).fill(1);

/** noble alone, as a caller would use it: fresh output each time, or in place where noble can. */
function bare(suite: CipherSuite) {
  return suite.aead.name.toUpperCase().startsWith('CHACHA')
    ? () => chacha20poly1305(key, nonce, aad)
    : () => gcm(key.subarray(0, suite.aead.keyLength), nonce, aad);
}

function rawSeal(suite: CipherSuite, plaintext: Uint8Array): () => void {
  const cipher = bare(suite);
  return () => void cipher().encrypt(plaintext);
}

function rawOpen(suite: CipherSuite, plaintext: Uint8Array): () => void {
  const cipher = bare(suite);
  const sealed = cipher().encrypt(plaintext);
  return () => void cipher().decrypt(sealed);
}

function secret(suite: CipherSuite): Secret<'c ap traffic'> {
  return new Secret('c ap traffic', new Uint8Array(suite.hash.length).fill(3));
}

function recordSeal(suite: CipherSuite, plaintext: Uint8Array): () => void {
  const sealer = new Sealer(suite, secret(suite));
  const outbox = new Outbox();
  return () => {
    sealer.seal(ContentType.application_data, [plaintext], outbox);
    outbox.take();
  };
}

/**
 * A record can be opened once: the sequence number moves on. So records are sealed ahead, in batches whose making is
 * not part of the time of any one call but of the first in each batch; batches are kept and opened by fresh openers.
 */
function recordOpen(suite: CipherSuite, plaintext: Uint8Array): () => void {
  const batch = 64;
  const sealer = new Sealer(suite, secret(suite));
  const outbox = new Outbox();
  for (let i = 0; i < batch; i++) sealer.seal(ContentType.application_data, [plaintext], outbox);
  const slabs = outbox.take();
  let next = 0;
  let opener = new Opener(suite, secret(suite));
  const inbox = new Inbox();
  const deframer = new Deframer();
  return () => {
    if (next === batch) {
      next = 0;
      opener = new Opener(suite, secret(suite));
    }
    inbox.append(slabs[next++] ?? new Uint8Array(0));
    const view = deframer.next(inbox);
    if (view === undefined) throw new Error('not a whole record');
    opener.open(view);
    deframer.consume(inbox);
  };
}
