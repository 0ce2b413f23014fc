import type { CryptoProvider } from '../../../crypto/provider.ts';
import { TlsError } from '../../../errors.ts';
import type { CertificateCompression, Credential } from '../../../handshake/terms/credential.ts';
import { noble } from '../../../providers/noble.ts';
import type { TicketKeys } from '../../../session/tickets.ts';
import { SignatureCache } from '../../../x509/path/signatures.ts';
import { TrustStore } from '../../../x509/path/trust.ts';
import { type CertificateList, parseCrl } from '../../../x509/revocation/crl.ts';
import { nodeProfile } from '../../../x509/rules/profile.ts';
import type { VerifyOptions } from '../../../x509/verify/options.ts';
import { checkServerIdentity } from '../certificate/identity.ts';
import type {
  CertificateInput,
  EngineOptions,
  PeerVerification,
  SecureContextOptions,
  SecureVersion,
} from '../options/context.ts';
import { clockOf, contextOptions, engineOf, judgementOf, ownOptions, providerOf } from '../options/rules.ts';
import { callable } from '../support/callable.ts';
import {
  codedError,
  invalidArgType,
  invalidArgValue,
  validateBuffer,
  validateInteger,
  validateObject,
  validateString,
} from '../support/errors.ts';
import { flagOf } from '../support/flags.ts';
import { ticketKeyList, ticketKeysOf } from '../support/sessions.ts';
import { anchorsOf, blocksOf, defaultTrust } from './ca.ts';
import { compressionsOf } from './certificate-compression.ts';
import { completed, linksOf } from './chains.ts';
import { loadCredentials } from './credentials.ts';
import { groupsOf, schemesOf, suitesOf } from './names.ts';

/** The contents of a {@link SecureContext}: checked, parsed, frozen. */
export class ContextState {
  readonly provider: CryptoProvider;
  readonly suites: readonly number[] | undefined;
  readonly groups: readonly number[] | undefined;
  readonly schemes: readonly number[] | undefined;
  readonly credentials: readonly Credential[];
  readonly certificateCompression: readonly CertificateCompression[];
  readonly trust: TrustStore;
  /** Certificates of `ca` that another issued: links of paths, ours and the peer's. */
  readonly links: readonly Uint8Array[];
  readonly preferOwnOrder: boolean;
  readonly prioritizeChaCha: boolean;
  readonly now: () => number;
  readonly engine: EngineOptions;
  /** Undefined with SSL_OP_NO_TICKET. */
  readonly tickets: TicketKeys | undefined;
  /** Seconds. */
  readonly ticketLifetime: number | undefined;
  /** `cache` holds the signatures that this context has found valid. */
  readonly verification: PeerVerification & Pick<VerifyOptions, 'crls' | 'cache'>;

  constructor(options: SecureContextOptions) {
    checkVersions(options);
    const secureOptions = checkSecureOptions(options.secureOptions);
    const { ciphers = tlsDefaults.DEFAULT_CIPHERS, ecdhCurve = tlsDefaults.DEFAULT_ECDH_CURVE, sigalgs, ca } = options;
    this.provider = providerOf(options.provider, noble);
    if (ciphers !== null) validateString(ciphers, 'options.ciphers');
    // The initial list stands for the provider's suites in the provider's order.
    const list = ciphers === initialCiphers ? undefined : ciphers || tlsDefaults.DEFAULT_CIPHERS;
    this.suites = list === undefined ? undefined : suitesOf(list, this.provider, 'options.ciphers');
    validateString(ecdhCurve, 'options.ecdhCurve');
    this.groups = groupsOf(ecdhCurve, this.provider);
    this.schemes = checkSigalgs(sigalgs);
    this.certificateCompression = compressionsOf(options.certificateCompression);
    // Only `true` counts, because the option widens trust.
    const allowPartial = options.allowPartialTrustChain === true;
    const given = ca ? anchorsOf(ca, 'options.ca') : undefined;
    this.trust = given ? TrustStore.from(given.anchors, { allowPartial, unread: given.unread }) : defaultTrust();
    this.links = linksOf(given?.anchors ?? []);
    this.credentials = completed(loadCredentials(options, this.provider, this.schemes), this.links);
    this.preferOwnOrder = Boolean(options.honorCipherOrder) || (secureOptions & SSL_OP_CIPHER_SERVER_PREFERENCE) !== 0;
    this.now = clockOf(options.now);
    this.engine = engineOf(options.engine);
    this.prioritizeChaCha = (secureOptions & SSL_OP_PRIORITIZE_CHACHA) !== 0;
    checkOtherOptions(options);
    const { ticketKeys, sessionIdContext, sessionTimeout } = options;
    const noTickets = (secureOptions & SSL_OP_NO_TICKET) !== 0;
    this.tickets = noTickets ? undefined : ticketKeysOf(this.provider, ticketKeys, sessionIdContext, this.now);
    // As in OpenSSL, 0 means the default.
    this.ticketLifetime = sessionTimeout || undefined;
    this.verification = verificationOf(options, this.provider);
    Object.freeze(this);
  }
}

