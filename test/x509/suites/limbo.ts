import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { decodePem } from '#opentls/x509/asn1/pem';
import { hostName, type PeerName } from '#opentls/x509/certificate/identity';
import { TrustStore } from '#opentls/x509/path/trust';
import type { Purpose } from '#opentls/x509/rules/checks';
import { webpki } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';

/** A test case of C2SP/x509-limbo's schema, as far as it is read here. */
export interface LimboCase {
  readonly id: string;
  readonly features: readonly string[];
  readonly importance: 'undetermined' | 'low' | 'medium' | 'high' | 'critical';
  readonly description: string;
  readonly validation_kind: 'CLIENT' | 'SERVER';
  readonly trusted_certs: readonly string[];
  readonly extended_key_usage: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: LimboName | null;
  readonly expected_peer_names: readonly LimboName[];
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
}

interface LimboName {
  readonly kind: 'RFC822' | 'DNS' | 'IP';
  readonly value: string;
}

/** Test cases that are too many to carry along live beside the repository. */
const folder = new URL('../../../../shared/vectors/x509/', import.meta.url);

/** For `test.skipIf`: the optional data folder is absent. */
export function absent(file: string): boolean {
  return !existsSync(new URL(file, folder));
}

/** The name of a test over such a file; it tells why it is skipped. */
export function title(file: string): string {
  return absent(file) ? `${file} (skipped: the outside test data is not beside the repository)` : file;
}

export function outsideJson<T>(file: string): T {
  return parseGzip(readFileSync(new URL(file, folder)));
}

export function parseGzip<T>(bytes: Uint8Array): T {
  return JSON.parse(gunzipSync(bytes).toString('utf8')) as T;
}

/** One certificate of a PEM text. */
export function toDer(pem: string): Uint8Array {
  const [block] = decodePem(pem);
  if (block === undefined) throw new RangeError('no PEM block');
  return block.der;
}

/** What the library says to a case. Verifiers that answer at once make it answer at once. */
export function judge(given: LimboCase, verifiers: readonly SignatureVerifier[], now = Date.now()): Verdict {
  const names = given.expected_peer_name === null ? [] : [given.expected_peer_name];
  const wanted = [...names, ...given.expected_peer_names].filter(({ kind }) => kind !== 'RFC822').map(peerName);
  const verdict = verifyPeer([given.peer_certificate, ...given.untrusted_intermediates].map(toDer), {
    // Limbo's anchors are trusted as they are, self-signed or not.
    trust: TrustStore.from(given.trusted_certs.map(toDer), { allowPartial: true }),
    verifiers,
    purpose: purposeOf(given),
    time: given.validation_time === null ? now : Date.parse(given.validation_time),
    name: wanted.length === 0 ? 'any' : wanted,
    crls: given.crls.map(toDer),
    maxDepth: given.max_chain_depth ?? undefined,
    profile: { ...webpki, isPublicSuffix: (domain) => publicSuffixes.has(domain) },
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

/** Of the public suffix list, what the cases name of its ICANN section. */
const publicSuffixes: ReadonlySet<string> = new Set(['com', 'co.uk']);

/** extended_key_usage as a purpose; limbo takes none for that of the kind of peer. */
function purposeOf({ validation_kind, extended_key_usage: [usage] }: LimboCase): Purpose {
  if (usage === 'emailProtection') return 'email';
  return validation_kind === 'SERVER' ? 'server' : 'client';
}

function peerName({ kind, value }: LimboName): PeerName {
  if ((kind === 'IP') !== (isIP(value) !== 0)) throw new RangeError(`${value} is not of kind ${kind}`);
  return hostName(value);
}
