// The flags of one connection as a configuration of opentls.

import { equal } from '#opentls/bytes/equal';
import { TlsError } from '#opentls/errors';
import type {
  ChainRequest,
  ChainVerdict,
  ClientConfig,
  ClientHelloView,
  CommonConfig,
  ServerConfig,
} from '#opentls/handshake/terms/config';
import type { CertificateCompression, Credential } from '#opentls/handshake/terms/credential';
import { advertisedSchemes } from '#opentls/handshake/terms/schemes';
import type { ExternalPsk } from '#opentls/keys/importer';
import type { CertificateType } from '#opentls/session/session';
import type { TicketSealer } from '#opentls/session/tickets';
import { ExtensionType } from '#opentls/wire/enums';
import type { Extension } from '#opentls/wire/extensions';
import type { ClientHello } from '#opentls/wire/messages';
import { dangerouslyTrustRawPublicKey } from '#opentls/x509/verify/raw-public-key';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { type ShimCode, ShimError } from '../names.ts';
import type { Memory } from '../shim-process/memory.ts';
import { algorithmsOf, equalClasses, equalGroups, keySharesOf, ownSchemes, prefersChaCha } from './algorithms.ts';
import { toyCompressions } from './compression.ts';
import { loadCredential, loadPsks, provider } from './credentials.ts';
import type { Options } from './flags.ts';

/** What the callbacks of one connection saw, for checks.ts. */
export interface Observed {
  advertisedAlpn: readonly Uint8Array[] | undefined;
  /** Client: the names that the server has asked for a certificate of. */
  authorities: readonly Uint8Array[] | undefined;
  /** 0-RTT data was offered. */
  earlyOffered: boolean;
  /** Those that flags have opened, in order; the default one is last. */
  credentials: readonly Loaded[];
}

export interface Loaded {
  readonly credential: Credential | undefined;
  readonly psks: readonly ExternalPsk[];
}

export function unobserved(): Observed {
  return { advertisedAlpn: undefined, authorities: undefined, earlyOffered: false, credentials: [] };
}

/** Whether a test needs what the provider or this API lacks. */
export function lacks(options: Options): boolean {
  const groups = provider.groups.map(({ id }) => id);
  const { curves, 'key-shares': shares, 'verify-prefs': schemes } = options;
  if ([...curves, ...shares].some((id) => !groups.includes(id))) return true;
  if (schemes.length > 0 && advertisedSchemes(provider, schemes).length === 0) return true;
  const types = [...options['accepted-peer-cert-types'], ...options['available-client-cert-types']];
  if (types.some((id) => !certificateTypes.has(id))) return true;
  // There is one class of groups that are liked equally well.
  return equalClasses(options).length > 1;
}

/** @param retry what holds once 0-RTT data was refused */
export function clientConfig(options: Options, retry: Options, memory: Memory, observed: Observed): ClientConfig {
  const shares = keySharesOf(options);
  const credentials = loadCredentials(options, observed);
  return {
    ...commonConfig(options, memory),
    verifyChain(request) {
      // What is judged after 0-RTT data was offered is judged because that was refused.
      if (!observed.earlyOffered) return judge(request, options, memory);
      return judge({ ...request, resumed: request.resumed && !retry['reverify-on-resume'] }, retry, memory);
    },
    takeSession: () => memory.offer(),
    earlyData: options['enable-early-data'],
    ...(options['host-name'] !== undefined && { serverName: options['host-name'] }),
    ...(shares !== undefined && { keyShares: shares }),
    credentials,
    chooseCredentials({ certificateAuthorities }) {
      observed.authorities = certificateAuthorities;
      if (options['fail-cert-callback']) throw callbackFailure('SHIM_CERTIFICATE_CALLBACK', 'internal_error');
      return undefined;
    },
    externalPsks: observed.credentials.flatMap(({ psks }) => psks),
    requireCredential: true,
    // Without a judge, no certificate is taken where there are PSKs.
    requirePsk: observed.credentials.some(({ psks }) => psks.length > 0) && !options['verify-peer'],
    certificateTypes: typesOf(options['available-client-cert-types']),
    requestOcsp: options['enable-ocsp-stapling'],
    requestTimestamps: options['enable-signed-cert-timestamps'],
    grease: options['enable-grease'],
    shuffleExtensions: options['permute-extensions'],
    alpn: splitNames(options['advertise-alpn'] ?? ''),
    allowUnknownAlpn: options['allow-unknown-alpn-protos'],
    shapeClientHello: (draft) => ({
      ...draft,
      cipherSuites: options['fallback-scsv'] ? [...draft.cipherSuites, FALLBACK_SCSV] : draft.cipherSuites,
      extensions: [...legacyExtensions.filter((own) => !holds(draft, own)), ...draft.extensions],
    }),
  };
}

