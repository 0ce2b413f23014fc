import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { defaultLimits, type Limits, MAX_PLAINTEXT } from '../../limits.ts';
import { type Given, settle } from '../../options.ts';
import type { ClientConfig, CommonConfig, EarlyDataPolicy, ServerConfig } from './config.ts';
import { clientRules, serverRules } from './config-rules.ts';
import { type CertificateCompression, type Compressor, certificateTypeOf, type Decompressor } from './credential.ts';
import { enabledGroups, enabledSuites, shareGroups } from './enabled.ts';
import { advertisedSchemes } from './schemes.ts';

/** Options with a value each; those of `Absent` may be undefined, and mean something by it. */
type Settled<T, Absent extends keyof T> = {
  readonly [K in keyof T]-?: K extends Absent ? T[K] | undefined : Exclude<T[K], undefined>;
};

/** Options that are settled into values of other types. */
type Reshaped = 'suites' | 'groups' | 'certificateCompression' | 'limits';

type SettledCommon = Settled<
  Omit<CommonConfig, Reshaped>,
  // The record layer decides by itself where these are absent (record/sealer.ts).
  'maxFragment' | 'padding' | 'certificateSchemes'
>;

/**
 * A configuration once it is settled, when the connection is made: every option was checked, every default is in
 * place, and scripts decide neither again.
 */
export interface Settings extends SettledCommon {
  /** That may be used, best first. */
  readonly suites: readonly CipherSuite[];
  /** That may be used, best first. */
  readonly groups: readonly Group[];
  /** Algorithms that our Certificate may be compressed with, best first. */
  readonly compressors: readonly Compressor[];
  /** Algorithms that the peer's Certificate may be compressed with, best first. */
  readonly decompressors: readonly Decompressor[];
  readonly limits: Limits;
}

type SettledClient = Settled<
  Omit<ClientConfig, keyof CommonConfig | 'keyShares'>,
  'serverName' | 'chooseCredentials' | 'takeSession' | 'maxFragmentLength' | 'shapeClientHello'
>;

/** A {@link ClientConfig} once it is settled. */
export interface ClientSettings extends Settings, SettledClient {
  /** The groups of the first ClientHello's key shares, in the order of `groups` (RFC 9846 §4.3.8). */
  readonly shareGroups: readonly Group[];
  /** Whether the ClientHello has a record_size_limit. */
  readonly sendRecordSizeLimit: boolean;
}

type SettledServer = Settled<
  Omit<ServerConfig, keyof CommonConfig | 'earlyData'>,
  'tickets' | 'findPsk' | 'chooseCredentials' | 'chooseProtocol' | 'retryCookies'
>;

/** A {@link ServerConfig} once it is settled. */
export interface ServerSettings extends Settings, SettledServer {
  /** Bytes of 0-RTT data that a client may send; 0 where it is refused. */
  readonly maxEarlyDataSize: number;
  /** Undefined where 0-RTT data is refused. */
  readonly earlyData: Settled<EarlyDataPolicy, never> | undefined;
}

/** @throws TlsError ERR_TLS_CONFIG for an option that is missing or not what it must be, by its name */
export function settleClient(config: ClientConfig): ClientSettings {
  const given = settle(config, clientRules, 'config', required, Object.keys(serverRules));
  const common = settleCommon(given);
  checkOffer(common);
  const { credentials = [] } = given;
  return Object.freeze({
    ...common,
    serverName: given.serverName,
    shareGroups: shareGroups(common.groups, given.keyShares),
    credentials,
    chooseCredentials: given.chooseCredentials,
    allowUnknownAlpn: given.allowUnknownAlpn ?? false,
    takeSession: given.takeSession,
    externalPsks: given.externalPsks ?? [],
    requirePsk: given.requirePsk ?? false,
    // RFC 7250 §4.1: the types that this client can show.
    certificateTypes: given.certificateTypes ?? [...new Set(credentials.map(certificateTypeOf))],
    requireCredential: given.requireCredential ?? false,
    postHandshakeAuth: given.postHandshakeAuth ?? false,
    maxFragmentLength: given.maxFragmentLength,
    sendRecordSizeLimit: given.recordSizeLimit !== undefined,
    shuffleExtensions: given.shuffleExtensions ?? true,
    earlyData: given.earlyData ?? false,
    middleboxCompatibility: given.middleboxCompatibility ?? true,
    shapeClientHello: given.shapeClientHello,
  });
}