class NodeSecureContext {
  static {
    Object.defineProperty(NodeSecureContext, 'name', { value: 'SecureContext', configurable: true });
  }

  /** The settled options: not for applications. */
  readonly context: ContextState;

  constructor(
    secureProtocol?: string,
    secureOptions?: number,
    minVersion?: SecureVersion,
    maxVersion?: SecureVersion,
    options?: SecureContextOptions,
  ) {
    const given = contextOptions(options ?? {});
    this.context = new ContextState(ownOptions({ ...given, secureProtocol, secureOptions, minVersion, maxVersion }));
  }
}

export type SecureContext = NodeSecureContext;
/** The credentials, trust anchors and parameters that any number of connections share. May be called without `new`. */
export const SecureContext: typeof NodeSecureContext &
  ((...args: ConstructorParameters<typeof NodeSecureContext>) => NodeSecureContext) = callable(NodeSecureContext);

/**
 * Makes a context: parses and checks all options, once.
 * @throws the errors of `node:tls` for options of a wrong type or value; TlsError for malformed keys and certificates
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { connect, createSecureContext } from 'opentls';
 *
 * const secureContext = createSecureContext({ ca: cert }); // once, for any number of connections
 * const socket = connect({ host: 'localhost', port, secureContext });
 * await once(socket, 'secureConnect');
 * console.log(socket.authorized); // true
 * socket.destroy();
 * ```
 */
export function createSecureContext(options?: SecureContextOptions | null): SecureContext {
  if (options) validateObject(options, 'options');
  const given = contextOptions(options || {});
  const { secureProtocol, secureOptions, minVersion, maxVersion } = given;
  return new NodeSecureContext(secureProtocol, secureOptions, minVersion, maxVersion, given);
}

/**
 * @param context a {@link SecureContext}, or its `context`
 * @throws ERR_TLS_INVALID_CONTEXT for anything else
 */
export function stateOf(context: unknown): ContextState {
  if (context instanceof ContextState) return context;
  const inner: unknown = typeof context === 'object' && context !== null ? Reflect.get(context, 'context') : undefined;
  if (inner instanceof ContextState) return inner;
  throw codedError('ERR_TLS_INVALID_CONTEXT', notOurs, undefined, TypeError);
}

const notOurs = 'context must be a SecureContext of opentls, as createSecureContext() makes it';

const initialCiphers = 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384';

/** The properties of the default export that a program may assign to. opentls reads them at each use. */
export interface TlsDefaults {
  DEFAULT_CIPHERS: string;
  /** 'auto': all groups of the provider. */
  DEFAULT_ECDH_CURVE: string;
  DEFAULT_MIN_VERSION: SecureVersion;
  DEFAULT_MAX_VERSION: SecureVersion;
  CLIENT_RENEG_LIMIT: number;
  CLIENT_RENEG_WINDOW: number;
  /** Makes the context of every connection without `secureContext`, and of every server. */
  createSecureContext: (options?: SecureContextOptions | null) => SecureContext;
  /** Compares certificate and host for every `connect()` without its own `checkServerIdentity`. */
  checkServerIdentity: typeof checkServerIdentity;
}

function defaultCiphers(): string {
  const flag = flagOf('--tls-cipher-list');
  return typeof flag === 'string' ? flag : initialCiphers;
}

export const tlsDefaults: TlsDefaults = {
  DEFAULT_CIPHERS: defaultCiphers(),
  DEFAULT_ECDH_CURVE: 'auto',
  DEFAULT_MIN_VERSION: 'TLSv1.3',
  // As in node:tls the flag keeps TLS 1.3 away: nothing is left to speak, and contexts say so.
  DEFAULT_MAX_VERSION: flagOf('--tls-max-v1.2') === undefined || flagOf('--tls-max-v1.3') ? 'TLSv1.3' : 'TLSv1.2',
  CLIENT_RENEG_LIMIT: 3,
  CLIENT_RENEG_WINDOW: 600,
  createSecureContext,
  checkServerIdentity,
};

function checkVersions({ secureProtocol, minVersion, maxVersion }: SecureContextOptions): void {
  if (secureProtocol) {
    const version = minVersion ?? maxVersion;
    if (version != null) {
      const message = `TLS protocol version ${JSON.stringify(version)} conflicts with secureProtocol ${JSON.stringify(secureProtocol)}`;
      throw codedError('ERR_TLS_PROTOCOL_VERSION_CONFLICT', message, undefined, TypeError);
    }
    if (!anyVersion.test(secureProtocol)) {
      const message = `${secureProtocol}: only TLS 1.3 is spoken here`;
      throw codedError('ERR_TLS_INVALID_PROTOCOL_METHOD', message, undefined, TypeError);
    }
  }
  checkVersion('minimum', minVersion ?? tlsDefaults.DEFAULT_MIN_VERSION);
  const max = checkVersion('maximum', maxVersion ?? tlsDefaults.DEFAULT_MAX_VERSION);
  if (max !== 'TLSv1.3')
    throw invalidVersion(`options.maxVersion is ${JSON.stringify(max)}: opentls speaks TLSv1.3 alone`);
}

