/** What each option of {@link ClientConfig} and {@link ServerConfig} must be. */
import type { CryptoProvider, Signer } from '../../crypto/provider.ts';
import { Secret } from '../../crypto/secret.ts';
import { misuse } from '../../errors.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { type Limits, MAX_PLAINTEXT, MIN_RECORD_SIZE_LIMIT, RECORD_HEADER } from '../../limits.ts';
import {
  bytes,
  callable,
  clock,
  finite,
  flag,
  having,
  instance,
  integer,
  listOf,
  object,
  oneOf,
  ownDer,
  type Rule,
  type Rules,
  record,
  text,
  wrong,
  wrongKind,
} from '../../options.ts';
import type { ReplayGuard } from '../../session/replay.ts';
import type { RetryCookies } from '../../session/retry-cookies.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import type { Extension } from '../../wire/extensions.ts';
import { parseIp } from '../../x509/certificate/identity.ts';
import type { ClientConfig, CommonConfig, EarlyDataPolicy, ServerConfig } from './config.ts';
import type { CertificateCompression, Credential } from './credential.ts';

const u16 = integer(0, 0xffff);
const codePoints = listOf(u16);
const certificateTypes = listOf(oneOf('X509', 'RawPublicKey'), 1);

export const provider: Rule<CryptoProvider> = (value, name) => {
  const given = instance<CryptoProvider>(
    'a provider, as noble of opentls/crypto/noble',
    'random',
    'signer',
  )(value, name);
  listOf(object, 1)(given.suites, `${name}.suites`);
  listOf(object)(given.groups, `${name}.groups`);
  listOf(object)(given.verifiers, `${name}.verifiers`);
  object(given.hashes, `${name}.hashes`);
  return given;
};

export const signer: Rule<Signer> = (value, name) => {
  const given = instance<Signer>('a signer, as noble.signer(key) makes it', 'sign')(value, name);
  codePoints(given.schemes, `${name}.schemes`);
  if (given.publicKey !== undefined) bytes(1)(given.publicKey, `${name}.publicKey`);
  return given;
};

/** RFC 9846 §4.5.1: an entry has at least one byte. */
const chainEntry: Rule<Uint8Array> = (value, name) => bytes(1)(ownDer(value, name), name);

const credential: Rule<Credential> = (value, name) => {
  const given = object<Credential>(value, name);
  listOf(chainEntry, 1)(given.chain, `${name}.chain`);
  signer(given.signer, `${name}.signer`);
  return given;
};

/**
 * RFC 9846 §4.3.11: an identity has 1 to 2^16-1 bytes, and so has the list of identities with their lengths and ages.
 */
const identity = bytes(1, 0xffff - 6);

export const externalPsk: Rule<ExternalPsk> = (value, name) => {
  const given = object<ExternalPsk>(value, name);
  identity(given.identity, `${name}.identity`);
  const { secret, priority } = given;
  if (!(secret instanceof Secret) || secret.label !== 'psk') wrongKind(`${name}.secret`, "a Secret 'psk'", secret);
  if (secret.length === 0) misuse('ERR_TLS_CONFIG', `${name}.secret must not be empty`);
  oneOf('sha256', 'sha384')(given.hash, `${name}.hash`);
  if (given.imported !== undefined) flag(given.imported, `${name}.imported`);
  if (priority !== undefined) finite(priority, `${name}.priority`);
  return given;
};

export const compression: Rule<CertificateCompression> = (value, name) => {
  const given = object<CertificateCompression>(value, name);
  u16(given.id, `${name}.id`);
  if (given.compress !== undefined) callable(given.compress, `${name}.compress`);
  if (given.decompress !== undefined) callable(given.decompress, `${name}.decompress`);
  return given;
};

const extension: Rule<Extension> = (value, name) => {
  const given = object<Extension>(value, name);
  u16(given.type, `${name}.type`);
  bytes(0, 0xffff)(given.data, `${name}.data`);
  return given;
};

