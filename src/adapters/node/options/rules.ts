/** `connect()`, servers, sockets and contexts read their options by these functions, once. */
import type { ServerOpts, Socket } from 'node:net';
import type { CryptoProvider, Signer } from '../../../crypto/provider.ts';
import { clientRules, provider, serverRules, signer } from '../../../handshake/terms/config-rules.ts';
import { clock, own, type Rule, type Rules, record } from '../../../options.ts';
import { judgementRules } from '../../../x509/verify/rules.ts';
import { convertALPNProtocols } from '../support/alpn.ts';
import { invalidArgType, invalidKeyType, validateFunction } from '../support/errors.ts';
import type { EngineOptions, PeerVerification, SecureContextOptions } from './context.ts';
import type { ServerOptionsFor } from './server.ts';
import type { SocketOptionsFor } from './socket.ts';

/**
 * Copies the caller's own enumerable properties, as `connect()` and `TLSSocket` of `node:tls` do. Nothing that stands on
 * `Object.prototype` or another prototype counts.
 */
export function ownOptions<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options);
}

/** Copies options by name, as contexts and servers of `node:tls` read them: options of the caller's class count, too. */
function namedOptions<T extends object>(options: T, names: Readonly<Record<keyof T, true>>): T {
  const settled = Object.create(null);
  for (const name of Object.keys(names)) {
    const value = own(options, name);
    if (value !== undefined) settled[name] = value;
  }
  return settled;
}

/** Whether an option switches a check off: only an own property with the value false does. */
function switchesOff(options: object, name: string): boolean {
  return Object.hasOwn(options, name) && Reflect.get(options, name) === false;
}

/** Copies the options of a context. */
export function contextOptions(options: SecureContextOptions): SecureContextOptions {
  return namedOptions(options, contextNames);
}

/** Copies the options of a server and of its context. An inherited option may ask for a check, not switch one off. */
export function serverOptions<TLSSocket extends Socket>(
  options: ServerOptionsFor<TLSSocket>,
): ServerOptionsFor<TLSSocket> {
  const given = namedOptions<OwnServerOptions<TLSSocket>>(options, serverNames);
  return ownOptions({ ...given, rejectUnauthorized: !switchesOff(options, 'rejectUnauthorized') });
}

/**
 * Checks and copies the options of a socket: what the caller changes later has no effect.
 * @throws ERR_INVALID_ARG_TYPE
 */
export function settleSocketOptions<TLSSocket extends Socket>(
  options: SocketOptionsFor<TLSSocket>,
): SocketOptionsFor<TLSSocket> {
  const settled: { -readonly [K in keyof SocketOptionsFor<TLSSocket>]: SocketOptionsFor<TLSSocket>[K] } =
    ownOptions(options);
  checkSocketOptions(settled);
  if (settled.ALPNProtocols) convertALPNProtocols(settled.ALPNProtocols, settled);
  const { earlyData } = settled;
  if (earlyData === undefined || earlyData === null) {
    delete settled.earlyData;
  } else {
    if (!ArrayBuffer.isView(earlyData)) {
      throw invalidKeyType('options.earlyData', 'an instance of Buffer, TypedArray, or DataView', earlyData);
    }
    settled.earlyData = new Uint8Array(earlyData.buffer, earlyData.byteOffset, earlyData.byteLength).slice();
  }
  return settled;
}

/** @throws ERR_INVALID_ARG_TYPE; TlsError ERR_TLS_CONFIG for a provider with a wrong part */
export function providerOf(option: unknown, otherwise: CryptoProvider): CryptoProvider {
  return objectOption('provider', option, provider, 'a provider, as node of opentls/crypto/node') ?? otherwise;
}

/** @throws ERR_INVALID_ARG_TYPE; TlsError ERR_TLS_CONFIG for a signer with a wrong part */
export function signersOf(option: unknown): readonly Signer[] {
  if (option === undefined || option === null) return [];
  const list: readonly unknown[] = Array.isArray(option) ? option : [option];
  return list.flatMap((one) => objectOption('signer', one, signer, 'a signer, as noble.signer(key) makes it') ?? []);
}

/** @throws ERR_INVALID_ARG_TYPE; TlsError ERR_TLS_CONFIG for an unknown option or a wrong value in it */
export function engineOf(option: unknown): EngineOptions {
  return objectOption('engine', option, engine) ?? {};
}