export function serverConfig(options: Options, memory: Memory, observed: Observed): ServerConfig {
  const credentials = loadCredentials(options, observed);
  // Credentials go by the order in which the flags open them.
  const psks = observed.credentials.flatMap((loaded, i) => loaded.psks.map((psk) => ({ ...psk, priority: -i })));
  return {
    ...commonConfig(options, memory),
    verifyChain: (request) => judge(request, options, memory),
    credentials,
    ...(psks.length > 0 && { findPsk: (identity) => psks.find((psk) => equal(psk.identity, identity)) }),
    ...(!options['no-ticket'] && { tickets: ticketsOf(options, memory) }),
    ...(options['enable-early-data'] && {
      earlyData: { maxSize: MAX_EARLY_DATA, replay: memory.replay, ageTolerance: AGE_TOLERANCE },
    }),
    chooseCredentials() {
      if (options['fail-early-callback']) throw callbackFailure('SHIM_CLIENT_HELLO_CALLBACK', 'handshake_failure');
      if (options['fail-ddos-callback']) throw callbackFailure('SHIM_CLIENT_HELLO_CALLBACK', 'internal_error');
      if (options['fail-ocsp-callback']) throw callbackFailure('SHIM_OCSP_CALLBACK', 'internal_error');
      if (options['fail-cert-callback']) throw callbackFailure('SHIM_CERTIFICATE_CALLBACK', 'internal_error');
      return undefined;
    },
    preferCertificate: options.credentials.slice(1).findIndex(({ kind }) => kind !== 'psk') === 0,
    grease: true,
    prioritizeChaCha: prefersChaCha(options),
    retryForGroup: true,
    ...equalGroups(options),
    resumeAcrossNames: options['resumption-across-names-enabled'],
    acknowledgeServerName: !options['no-server-name-ack'],
    resumeSameSuite: true,
    ignoreLegacyVersion: true,
    alwaysChangeCipherSpec: true,
    ...authorities(options),
    ...alpnChoice(options, observed),
    clientCertificate: options['require-any-client-certificate']
      ? 'required'
      : options['verify-peer']
        ? 'optional'
        : 'none',
  };
}

/** The second ClientHello repeats the first. */
function holds(hello: ClientHello, { type }: Extension): boolean {
  return hello.extensions.some((extension) => extension.type === type);
}

function commonConfig(options: Options, memory: Memory): Omit<CommonConfig, 'verifyChain'> {
  const limit = options['max-cert-list'];
  return {
    provider,
    boringsslChecks: true,
    ...algorithmsOf(options),
    peerCertificateTypes: typesOf(options['accepted-peer-cert-types']),
    certificateCompression: compressionsOf(options),
    now: memory.now,
    keylog: options['export-traffic-secrets'] || options['early-write-after-message'] !== undefined,
    maxFragment: options['max-send-fragment'],
    limits: { chainLength: CHAIN_LENGTH, ...(limit !== undefined && { certificateMessage: limit }) },
  };
}

/** Everybody is believed, or nobody: what the tests are about is what happens then (SHIM-SPEC §7). */
function judge(request: ChainRequest, options: Options, memory: Memory): ChainVerdict {
  // The reference asks again only where it is told to.
  if (request.resumed && !options['reverify-on-resume']) return accept(request);
  memory.verdict = options['verify-fail'] ? 'failed' : 'ok';
  const asked = options['verify-peer'] || options['use-custom-verify-callback'];
  // A raw public key has nothing but this judgement.
  const enforced = options.server || asked || request.certificateType === 'RawPublicKey';
  if (options['verify-fail'] && enforced) {
    if (request.resumed) return { ok: false, code: 'CERT_REJECTED', reason: 'the test says so' };
    const alert = options['use-custom-verify-callback'] ? 'certificate_unknown' : 'handshake_failure';
    throw new TlsError('CERT_REJECTED', 'the test says so', { alert });
  }
  if (request.peer === 'server' && options['fail-ocsp-callback']) {
    throw callbackFailure('SHIM_OCSP_CALLBACK', 'bad_certificate_status_response');
  }
  return accept(request);
}