/** RFC 6066 §3: a host name in ASCII, not an address. */
const serverName: Rule<string> = (value, name) => {
  const host = text(value, name);
  if (host === '') misuse('ERR_TLS_CONFIG', `${name} must not be empty: leave it out to send none`);
  if (parseIp(host) !== undefined) {
    misuse(
      'ERR_TLS_CONFIG',
      `${name} must not be an IP address: leave it out, and give the verifier the address as its name`,
    );
  }
  if (!/^[\x21-\x7e]*$/.test(host)) wrong(name, 'a host name in ASCII (IDNs as A-labels)', host);
  return host;
};

const count = integer(0);

const limits: Rule<Partial<Limits>> = record<Limits>({
  handshakeMessage: count,
  certificateMessage: count,
  handshakeTotal: count,
  // A smaller inbox could not hold one record.
  inbox: integer(RECORD_HEADER + MAX_PLAINTEXT + 256),
  outbox: count,
  emptyRecords: count,
  changeCipherSpecs: count,
  warnings: count,
  postHandshakeMessages: count,
  postHandshakeBytes: count,
  keyShares: count,
  names: count,
  pskIdentities: count,
  skippedEarlyData: count,
  chainLength: count,
});

const earlyDataPolicy: Rule<EarlyDataPolicy> = record<EarlyDataPolicy>(
  {
    maxSize: integer(1, 0xffff_ffff),
    replay: having<ReplayGuard>('admit'),
    ageTolerance: finite,
    guardTimeout: integer(0, 0x7fff_ffff),
  },
  ['maxSize', 'replay'],
);

const commonRules: Rules<CommonConfig> = {
  provider,
  boringsslChecks: flag,
  suites: codePoints,
  groups: codePoints,
  signatureSchemes: codePoints,
  // RFC 9846 §4.3.3: the list must not be empty.
  certificateSchemes: listOf(u16, 1),
  peerCertificateTypes: certificateTypes,
  certificateAuthorities: listOf(bytes(1, 0xffff)),
  requestOcsp: flag,
  requestTimestamps: flag,
  certificateCompression: listOf(compression),
  alpn: listOf(bytes(1, 0xff)),
  verifyChain: callable,
  anyCertificate: flag,
  keylog: flag,
  maxFragment: integer(MIN_RECORD_SIZE_LIMIT, MAX_PLAINTEXT),
  // RFC 8449 §4: at least 64, at most 2^14 + 1.
  recordSizeLimit: integer(MIN_RECORD_SIZE_LIMIT, MAX_PLAINTEXT + 1),
  padding: callable,
  grease: flag,
  pskModes: listOf(oneOf('psk_dhe_ke', 'psk_ke')),
  now: clock,
  limits,
};

export const clientRules: Rules<ClientConfig> = {
  ...commonRules,
  serverName,
  keyShares: codePoints,
  credentials: listOf(credential),
  chooseCredentials: callable,
  allowUnknownAlpn: flag,
  takeSession: callable,
  externalPsks: listOf(externalPsk),
  requirePsk: flag,
  certificateTypes,
  requireCredential: flag,
  postHandshakeAuth: flag,
  maxFragmentLength: oneOf(512, 1024, 2048, 4096),
  shuffleExtensions: flag,
  earlyData: flag,
  middleboxCompatibility: flag,
  shapeClientHello: callable,
};

export const serverRules: Rules<ServerConfig> = {
  ...commonRules,
  credentials: listOf(credential),
  tickets: having<TicketSealer>('seal', 'open'),
  // All tickets are sent at once, each in a message of its own.
  ticketCount: integer(0, 255),
  ticketLifetime: count,
  resumeAcrossNames: flag,
  acknowledgeServerName: flag,
  earlyData: earlyDataPolicy,
  findPsk: callable,
  preferCertificate: flag,
  chooseCredentials: callable,
  chooseProtocol: callable,
  clientCertificate: oneOf('none', 'optional', 'required'),
  preferOwnOrder: flag,
  prioritizeChaCha: flag,
  retryForGroup: flag,
  equalGroups: codePoints,
  resumeSameSuite: flag,
  ignoreLegacyVersion: flag,
  alwaysChangeCipherSpec: flag,
  retryCookies: having<RetryCookies>('seal', 'open'),
  encryptedExtensions: listOf(extension),
};