/** A ClientHello names a suite and a group at least (RFC 9846 §4.2.2, §4.3.7). */
function checkOffer({ suites, groups, provider }: Settings): void {
  const known = (all: readonly { readonly id: number; readonly name: string }[]): string =>
    all.map(({ id, name }) => `0x${id.toString(16)} ${name}`).join(', ');
  if (suites.length === 0) {
    misuse('ERR_TLS_CONFIG', `config.suites must name at least one that the provider has: ${known(provider.suites)}`);
  }
  if (groups.length === 0) {
    misuse('ERR_TLS_CONFIG', `config.groups must name at least one that the provider has: ${known(provider.groups)}`);
  }
}

/** @throws TlsError ERR_TLS_CONFIG for an option that is missing or not what it must be, by its name */
export function settleServer(config: ServerConfig): ServerSettings {
  const given = settle(config, serverRules, 'config', required, Object.keys(clientRules));
  const { earlyData } = given;
  return Object.freeze({
    ...settleCommon(given),
    credentials: given.credentials ?? [],
    tickets: given.tickets,
    ticketCount: given.ticketCount ?? 2,
    ticketLifetime: given.ticketLifetime ?? DEFAULT_LIFETIME,
    resumeAcrossNames: given.resumeAcrossNames ?? false,
    acknowledgeServerName: given.acknowledgeServerName ?? true,
    maxEarlyDataSize: earlyData?.maxSize ?? 0,
    earlyData: earlyData && settleEarlyData(earlyData),
    findPsk: given.findPsk,
    preferCertificate: given.preferCertificate ?? false,
    chooseCredentials: given.chooseCredentials,
    chooseProtocol: given.chooseProtocol,
    clientCertificate: given.clientCertificate ?? 'none',
    preferOwnOrder: given.preferOwnOrder ?? true,
    prioritizeChaCha: given.prioritizeChaCha ?? false,
    retryForGroup: given.retryForGroup ?? false,
    equalGroups: given.equalGroups ?? [],
    resumeSameSuite: given.resumeSameSuite ?? false,
    ignoreLegacyVersion: given.ignoreLegacyVersion ?? false,
    alwaysChangeCipherSpec: given.alwaysChangeCipherSpec ?? false,
    retryCookies: given.retryCookies,
    encryptedExtensions: given.encryptedExtensions ?? [],
  });
}

const required = ['provider', 'verifyChain'] as const;

function settleCommon(given: Given<CommonConfig, (typeof required)[number]>): Settings {
  const { provider, certificateCompression = [] } = given;
  return {
    provider,
    boringsslChecks: given.boringsslChecks ?? false,
    suites: enabledSuites(provider, given.suites),
    groups: enabledGroups(provider, given.groups),
    signatureSchemes: advertisedSchemes(provider, given.signatureSchemes),
    certificateSchemes: given.certificateSchemes,
    peerCertificateTypes: given.peerCertificateTypes ?? ['X509'],
    certificateAuthorities: given.certificateAuthorities ?? [],
    requestOcsp: given.requestOcsp ?? false,
    requestTimestamps: given.requestTimestamps ?? false,
    compressors: certificateCompression.filter(compresses),
    decompressors: certificateCompression.filter(decompresses),
    alpn: given.alpn ?? [],
    verifyChain: given.verifyChain,
    anyCertificate: given.anyCertificate ?? false,
    keylog: given.keylog ?? false,
    maxFragment: given.maxFragment,
    recordSizeLimit: given.recordSizeLimit ?? MAX_PLAINTEXT + 1,
    padding: given.padding,
    grease: given.grease ?? false,
    pskModes: given.pskModes ?? ['psk_dhe_ke'],
    now: given.now ?? (() => Date.now()),
    limits: { ...defaultLimits, ...given.limits },
  };
}

function settleEarlyData({
  maxSize,
  replay,
  ageTolerance,
  guardTimeout,
}: EarlyDataPolicy): ServerSettings['earlyData'] {
  return {
    maxSize,
    replay,
    ageTolerance: ageTolerance ?? AGE_TOLERANCE,
    guardTimeout: guardTimeout ?? GUARD_TIMEOUT,
  };
}

function compresses(algorithm: CertificateCompression): algorithm is Compressor {
  return algorithm.compress !== undefined;
}

function decompresses(algorithm: CertificateCompression): algorithm is Decompressor {
  return algorithm.decompress !== undefined;
}

/** Seconds: two hours, as OpenSSL. */
const DEFAULT_LIFETIME = 7200;
/** Milliseconds; RFC 9846 §8.3 holds ten seconds reasonable for clients on the Internet. */
const AGE_TOLERANCE = 10_000;
/** Milliseconds: longer than a store in the same network takes, shorter than a user notices. */
const GUARD_TIMEOUT = 1000;
