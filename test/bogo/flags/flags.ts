// The flags of the runner that this shim knows. Any other one is answered with "unimplemented".
import { ProtocolVersion } from '#opentls/wire/enums';
import {
  base64,
  ignored,
  ignoredWithArgument,
  initialValues,
  int,
  ints,
  type Kind,
  text,
  type Values,
  yes,
} from './kinds.ts';

/** A new flag is a line here, and whatever reads it: configs.ts, exchange.ts or checks.ts. */
const table = {
  port: int,
  'shim-id': text,
  ipv6: yes,
  server: yes,
  async: yes,
  // Here a handshake is driven by whatever comes first anyway.
  'implicit-handshake': ignored,
  'no-op-extra-handshake': ignored,
  'handshake-twice': ignored,
  'peek-then-read': ignored,
  'min-version': int,
  'max-version': int,
  'no-tls1': ignored,
  'no-tls11': ignored,
  'no-tls12': ignored,
  'no-tls13': yes,
  'is-handshaker-supported': yes,

  // How the peer is judged. Nothing is built up to a root (SHIM-SPEC §7).
  'trust-cert': ignoredWithArgument,
  'verify-peer': yes,
  'verify-fail': yes,
  'use-custom-verify-callback': yes,
  'require-any-client-certificate': yes,

  'accepted-peer-cert-types': ints,
  'available-client-cert-types': ints,
  'use-client-ca-list': text,
  'expect-client-ca-list': text,

  // What comes with a certificate
  'enable-ocsp-stapling': yes,
  // The response is part of the credential here; the flag says when the reference learns of it.
  'use-ocsp-callback': ignored,
  'set-ocsp-in-callback': ignored,
  'decline-ocsp-callback': yes,
  'fail-ocsp-callback': yes,
  'enable-signed-cert-timestamps': yes,
  'install-cert-compression-algs': yes,
  'install-one-cert-compression-alg': ints,

  // Algorithms
  curves: ints,
  'curves-flags': ints,
  'key-shares': ints,
  'no-key-shares': yes,
  'server-supported-groups-hint': ints,
  'verify-prefs': ints,
  // A string of OpenSSL's that does not speak of TLS 1.3.
  cipher: ignoredWithArgument,
  'server-preference': yes,
  // Policies, each of them a choice of algorithms.
  'fips-202205': yes,
  'wpa-202304': yes,
  'cnsa-202407': yes,
  'cnsa1-202603': yes,
  'cnsa2-202603': yes,
  'fallback-scsv': yes,
  'enable-grease': yes,
  'permute-extensions': yes,

  // Names and protocols
  'host-name': text,
  'no-server-name-ack': yes,
  'advertise-alpn': text,
  'allow-unknown-alpn-protos': yes,
  'select-alpn': text,
  'decline-alpn': yes,
  'reject-alpn': yes,
  'select-empty-alpn': yes,

  // Callbacks, all of which this API has in one form only
  'use-early-callback': ignored,
  'use-old-client-cert-callback': ignored,
  'fail-early-callback': yes,
  'install-ddos-callback': ignored,
  'fail-ddos-callback': yes,
  'fail-cert-callback': yes,

  // Sessions and 0-RTT data
  'no-ticket': yes,
  'skip-ticket': yes,
  // Here whoever makes the tickets is always a callback.
  'use-ticket-callback': ignored,
  'use-ticket-aead-callback': ignored,
  'renew-ticket': ignored,
  'resumption-delay': int,
  'resumption-across-names-enabled': yes,
  'expect-resumable-across-names': yes,
  'expect-not-resumable-across-names': yes,
  'reverify-on-resume': yes,
  'enable-early-data': yes,
  'early-write-after-message': int,
  'expect-ticket-age-skew': int,
  'expect-session-miss': yes,
  'expect-no-session': yes,
  'expect-ticket-supports-early-data': yes,
  'expect-accept-early-data': yes,
  'expect-reject-early-data': yes,
  'expect-no-offer-early-data': yes,
  'expect-early-data-reason': text,

  // What is said after the handshake
  'shim-writes-first': yes,
  'shim-initial-write': text,
  'repeat-shim-initial-write': int,
  'shim-shuts-down': yes,
  'send-alert': yes,
  'check-close-notify': yes,
  'read-size': int,
  'read-with-unfinished-write': yes,
  'key-update': yes,
  'max-send-fragment': int,
  'max-cert-list': int,
  'export-keying-material': int,
  'export-label': text,
  'export-context': text,
  // In TLS 1.3 an absent context is an empty one.
  'use-export-context': ignored,
  'export-traffic-secrets': yes,

  // What is expected of the handshake
  'expect-version': int,
  'expect-curve-id': int,
  'expect-cipher': int,
  'expect-cipher-aes': int,
  'expect-cipher-no-aes': int,
  'expect-hrr': yes,
  'expect-no-hrr': yes,
  'expect-server-name': text,
  'expect-no-server-name': yes,
  'expect-alpn': text,
  'expect-advertised-alpn': text,
  'expect-peer-signature-algorithm': int,
  'expect-peer-verify-pref': ints,
  'expect-no-peer-cert': yes,
  'expect-peer-cert-file': text,
  'expect-verify-result': yes,
  'expect-selected-credential': int,
  'expect-peer-certificate-type': int,
  'expect-peer-rpk-sha256': base64,
  'expect-ocsp-response': base64,
  'expect-signed-cert-timestamps': base64,
  // TLS 1.3 has both built in.
  'expect-extended-master-secret': ignored,
  'expect-secure-renegotiation': ignored,
  // Without a meaning in TLS 1.3.
  'no-legacy-server-connect': ignored,
  'renegotiate-freely': ignored,
  // Of the session cache of TLS 1.2.
  'expect-session-id': ignored,
  'expect-no-session-id': ignored,
  // The reference prints what passes by; nothing here does.
  'expect-msg-callback': ignoredWithArgument,
} as const satisfies Readonly<Record<string, Kind<unknown>>>;