function checkVersion(which: string, version: string): string {
  if (!versions.has(version))
    throw invalidVersion(`${JSON.stringify(version)} is not a valid ${which} TLS protocol version`);
  return version;
}

function invalidVersion(message: string): Error {
  return codedError('ERR_TLS_INVALID_PROTOCOL_VERSION', message, undefined, TypeError);
}

function checkSecureOptions(secureOptions: unknown): number {
  if (!secureOptions) return 0;
  validateInteger(secureOptions, 'secureOptions', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if ((secureOptions & SSL_OP_NO_TLSv1_3) !== 0) throw invalidVersion('secureOptions exclude TLSv1.3');
  return secureOptions;
}

function checkSigalgs(sigalgs: unknown): readonly number[] | undefined {
  if (sigalgs === undefined || sigalgs === null) return undefined;
  validateString(sigalgs, 'options.sigalgs');
  if (sigalgs === '') throw invalidArgValue('options.sigalgs', sigalgs);
  return schemesOf(sigalgs, 'options.sigalgs');
}

/** @throws ERR_CRYPTO_OPERATION_FAILED for a list that cannot be read */
function verificationOf(
  { verification, crl }: SecureContextOptions,
  { hashes }: CryptoProvider,
): ContextState['verification'] {
  const judgement = judgementOf(verification);
  const { revocation } = judgement;
  return {
    profile: nodeProfile,
    ...judgement,
    revocation: revocation && { hashes, ...revocation },
    crls: crl === undefined || crl === null ? undefined : listsOf(crl),
    cache: new SignatureCache({ hash: hashes.sha256 }),
  };
}

function listsOf(crl: CertificateInput | readonly CertificateInput[]): readonly CertificateList[] {
  const inputs = Array.isArray(crl) ? crl : [crl];
  return inputs.flatMap((input) => {
    try {
      const lists = blocksOf(input, 'options.crl', ['X509 CRL']).map(parseCrl);
      if (lists.length > 0) return lists;
    } catch (error) {
      if (!(error instanceof TlsError || error instanceof RangeError)) throw error;
    }
    throw codedError('ERR_CRYPTO_OPERATION_FAILED', 'Failed to parse CRL');
  });
}

/** Checks options that have no effect, as `node:tls` does, and refuses those that opentls does not support. */
function checkOtherOptions(options: SecureContextOptions): void {
  const { dhparam, sessionIdContext, sessionTimeout, ticketKeys, pfx } = options;
  if (dhparam !== undefined && dhparam !== null && typeof dhparam !== 'string')
    validateBuffer(dhparam, 'options.dhparam');
  if (sessionIdContext !== undefined && sessionIdContext !== null) {
    validateString(sessionIdContext, 'options.sessionIdContext');
  }
  if (ticketKeys !== undefined && ticketKeys !== null) {
    const wrong = ticketKeyList(ticketKeys, 'options.ticketKeys').find(({ byteLength }) => byteLength !== 48);
    if (wrong !== undefined) {
      throw invalidArgValue('options.ticketKeys', wrong.byteLength, 'must be exactly 48 bytes');
    }
  }
  if (sessionTimeout !== undefined && sessionTimeout !== null) {
    validateInteger(sessionTimeout, 'options.sessionTimeout', 0, 0x7fff_ffff);
  }
  if (pfx !== undefined && pfx !== null) throw unsupported('pfx', 'PKCS#12 is not read; give cert and key');
  checkEngines(options);
}

function checkEngines({ clientCertEngine, privateKeyEngine, privateKeyIdentifier, key }: SecureContextOptions): void {
  if (privateKeyIdentifier !== undefined && privateKeyIdentifier !== null) {
    if (privateKeyEngine === undefined || privateKeyEngine === null) {
      throw invalidArgValue('options.privateKeyEngine', privateKeyEngine);
    }
    if (key) throw invalidArgValue('options.privateKeyIdentifier', privateKeyIdentifier);
    for (const [name, value] of Object.entries({ privateKeyIdentifier, privateKeyEngine })) {
      if (typeof value !== 'string') throw invalidArgType(`options.${name}`, 'of type string', value);
    }
    throw noEngines();
  }
  if (clientCertEngine === undefined || clientCertEngine === null) return;
  if (typeof clientCertEngine !== 'string')
    throw invalidArgType('options.clientCertEngine', 'of type string', clientCertEngine);
  throw noEngines();
}

function noEngines(): Error {
  return codedError('ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED', 'Custom engines not supported; give a signer');
}

function unsupported(option: string, why: string): Error {
  return codedError('ERR_TLS_UNSUPPORTED_OPTION', `The "options.${option}" property is not supported: ${why}`);
}

const versions: ReadonlySet<string> = new Set(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);
const anyVersion = /^(?:TLS|SSLv23)(?:_(?:client|server))?_method$/;

const SSL_OP_CIPHER_SERVER_PREFERENCE = 0x40_0000;
const SSL_OP_PRIORITIZE_CHACHA = 0x20_0000;
const SSL_OP_NO_TICKET = 0x4000;
const SSL_OP_NO_TLSv1_3 = 0x2000_0000;