/** @throws ERR_INVALID_ARG_TYPE; TlsError ERR_TLS_CONFIG for an unknown option or a wrong value in it */
export function judgementOf(option: unknown): PeerVerification {
  return objectOption('verification', option, record<PeerVerification>(judgementRules)) ?? {};
}

/** @throws ERR_INVALID_ARG_TYPE. The clock that it returns throws TlsError ERR_TLS_CONFIG where `option` answers no time */
export function clockOf(option: unknown): () => number {
  if (option === undefined || option === null) return Date.now;
  validateFunction(option, 'options.now');
  return clock(option, 'options.now');
}

function checkSocketOptions(
  options: Pick<SocketOptionsFor<Socket>, 'enableTrace' | 'isServer'> &
    Partial<Record<'ALPNCallback' | 'SNICallback' | 'pskCallback', unknown>>,
): void {
  const { enableTrace, isServer, ALPNCallback, SNICallback, pskCallback } = options;
  if (enableTrace != null && typeof enableTrace !== 'boolean') {
    throw invalidArgType('options.enableTrace', 'of type boolean', enableTrace);
  }
  if (isServer && ALPNCallback) validateFunction(ALPNCallback, 'options.ALPNCallback');
  if (isServer && SNICallback) validateFunction(SNICallback, 'options.SNICallback');
  if (pskCallback) validateFunction(pskCallback, 'options.pskCallback');
}

function objectOption<T>(name: string, option: unknown, rule: Rule<T>, kind = 'of type object'): T | undefined {
  if (option === undefined || option === null) return undefined;
  if (typeof option !== 'object') throw invalidKeyType(`options.${name}`, `${kind}`, option);
  return rule(option, `options.${name}`);
}

/** Every option of a context: a new one does not compile until it stands here. */
export const contextNames: Readonly<Record<keyof SecureContextOptions, true>> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  ciphers: true,
  ecdhCurve: true,
  sigalgs: true,
  minVersion: true,
  maxVersion: true,
  secureProtocol: true,
  secureOptions: true,
  honorCipherOrder: true,
  sessionIdContext: true,
  sessionTimeout: true,
  ticketKeys: true,
  allowPartialTrustChain: true,
  dhparam: true,
  pfx: true,
  crl: true,
  certificateCompression: true,
  clientCertEngine: true,
  privateKeyEngine: true,
  privateKeyIdentifier: true,
  provider: true,
  signer: true,
  verification: true,
  engine: true,
  now: true,
};

/** The options of a server that applications give: those with symbols are internal. */
type OwnServerOptions<TLSSocket extends Socket> = Omit<ServerOptionsFor<TLSSocket>, keyof ServerOpts | symbol>;

const serverNames: Readonly<Record<keyof OwnServerOptions<Socket>, true>> = {
  ...contextNames,
  requestCert: true,
  rejectUnauthorized: true,
  ALPNProtocols: true,
  ALPNCallback: true,
  SNICallback: true,
  handshakeTimeout: true,
  enableTrace: true,
  pskCallback: true,
  pskIdentityHint: true,
};

/** The rules of `engine`, of both sides: a client and a server may share one context. */
const engineRules: Rules<EngineOptions> = {
  certificateSchemes: clientRules.certificateSchemes,
  requestTimestamps: clientRules.requestTimestamps,
  pskModes: clientRules.pskModes,
  recordSizeLimit: clientRules.recordSizeLimit,
  maxFragmentLength: clientRules.maxFragmentLength,
  padding: clientRules.padding,
  grease: clientRules.grease,
  shuffleExtensions: clientRules.shuffleExtensions,
  keyShares: clientRules.keyShares,
  postHandshakeAuth: clientRules.postHandshakeAuth,
  externalPsks: clientRules.externalPsks,
  requirePsk: clientRules.requirePsk,
  limits: clientRules.limits,
  tickets: serverRules.tickets,
  ticketCount: serverRules.ticketCount,
  findPsk: serverRules.findPsk,
  preferCertificate: serverRules.preferCertificate,
  earlyData: serverRules.earlyData,
  retryCookies: serverRules.retryCookies,
  retryForGroup: serverRules.retryForGroup,
  resumeAcrossNames: serverRules.resumeAcrossNames,
  ignoreLegacyVersion: serverRules.ignoreLegacyVersion,
};
const engine: Rule<EngineOptions> = record<EngineOptions>(engineRules);