/** Flags that speak of the credential opened last. */
const credentialTable = {
  'cert-file': text,
  'key-file': text,
  'signing-prefs': ints,
  'ocsp-response': base64,
  'signed-cert-timestamps': base64,
  'must-match-issuer': yes,
  'delegated-credential': base64,
  'psk-importer-key': base64,
  'psk-importer-identity': base64,
  'psk-importer-context': base64,
  'psk-importer-sha256': yes,
  'psk-importer-sha384': yes,
} as const satisfies Readonly<Record<string, Kind<unknown>>>;

export interface CredentialOptions extends Values<typeof credentialTable> {
  readonly kind: 'x509' | 'raw public key' | 'psk' | 'delegated';
}

export interface Options extends Values<typeof table> {
  /** The default one, then each that a flag has opened. */
  readonly credentials: readonly [CredentialOptions, ...CredentialOptions[]];
}

/** One test. */
export interface Invocation {
  /** Connections after the first. */
  readonly resumeCount: number;
  /** Of the first connection. */
  readonly initial: Options;
  /** Of those after it. */
  readonly resume: Options;
  /** Of what follows refused 0-RTT data. */
  readonly retry: Options;
}

type Set = 'initial' | 'resume' | 'retry';

/** @returns undefined for anything that this shim, or a TLS 1.3 library, does not do */
export function parseFlags(args: readonly string[]): Invocation | undefined {
  const sets: Record<Set, Options> = { initial: none, resume: none, retry: none };
  let resumeCount = 0;
  for (let i = 0; i < args.length; i++) {
    const { name, applies, ignore } = readName(args[i] ?? '');
    const kind = name === 'resume-count' ? int : kindOf(name);
    if (kind === undefined) return undefined;
    const argument = kind.takesArgument ? args[++i] : '';
    if (argument === undefined) throw new RangeError(`-${name} without its argument`);
    if (ignore) continue;
    if (name === 'resume-count') resumeCount = int.read(argument, undefined) ?? 0;
    else for (const set of applies) sets[set] = apply(sets[set], name, argument);
  }
  if (Object.values(sets).some(isOlderThanTls13)) return undefined;
  return { resumeCount, ...sets };
}

/** Flags that open a credential, for those of {@link credentialTable} to fill. */
const openers = {
  'new-x509-credential': 'x509',
  'new-rpk-credential': 'raw public key',
  'new-psk-credential': 'psk',
  'new-delegated-credential': 'delegated',
} as const;

const emptyCredential = (kind: CredentialOptions['kind']): CredentialOptions => ({
  ...initialValues(credentialTable),
  kind,
});

const none: Options = { ...initialValues(table), credentials: [emptyCredential('x509')] };

/** `-on-shim-on-resume-X`: for the shim, when it resumes. */
function readName(flag: string): { readonly name: string; readonly applies: readonly Set[]; readonly ignore: boolean } {
  const [, process, set, name = ''] =
    /^-(?:on-(shim|handshaker)-)?(?:on-(initial|resume|retry)-)?(.*)$/.exec(flag) ?? [];
  const applies = set === undefined ? (['initial', 'resume', 'retry'] as const) : [set as Set];
  return { name, applies, ignore: process === 'handshaker' };
}

function kindOf(name: string): Kind<unknown> | undefined {
  if (isIn(openers, name)) return ignored;
  if (isIn(credentialTable, name)) return credentialTable[name];
  return isIn(table, name) ? table[name] : undefined;
}

function apply(options: Options, name: string, argument: string): Options {
  const { credentials } = options;
  if (isIn(openers, name)) {
    return { ...options, credentials: [...credentials, emptyCredential(openers[name])] };
  }
  if (isIn(credentialTable, name)) {
    const last = credentials.at(-1) ?? credentials[0];
    const changed = { ...last, [name]: read(credentialTable[name], argument, last[name]) };
    const others = credentials.slice(0, -1);
    return { ...options, credentials: [...others, changed] as unknown as Options['credentials'] };
  }
  if (!isIn(table, name)) return options;
  return { ...options, [name]: read(table[name], argument, options[name]) };
}

function read(kind: Kind<unknown>, argument: string, before: unknown): unknown {
  return kind.read(argument, before);
}

function isIn<Table extends object>(candidate: Table, name: string): name is Extract<keyof Table, string> {
  return Object.hasOwn(candidate, name);
}

function isOlderThanTls13(options: Options): boolean {
  return options['no-tls13'] || (options['max-version'] ?? TLS13) < TLS13;
}

const TLS13 = ProtocolVersion.TLS13;
