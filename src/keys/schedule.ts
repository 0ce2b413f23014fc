import { equalConstantTime } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import type { CipherSuite, Hash, RecordAead } from '../crypto/provider.ts';
import { Secret, type SecretLabel, type TrafficLabel } from '../crypto/secret.ts';
import { having } from '../options.ts';
import { deriveSecret, expandLabel, extract } from './hkdf.ts';
import type { TranscriptHash } from './transcript.ts';

/** The origin of a PSK: a ticket, an external key, or an external key that was imported (RFC 9258). */
export type PskKind = 'resumption' | 'external' | 'imported';

/** RFC 9846 §7.1; RFC 9258 §4.2 for imported keys. */
const binderLabels: Readonly<Record<PskKind, string>> = {
  resumption: 'res binder',
  external: 'ext binder',
  imported: 'imp binder',
};

/**
 * The key schedule of RFC 9846 §7.1 as three stages. Each `into…` consumes its stage: the secret is wiped, and a
 * second use throws ERR_TLS_SECRET_WIPED.
 */
export class EarlySecret {
  readonly #hash: Hash;
  readonly #secret: Secret<'early'>;

  static from(hash: Hash, psk?: Secret<'psk'>): EarlySecret {
    const zero = new Uint8Array(hash.length);
    return new EarlySecret(hash, new Secret('early', extract(hash, zero, psk?.expose() ?? zero)));
  }

  private constructor(hash: Hash, secret: Secret<'early'>) {
    this.#hash = hash;
    this.#secret = secret;
  }

