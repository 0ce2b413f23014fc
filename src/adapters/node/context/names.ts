/** Names of suites, groups and signature schemes in the options of `node:tls`, and the code points that they stand for. */
import type { CryptoProvider } from '../../../crypto/provider.ts';
import { CipherSuiteId, NamedGroup, SignatureScheme } from '../../../wire/enums.ts';
import { codedError, invalidArgValue } from '../support/errors.ts';
import { warnOnce } from '../support/warnings.ts';
import { namesOlderSuites } from './cipher-list.ts';

/**
 * The TLS 1.3 suites of an OpenSSL cipher list, in its order. Names of suites of older versions are ignored.
 * @returns undefined where the list names no TLS 1.3 suite: all of the provider's
 * @throws ERR_INVALID_ARG_VALUE for an empty list; ERR_SSL_NO_CIPHER_MATCH where a name is unknown, or the provider has
 * none of the suites
 */
export function suitesOf(ciphers: string, provider: CryptoProvider, name: string): readonly number[] | undefined {
  const entries = ciphers.split(':').filter((entry) => entry !== '');
  if (entries.length === 0) throw invalidArgValue(name, ciphers);
  const modern = entries.filter((entry) => /^!?TLS_/.test(entry) && !olderSuite.test(entry));
  const older = entries.filter((entry) => !/^!?TLS_/.test(entry));
  if (older.length > 0 && !namesOlderSuites(older.join(':'))) throw noCipherMatch(name, older[0], provider);
  if (modern.length === 0) return undefined;
  const known = modern.map((entry) => (Object.hasOwn(suiteIds, entry) ? suiteIds[entry] : undefined));
  if (known.includes(undefined)) throw noCipherMatch(name, modern[known.indexOf(undefined)], provider);
  const suites = known.filter((id) => id !== undefined && provider.suites.some((suite) => suite.id === id));
  if (suites.length === 0) throw noCipherMatch(name, modern[0], provider);
  return suites as readonly number[];
}

/**
 * The groups of an OpenSSL curve list, in its order. A process warning names those that the provider does not have.
 * @returns undefined for `auto`: all of the provider's
 * @throws ERR_CRYPTO_OPERATION_FAILED where a name is unknown, or the provider has none of the groups
 */
export function groupsOf(curves: string, provider: CryptoProvider): readonly number[] | undefined {
  if (curves === 'auto') return undefined;
  const names = curves.split(':');
  const named = names.map((curve) => groupIds.get(curve.toLowerCase()));
  const has = (id: number | undefined): boolean => provider.groups.some((group) => group.id === id);
  const groups = named.filter((id) => has(id));
  if (named.includes(undefined) || groups.length === 0) {
    const wrong = named.includes(undefined) ? names[named.indexOf(undefined)] : names[0];
    const known = provider.groups.map(({ name }) => name).join(', ');
    const problem = `options.ecdhCurve names ${quoted(wrong)}, and the provider has ${known}`;
    throw codedError('ERR_CRYPTO_OPERATION_FAILED', `Failed to set ECDH curve: ${problem}`);
  }
  const missing = names.filter((_, i) => !has(named[i])).map(quoted);
  if (missing.length > 0) {
    warnOnce(`options.ecdhCurve: the provider does not have ${missing.join(', ')}, which is left out`);
  }
  return groups as readonly number[];
}

/**
 * The schemes of an OpenSSL signature algorithm list: names of RFC 9846 §4.3.3, or pairs like 'RSA-PSS+SHA256'.
 * @throws ERR_INVALID_ARG_VALUE for an unknown name
 */
export function schemesOf(sigalgs: string, name: string): readonly number[] {
  return sigalgs.split(':').flatMap((entry) => {
    const scheme = schemeIds.get(entry.toLowerCase());
    if (scheme === undefined) {
      const wanted = 'must be names as ecdsa_secp256r1_sha256 or RSA-PSS+SHA256, with colons between them';
      throw invalidArgValue(name, sigalgs, wanted);
    }
    return scheme === UNUSED ? [] : [scheme];
  });
}

/** The names of the provider's suites, as `getCiphers()` lists them. */
export function cipherNames(provider: CryptoProvider): string[] {
  return provider.suites.map((suite) => suite.name.toLowerCase());
}

/** The name of a scheme, as `getSharedSigalgs()` spells it. */
export function sigalgName(scheme: number): string {
  return sigalgNames[scheme] ?? 'UNDEF+UNDEF';
}

/** The description of a group, as `getEphemeralKeyInfo()` returns it. */
export function ephemeralKeyInfo(group: { readonly id: number; readonly name: string }): object {
  return curveInfo[group.id] ?? { type: 'TLSGroup', name: group.name };
}

function noCipherMatch(option: string, entry: string | undefined, { suites }: CryptoProvider): Error {
  const known = suites.map(({ name }) => name).join(', ');
  const problem = `${option} names ${quoted(entry)}, and the provider has ${known}`;
  return codedError('ERR_SSL_NO_CIPHER_MATCH', `error:SSL routines::no cipher match: ${problem}`, {
    library: 'SSL routines',
    reason: 'no cipher match',
  });
}

/** Quotes a name for an error, cut after 40 characters. */
function quoted(name: string | undefined = ''): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}

