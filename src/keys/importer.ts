import { wipe } from '../bytes/wipe.ts';
import { Writer } from '../bytes/writer.ts';
import type { Hash } from '../crypto/provider.ts';
import { Secret } from '../crypto/secret.ts';
import { misuse } from '../errors.ts';
import { bytes, having, object, oneOf, wrongKind } from '../options.ts';
import { ProtocolVersion } from '../wire/enums.ts';
import { opaque, struct, u16 } from '../wire/schema.ts';
import { expandLabel, extract } from './hkdf.ts';

/** A key that both sides agreed on outside of TLS (RFC 9846 §4.3.11). */
export interface ExternalPsk {
  readonly identity: Uint8Array;
  /** The key. It stays the caller's: opentls does not wipe it. */
  readonly secret: Secret<'psk'>;
  /** The hash of the suites that the key is for; SHA-256 unless the two sides have agreed on another (RFC 9846 §4.3.11). */
  readonly hash: 'sha256' | 'sha384';
  /** Made by {@link importPsk}. Default false. */
  readonly imported?: boolean;
  /** Server: where a client offers several keys, the highest priority wins; of equals, the client's first. Default 0. */
  readonly priority?: number | undefined;
}

/**
 * struct {
 *     opaque external_identity<1...2^16-1>;
 *     opaque context<0..2^16-1>;
 *     uint16 target_protocol;
 *     uint16 target_kdf;
 * } ImportedIdentity;  RFC 9258 §5.1
 */
interface ImportedIdentity {
  readonly externalIdentity: Uint8Array;
  readonly context: Uint8Array;
  readonly targetProtocol: number;
  readonly targetKdf: number;
}
const ImportedIdentity = struct<ImportedIdentity>('ImportedIdentity', {
  externalIdentity: opaque('u16', 1),
  context: opaque('u16'),
  targetProtocol: u16,
  targetKdf: u16,
});

/** RFC 9258 §10: HKDF_SHA256 and HKDF_SHA384. */
const kdfs = { sha256: 0x0001, sha384: 0x0002 } as const;

/**
 * Makes of one external key a PSK of TLS 1.3 for each hash, RFC 9258 §5. The context binds it to what both sides know of the
 * connection.
 * @param psk `hash` is the hash that the key is for. The key stays the caller's
 * @param hashes those of the provider
 * @throws TlsError ERR_TLS_CONFIG for a wrong argument, and for an identity and context of more than 2^16-1 bytes together
 *
 * @example
 * ```js
 * import { importPsk, Secret } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * const identity = new TextEncoder().encode('meter 7');
 * const secret = new Secret('psk', noble.random(32)); // the same on both sides
 * const externalPsks = importPsk({ identity, secret, hash: 'sha256' }, new Uint8Array(0), noble.hashes);
 * console.log(externalPsks.map(({ hash }) => hash)); // [ 'sha256', 'sha384' ]
 * ```
 */
export function importPsk(
  psk: Pick<ExternalPsk, 'identity' | 'secret' | 'hash'>,
  context: Uint8Array,
  hashes: Readonly<Record<'sha256' | 'sha384', Hash>>,
): ExternalPsk[] {
  checkKey(psk);
  bytes()(context, 'importPsk: context');
  for (const name of ['sha256', 'sha384'] as const) {
    having<Hash>('digest')(object<typeof hashes>(hashes, 'importPsk: hashes')[name], `importPsk: hashes.${name}`);
  }
  const own = hashes[psk.hash];
  const extracted = extract(own, new Uint8Array(own.length), psk.secret.expose());
  const targets = ['sha256', 'sha384'] as const;
  const imported = targets.map((target) => {
    const identity = encodeIdentity({
      externalIdentity: psk.identity,
      context,
      targetProtocol: ProtocolVersion.TLS13,
      targetKdf: kdfs[target],
    });
    const bytes = expandLabel(own, extracted, 'derived psk', own.digest(identity), hashes[target].length);
    return { identity, secret: new Secret('psk', bytes), hash: target, imported: true };
  });
  wipe(extracted);
  return imported;
}

function checkKey(psk: Pick<ExternalPsk, 'identity' | 'secret' | 'hash'>): void {
  const { identity, secret, hash } = object<typeof psk>(psk, 'importPsk: psk');
  bytes(1)(identity, 'importPsk: psk.identity');
  if (!(secret instanceof Secret)) wrongKind('importPsk: psk.secret', "a Secret 'psk'", secret);
  oneOf('sha256', 'sha384')(hash, 'importPsk: psk.hash');
}

function encodeIdentity(identity: ImportedIdentity): Uint8Array {
  const length = identity.externalIdentity.length + identity.context.length;
  // RFC 9258 §5.1: it has to fit into PskIdentity.identity.
  if (length + OVERHEAD > 0xffff)
    misuse(
      'ERR_TLS_CONFIG',
      `importPsk: identity and context take ${length} bytes together, more than fit a PSK identity`,
    );
  const w = new Writer(64);
  ImportedIdentity.write(w, identity);
  return w.finish();
}

/** Bytes of an ImportedIdentity beside its two fields. */
const OVERHEAD = 8;