  /** The key of a PSK binder: give it to {@link verifyData} (RFC 9846 §4.3.11.2). */
  binderKey(kind: PskKind): Secret<'binder'> {
    const empty = this.#hash.digest(new Uint8Array(0));
    return new Secret('binder', deriveSecret(this.#hash, this.#secret.expose(), binderLabels[kind], empty));
  }

  /** client_early_traffic_secret */
  clientEarlyTraffic(upToClientHello: TranscriptHash): Secret<'c e traffic'> {
    return derive(this.#hash, this.#secret, 'c e traffic', upToClientHello);
  }

  /** early_exporter_secret: for 0-RTT data alone (RFC 9846 §7.5). */
  earlyExporter(upToClientHello: TranscriptHash): Exporter<'e exp master'> {
    return new Exporter(this.#hash, derive(this.#hash, this.#secret, 'e exp master', upToClientHello));
  }

  /** Without a shared secret in psk_ke mode (RFC 9846 §4.3.9). Consumes `shared` too. */
  intoHandshake(shared: Secret<'shared'> | undefined): HandshakeSecret {
    const input = shared?.expose() ?? new Uint8Array(this.#hash.length);
    const secret = new Secret('handshake', advance(this.#hash, this.#secret, input));
    this.#secret.wipe();
    shared?.wipe();
    return new HandshakeSecret(this.#hash, secret);
  }

  wipe(): void {
    this.#secret.wipe();
  }
}

type HandshakeTraffic = { readonly client: 'c hs traffic'; readonly server: 's hs traffic' };
type ApplicationTraffic = { readonly client: 'c ap traffic'; readonly server: 's ap traffic' };

export class HandshakeSecret {
  readonly #hash: Hash;
  readonly #secret: Secret<'handshake'>;

  constructor(hash: Hash, secret: Secret<'handshake'>) {
    this.#hash = hash;
    this.#secret = secret;
  }

  /** [sender]_handshake_traffic_secret */
  traffic<R extends keyof HandshakeTraffic>(role: R, upToServerHello: TranscriptHash): Secret<HandshakeTraffic[R]> {
    const labels: HandshakeTraffic = { client: 'c hs traffic', server: 's hs traffic' };
    return derive(this.#hash, this.#secret, labels[role], upToServerHello);
  }

  intoMain(): MainSecret {
    const secret = new Secret('main', advance(this.#hash, this.#secret, new Uint8Array(this.#hash.length)));
    this.#secret.wipe();
    return new MainSecret(this.#hash, secret);
  }

  wipe(): void {
    this.#secret.wipe();
  }
}

export class MainSecret {
  readonly #hash: Hash;
  readonly #secret: Secret<'main'>;

  constructor(hash: Hash, secret: Secret<'main'>) {
    this.#hash = hash;
    this.#secret = secret;
  }

  /** [sender]_application_traffic_secret_0 */
  traffic<R extends keyof ApplicationTraffic>(
    role: R,
    upToServerFinished: TranscriptHash,
  ): Secret<ApplicationTraffic[R]> {
    const labels: ApplicationTraffic = { client: 'c ap traffic', server: 's ap traffic' };
    return derive(this.#hash, this.#secret, labels[role], upToServerFinished);
  }

  exporter(upToServerFinished: TranscriptHash): Exporter {
    return new Exporter(this.#hash, derive(this.#hash, this.#secret, 'exp master', upToServerFinished));
  }

  /** Consumes the stage: the resumption secret is the last thing it gives. */
  intoResumption(upToClientFinished: TranscriptHash): Resumption {
    const secret = derive(this.#hash, this.#secret, 'res master', upToClientFinished);
    this.wipe();
    return new Resumption(this.#hash, secret);
  }

  wipe(): void {
    this.#secret.wipe();
  }
}

/** RFC 9846 §7.5. The type of the early exporter differs, so that nobody takes one for the other. */
export class Exporter<L extends 'exp master' | 'e exp master' = 'exp master'> {
  readonly #hash: Hash;
  readonly secret: Secret<L>;

  constructor(hash: Hash, secret: Secret<L>) {
    this.#hash = hash;
    this.secret = secret;
  }

  /** @throws RangeError where {@link expandLabel} does */
  export(label: string, context: Uint8Array, length: number): Uint8Array {
    const hash = this.#hash;
    const derived = deriveSecret(hash, this.secret.expose(), label, hash.digest(new Uint8Array(0)));
    const material = expandLabel(hash, derived, 'exporter', hash.digest(context), length);
    wipe(derived);
    return material;
  }

  wipe(): void {
    this.secret.wipe();
  }
}

/**
 * The channel binding `tls-exporter` (RFC 9266 §2): 32 bytes that only the two ends of this connection know, for
 * authentication over it (SCRAM-…-PLUS).
 * @param connection an open `Connection`
 * @throws TlsError ERR_TLS_INVALID_STATE before the handshake is complete
 */
export function tlsExporterBinding(connection: {
  exportKey(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
}): Uint8Array {
  having<typeof connection>('exportKey')(connection, 'tlsExporterBinding: connection');
  return connection.exportKey('EXPORTER-Channel-Binding', new Uint8Array(0), 32);
}

/** The secret that session tickets are derived from, RFC 9846 §4.7.1. */
export class Resumption {
  readonly #hash: Hash;
  readonly #secret: Secret<'res master'>;

  constructor(hash: Hash, secret: Secret<'res master'>) {
    this.#hash = hash;
    this.#secret = secret;
  }

  psk(ticketNonce: Uint8Array): Secret<'psk'> {
    const hash = this.#hash;
    return new Secret('psk', expandLabel(hash, this.#secret.expose(), 'resumption', ticketNonce, hash.length));
  }

  wipe(): void {
    this.#secret.wipe();
  }
}

/** Finished.verify_data, RFC 9846 §4.5.3; under a binder key, a PskBinderEntry (§4.3.11.2). */
export function verifyData(hash: Hash, baseKey: Secret<FinishedBase>, transcriptHash: TranscriptHash): Uint8Array {
  const finishedKey = expandLabel(hash, baseKey.expose(), 'finished', new Uint8Array(0), hash.length);
  const data = hash.hmac(finishedKey, transcriptHash);
  wipe(finishedKey);
  return data;
}

/** Compares in constant time. */
export function checkVerifyData(
  hash: Hash,
  baseKey: Secret<FinishedBase>,
  transcriptHash: TranscriptHash,
  received: Uint8Array,
): boolean {
  return equalConstantTime(verifyData(hash, baseKey, transcriptHash), received);
}

/** BaseKey of RFC 9846 §4.5.3: the secrets that authenticate a transcript. */
type FinishedBase = TrafficLabel | 'binder';

/** application_traffic_secret_N+1, RFC 9846 §7.2; wipes N. */
export function nextTraffic<L extends TrafficLabel>(hash: Hash, secret: Secret<L>): Secret<L> {
  const next = expandLabel(hash, secret.expose(), 'traffic upd', new Uint8Array(0), hash.length);
  secret.wipe();
  return new Secret(secret.label, next);
}

export interface TrafficKeys {
  readonly aead: RecordAead;
  readonly iv: Uint8Array;
}

/** [sender]_write_key and [sender]_write_iv, RFC 9846 §7.3. */
export function trafficKeys(suite: CipherSuite, secret: Secret<TrafficLabel>): TrafficKeys {
  const { hash, aead } = suite;
  const empty = new Uint8Array(0);
  const key = expandLabel(hash, secret.expose(), 'key', empty, aead.keyLength);
  const iv = expandLabel(hash, secret.expose(), 'iv', empty, aead.ivLength);
  const keys = { aead: aead.create(key), iv };
  wipe(key);
  return keys;
}

/** A copy of a resumption secret, for a ticket or a store. */
export function revealForStorage(psk: Secret<'psk'>): Uint8Array {
  return psk.expose().slice();
}

/** A copy for SSLKEYLOGFILE: called only where the application asked for key logging. */
export function revealForKeylog(secret: Secret<SecretLabel>): Uint8Array {
  return secret.expose().slice();
}

/** The step from one stage to the next: extract over "derived" of the one before. */
function advance(hash: Hash, secret: Secret<'early' | 'handshake'>, input: Uint8Array): Uint8Array {
  const salt = deriveSecret(hash, secret.expose(), 'derived', hash.digest(new Uint8Array(0)));
  const next = extract(hash, salt, input);
  wipe(salt);
  return next;
}

function derive<L extends SecretLabel>(
  hash: Hash,
  secret: Secret<'early' | 'handshake' | 'main'>,
  label: L,
  transcriptHash: TranscriptHash,
): Secret<L> {
  return new Secret(label, deriveSecret(hash, secret.expose(), label, transcriptHash));
}