/** Stands for what OpenSSL has and opentls does not: the name is accepted, and left out. */
const UNUSED = -1;

const suiteIds: Readonly<Record<string, number>> = {
  ...CipherSuiteId,
  TLS_AES_128_CCM_SHA256: 0x1304,
  TLS_AES_128_CCM_8_SHA256: 0x1305,
};

/** The name of a suite before TLS 1.3, in the registry of IANA. */
const olderSuite = /^!?TLS_\w+_WITH_\w+$/;

const groupIds: ReadonlyMap<string, number> = new Map([
  ['x25519', NamedGroup.x25519],
  ['p-256', NamedGroup.secp256r1],
  ['prime256v1', NamedGroup.secp256r1],
  ['secp256r1', NamedGroup.secp256r1],
  ['p-384', NamedGroup.secp384r1],
  ['secp384r1', NamedGroup.secp384r1],
  ['p-521', NamedGroup.secp521r1],
  ['secp521r1', NamedGroup.secp521r1],
  ['x25519mlkem768', NamedGroup.X25519MLKEM768],
  ['x448', NamedGroup.x448],
  ['secp256r1mlkem768', NamedGroup.SecP256r1MLKEM768],
  ['secp384r1mlkem1024', NamedGroup.SecP384r1MLKEM1024],
  ...['ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192'].map((name) => [name, UNUSED] as const),
  ...['mlkem512', 'mlkem768', 'mlkem1024'].map((name) => [name, UNUSED] as const),
]);

const schemeIds: ReadonlyMap<string, number> = new Map<string, number>([
  ...Object.entries(SignatureScheme).map(([name, id]) => [name.toLowerCase(), id] as const),
  ['rsa+sha1', SignatureScheme.rsa_pkcs1_sha1],
  ['rsa+sha256', SignatureScheme.rsa_pkcs1_sha256],
  ['rsa+sha384', SignatureScheme.rsa_pkcs1_sha384],
  ['rsa+sha512', SignatureScheme.rsa_pkcs1_sha512],
  ...['rsa-pss', 'pss'].flatMap((family) => [
    [`${family}+sha256`, SignatureScheme.rsa_pss_rsae_sha256] as const,
    [`${family}+sha384`, SignatureScheme.rsa_pss_rsae_sha384] as const,
    [`${family}+sha512`, SignatureScheme.rsa_pss_rsae_sha512] as const,
  ]),
  ['ecdsa+sha1', SignatureScheme.ecdsa_sha1],
  ['ecdsa+sha256', SignatureScheme.ecdsa_secp256r1_sha256],
  ['ecdsa+sha384', SignatureScheme.ecdsa_secp384r1_sha384],
  ['ecdsa+sha512', SignatureScheme.ecdsa_secp521r1_sha512],
  ...['rsa+sha224', 'ecdsa+sha224', 'dsa+sha1', 'dsa+sha224', 'dsa+sha256', 'dsa+sha384', 'dsa+sha512'].map(
    (name) => [name, UNUSED] as const,
  ),
]);

const sigalgNames: Readonly<Record<number, string>> = {
  [SignatureScheme.rsa_pkcs1_sha1]: 'RSA+SHA1',
  [SignatureScheme.rsa_pkcs1_sha256]: 'RSA+SHA256',
  [SignatureScheme.rsa_pkcs1_sha384]: 'RSA+SHA384',
  [SignatureScheme.rsa_pkcs1_sha512]: 'RSA+SHA512',
  [SignatureScheme.ecdsa_sha1]: 'ECDSA+SHA1',
  [SignatureScheme.ecdsa_secp256r1_sha256]: 'ECDSA+SHA256',
  [SignatureScheme.ecdsa_secp384r1_sha384]: 'ECDSA+SHA384',
  [SignatureScheme.ecdsa_secp521r1_sha512]: 'ECDSA+SHA512',
  [SignatureScheme.rsa_pss_rsae_sha256]: 'RSA-PSS+SHA256',
  [SignatureScheme.rsa_pss_rsae_sha384]: 'RSA-PSS+SHA384',
  [SignatureScheme.rsa_pss_rsae_sha512]: 'RSA-PSS+SHA512',
  [SignatureScheme.rsa_pss_pss_sha256]: 'RSA-PSS+SHA256',
  [SignatureScheme.rsa_pss_pss_sha384]: 'RSA-PSS+SHA384',
  [SignatureScheme.rsa_pss_pss_sha512]: 'RSA-PSS+SHA512',
  [SignatureScheme.ed25519]: 'Ed25519+UNDEF',
  [SignatureScheme.ed448]: 'Ed448+UNDEF',
};

/** The answers of Node 20. Newer Nodes call the other groups `TLSGroup`. */
const curveInfo: Readonly<Record<number, object>> = {
  [NamedGroup.x25519]: { type: 'ECDH', name: 'X25519', size: 253 },
  [NamedGroup.x448]: { type: 'ECDH', name: 'X448', size: 448 },
  [NamedGroup.secp256r1]: { type: 'ECDH', name: 'prime256v1', size: 256 },
  [NamedGroup.secp384r1]: { type: 'ECDH', name: 'secp384r1', size: 384 },
  [NamedGroup.secp521r1]: { type: 'ECDH', name: 'secp521r1', size: 521 },
};