function accept({ certificateType, chain }: ChainRequest): ChainVerdict {
  const [leaf = new Uint8Array(0)] = chain;
  const peer = certificateType === 'X509' ? dangerouslyTrust(chain) : dangerouslyTrustRawPublicKey(leaf);
  return { ok: true, peer };
}

function loadCredentials(options: Options, observed: Observed): readonly Credential[] {
  const [fallback, ...opened] = options.credentials;
  observed.credentials = [...opened, fallback].map((flags) => {
    const credential = loadCredential(flags, ownSchemes(options));
    const declines = credential !== undefined && options['decline-ocsp-callback'];
    return { credential: declines ? { ...credential, ocspResponse: undefined } : credential, psks: loadPsks(flags) };
  });
  return observed.credentials.flatMap(({ credential }) => credential ?? []);
}

function ticketsOf(options: Options, { tickets }: Memory): TicketSealer {
  return options['skip-ticket'] ? { seal: () => undefined, open: (ticket) => tickets.open(ticket) } : tickets;
}

/** Of the registry, TLS Certificate Types; the ones that a library of TLS 1.3 has. */
const certificateTypes: ReadonlyMap<number, CertificateType> = new Map([
  [0, 'X509'],
  [2, 'RawPublicKey'],
]);

function typesOf(ids: readonly number[]): readonly CertificateType[] | undefined {
  return ids.length > 0 ? ids.flatMap((id) => certificateTypes.get(id) ?? []) : undefined;
}

function compressionsOf(options: Options): readonly CertificateCompression[] {
  const ids = options['install-one-cert-compression-alg'];
  return toyCompressions.filter(({ id }) => options['install-cert-compression-algs'] || ids.includes(id));
}

/** Names as hex, with commas between. */
function authorities(options: Options): Pick<ServerConfig, 'certificateAuthorities'> {
  const list = options['use-client-ca-list'];
  if (list === undefined || list === '<NULL>' || list === '<EMPTY>') return {};
  return { certificateAuthorities: list.split(',').map((name) => new Uint8Array(Buffer.from(name, 'hex'))) };
}

function alpnChoice(options: Options, observed: Observed): Pick<ServerConfig, 'chooseProtocol'> {
  const selected = options['select-empty-alpn'] ? '' : options['select-alpn'];
  const heeded = selected !== undefined || options['reject-alpn'];
  if (!heeded) return {};
  return {
    chooseProtocol({ alpn }: ClientHelloView) {
      observed.advertisedAlpn = alpn;
      return selected === undefined || options['reject-alpn'] ? undefined : latin1(selected);
    },
  };
}

/** The list of ALPN as it is on the wire, each name after its length. */
function splitNames(list: string): Uint8Array[] {
  const bytes = latin1(list);
  const names: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += 1 + (bytes[i] ?? 0))
    names.push(bytes.subarray(i + 1, i + 1 + (bytes[i] ?? 0)));
  return names;
}

function latin1(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'latin1'));
}

function callbackFailure(
  code: ShimCode,
  alert: 'handshake_failure' | 'internal_error' | 'bad_certificate_status_response',
): TlsError {
  return new TlsError('ERR_TLS_CONFIG', 'the test says so', { alert, blame: 'config', cause: new ShimError(code) });
}

/** Certificates: the reference counts bytes alone. */
const CHAIN_LENGTH = 100;

/** What the reference lets a client send, bytes, and by how much a client's clock may go wrong, milliseconds. */
const MAX_EARLY_DATA = 14_336;
export const AGE_TOLERANCE = 60_500;

/** Of TLS 1.2, which the reference offers too: extended_master_secret, renegotiation_info. No server may answer them. */
const legacyExtensions: readonly Extension[] = [
  { type: ExtensionType.extended_main_secret, data: new Uint8Array(0) },
  { type: 0xff01, data: new Uint8Array(1) },
];

/** TLS_FALLBACK_SCSV, RFC 7507. */
const FALLBACK_SCSV = 0x5600;
