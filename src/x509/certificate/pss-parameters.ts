import type { HashName } from '../../crypto/provider.ts';
import { DerError, DerReader } from '../asn1/der.ts';
import { Oid, oidText } from '../asn1/oids.ts';

/** RSASSA-PSS-params, RFC 4055 §3.1. */
export interface PssParameters {
  readonly hash: HashName;
  readonly mgfHash: HashName;
  readonly saltLength: number;
  /** The parameters that no provider supports, as text; the hashes are meaningless then. Undefined where all are supported. */
  readonly unsupported?: string | undefined;
}

/**
 * RSASSA-PSS-params with their defaults (SHA-1, MGF1 with SHA-1, 20 bytes).
 * @throws DerError for what is malformed, or a trailer field other than 1
 */
export function readPssParameters(der: Uint8Array): PssParameters {
  const outer = new DerReader(der);
  const params = outer.sequence();
  outer.end();
  const hash = params.enterOptional(0xa0);
  const mgf = params.enterOptional(0xa1);
  const salt = params.enterOptional(0xa2);
  const trailer = params.enterOptional(0xa3);
  params.end();
  if (trailer !== undefined && trailer.smallInteger() !== 1)
    throw new DerError('an RSASSA-PSS trailer field other than 1');
  const hashOid = hash === undefined ? Oid.sha1 : readHash(hash.sequence());
  const mask = mgf === undefined ? Oid.sha1 : readMask(mgf.sequence());
  const saltLength = salt === undefined ? 20 : salt.smallInteger();
  const [known, knownMask] = [hashes.get(hashOid), hashes.get(mask)];
  if (known !== undefined && knownMask !== undefined) return { hash: known, mgfHash: knownMask, saltLength };
  const unsupported = `RSASSA-PSS with ${oidText(hashOid)}${mask === hashOid ? '' : ` and a mask by ${oidText(mask)}`}`;
  return { hash: 'sha1', mgfHash: 'sha1', saltLength, unsupported };
}

/** @returns the hash of MGF1, or another mask generation function itself */
function readMask(algorithm: DerReader): string {
  const oid = algorithm.oid();
  return oid === Oid.mgf1 ? readHash(algorithm.sequence()) : oid;
}

function readHash(algorithm: DerReader): string {
  const oid = algorithm.oid();
  // RFC 4055 §2.1: parameters NULL or absent.
  if (hashes.has(oid) && !algorithm.done) algorithm.null();
  if (hashes.has(oid)) algorithm.end();
  return oid;
}

const hashes: ReadonlyMap<string, HashName> = new Map([
  [Oid.sha1, 'sha1'],
  [Oid.sha256, 'sha256'],
  [Oid.sha384, 'sha384'],
  [Oid.sha512, 'sha512'],
]);
