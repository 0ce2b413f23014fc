import { X509Certificate } from 'node:crypto';
import type { Connection } from '../../../connection/connection.ts';
import type { Facts } from '../../../handshake/terms/facts.ts';
import { isHandshakeScheme } from '../../../handshake/terms/schemes.ts';
import type { ShownCertificate } from '../../../x509/certificate/certificate.ts';
import { showCertificate } from '../../../x509/certificate/display.ts';
import { type DetailedCertificate, legacyCertificate, legacyChain } from '../certificate/legacy.ts';
import type { ContextState } from '../context/context.ts';
import { ephemeralKeyInfo, sigalgName } from '../context/names.ts';
import {
  codedError,
  validateBuffer,
  validateFunction,
  validateInteger,
  validateObject,
  validateString,
} from '../support/errors.ts';
import { fromBlob } from '../support/sessions.ts';
import { TransportSocket } from './transport-socket.ts';

/**
 * A cipher suite, as `getCipher()` answers it. Both names are the one of RFC 9846 Appendix B.4.
 */
export interface CipherInfo {
  readonly name: string;
  readonly standardName: string;
  readonly version: 'TLSv1.3';
}

/** What programs ask of the native handle behind a socket of `node:tls`. */
export interface TlsHandle {
  /** Returns the error of the peer's chain, null where the chain is trusted. */
  verifyError(): Error | null;
}

/**
 * The properties and methods of `tls.TLSSocket` that describe the connection. As in `node:tls`, the methods answer null once
 * the socket is destroyed.
 */
export abstract class DescribedSocket extends TransportSocket {
  readonly encrypted: true = true;
  /** Whether this side has verified the peer's certificate. */
  authorized: boolean = false;
  /** The error code that says why the peer is not authorized; null where it is, or nobody has checked. */
  authorizationError: string | null = null;
  /** The protocol that ALPN selected; false: none; null: not known yet. */
  alpnProtocol: string | false | null = null;
  /** The name that the client asked for; false: none; null: not known yet. */
  servername: string | false | null = null;
  /** True until 'secureConnect', or the server's 'secureConnection'. */
  secureConnecting: boolean = true;
  /**
   * How the peer's direction ended (opentls), known by 'end' or 'error'. True: the peer sent close_notify, and this side has
   * all its data. False: the transport ended or failed without close_notify, so an attacker may have cut off the rest (RFC
   * 9846 §6.1). Undefined while the direction is open, and where this side or a fatal alert ended it first.
   */
  closeNotify: boolean | undefined = undefined;

  abstract readonly isServer: boolean;
  /** The session of the last ticket, else the one that the client offers or resumed, else bytes that resume nothing. */
  protected sessionBlob: Buffer | undefined;
  protected abstract readonly context: ContextState;
  protected abstract readonly connection: Connection | undefined;
  protected abstract readonly chainError: Error | null;

  /** What the handshake established (opentls); undefined before, and after the socket was destroyed. */
  get facts(): Facts | undefined {
    return this.destroyed ? undefined : this.connection?.facts;
  }

  /** Stands for the native handle of `node:tls`; null once the socket is destroyed. */
  get ssl(): TlsHandle | null {
    return this.destroyed ? null : { verifyError: () => this.chainError };
  }

  /** The version of TLS; null once the socket is destroyed. */
  getProtocol(): 'TLSv1.3' | null {
    return this.destroyed ? null : 'TLSv1.3';
  }

  /** The cipher suite; undefined before the handshake is complete, null once the socket is destroyed. */
  getCipher(): CipherInfo | null | undefined {
    return this.#tell(({ suite: { name } }) => ({ name, standardName: name, version: 'TLSv1.3' }));
  }

  /** Client: the group of the key exchange; `{}` before the handshake is complete. Server: null. */
  getEphemeralKeyInfo(): object | null {
    if (this.isServer || this.destroyed) return null;
    const group = this.connection?.facts?.group;
    return group === undefined ? {} : ephemeralKeyInfo(group);
  }

  /** The verify_data of our Finished; undefined before the handshake is complete, null once the socket is destroyed. */
  getFinished(): Buffer | null | undefined {
    return this.#tell(({ localFinished }) => Buffer.from(localFinished));
  }

  /**
   * The verify_data of the peer's Finished; undefined before the handshake is complete, null once the socket is
   * destroyed.
   */
  getPeerFinished(): Buffer | null | undefined {
    return this.#tell(({ peerFinished }) => Buffer.from(peerFinished));
  }

  /** Server: the signature algorithms that both sides have, like 'ECDSA+SHA256'. Client: none. */
  getSharedSigalgs(): string[] | null {
    if (this.destroyed) return null;
    const facts = this.connection?.facts;
    if (facts === undefined || !this.isServer) return [];
    const own = this.context.schemes;
    const shared = facts.peerSignatureSchemes.filter(
      (scheme) => own?.includes(scheme) ?? isHandshakeScheme(scheme, facts.role),
    );
    return shared.map(sigalgName);
  }

  /** Whether the handshake resumed a session; null once the socket is destroyed. */
  isSessionReused(): boolean | null {
    return this.destroyed ? null : (this.connection?.facts?.resumed ?? false);
  }

  /** The peer's certificate, or `{}` where the peer sent none; with `detailed`, each has its `issuerCertificate`. */
  getPeerCertificate(detailed?: boolean): DetailedCertificate | Record<string, never> | null {
    if (this.destroyed) return null;
    const path = this.connection?.facts?.peer?.certificates;
    const [leaf] = path ?? [];
    if (path === undefined || leaf === undefined) return {};
    const { hashes } = this.context.provider;
    return (detailed ? legacyChain(path, hashes) : legacyCertificate(leaf, hashes)) ?? {};
  }

  /** The certificate that this side sent, or `{}`. */
  getCertificate(): DetailedCertificate | Record<string, never> | null {
    if (this.destroyed) return null;
    const leaf = this.#localLeaf();
    return leaf === undefined ? {} : legacyCertificate(leaf, this.context.provider.hashes);
  }

  /**
   * The peer's certificate; undefined where it sent none, or OpenSSL cannot read it. {@link getPeerCertificate} still shows
   * such a certificate.
   */
  getPeerX509Certificate(): X509Certificate | undefined {
    return x509ChainOf(this.facts?.peer?.certificates ?? []);
  }

  /** The certificate that this side sent; undefined where it sent none, or OpenSSL cannot read it. */
  getX509Certificate(): X509Certificate | undefined {
    return x509Of(this.facts?.localChain?.[0]);
  }

  /**
   * Client: the session of the last 'session' event. Before the first: the session that it offers or resumed, else
   * bytes that resume nothing; undefined where the handshake is not complete and it offers none.
   */
  getSession(): Buffer | undefined | null {
    return this.destroyed ? null : this.sessionBlob;
  }

  /** Client: the ticket of {@link getSession}. */
  getTLSTicket(): Buffer | undefined | null {
    if (this.destroyed) return null;
    const ticket = fromBlob(this.sessionBlob)?.ticket;
    return ticket && Buffer.from(ticket);
  }

  /**
   * Exports keying material for another protocol (RFC 9846 §7.5).
   * @param length bytes
   * @throws ERR_TLS_INVALID_STATE before the handshake is complete
   */
  exportKeyingMaterial(length: number, label: string, context?: NodeJS.ArrayBufferView): Buffer {
    validateInteger(length, 'length', 1, 0xffff_ffff);
    validateString(label, 'label');
    if (context !== undefined) validateBuffer(context, 'context');
    if (this.facts === undefined || this.connection === undefined) {
      throw codedError('ERR_TLS_INVALID_STATE', 'TLS socket connection must be securely established');
    }
    const bytes = context && new Uint8Array(context.buffer, context.byteOffset, context.byteLength);
    return Buffer.from(this.connection.exportKey(label, bytes, length));
  }

  abstract setSession(session: string | NodeJS.ArrayBufferView): void;

  /** TLS 1.3 has no renegotiation: answers false, and calls back with an error. */
  renegotiate(options: object, callback?: (error: Error) => void): boolean {
    validateObject(options, 'options');
    if (callback !== undefined) validateFunction(callback, 'callback');
    const reason = 'wrong ssl version';
    const error = codedError('ERR_SSL_WRONG_SSL_VERSION', `error:SSL routines::${reason}`, {
      library: 'SSL routines',
      reason,
    });
    if (callback !== undefined) process.nextTick(callback, error);
    return false;
  }

  /** Does nothing: TLS 1.3 has no renegotiation. */
  disableRenegotiation(): void {}

  /** Does nothing: opentls has no trace. */
  enableTrace(): void {}

  #tell<T>(answer: (facts: Facts) => T): T | null | undefined {
    if (this.destroyed) return null;
    const facts = this.connection?.facts;
    return facts && answer(facts);
  }

  #localLeaf(): ShownCertificate | undefined {
    const leaf = this.facts?.localChain?.[0];
    return leaf && showCertificate(leaf);
  }
}

/**
 * The leaf, with the next certificate of the path as `issuerCertificate`, and so on. Node sets that property for
 * connections of `node:tls` only, so opentls defines it on the object.
 */
function x509ChainOf(path: readonly ShownCertificate[]): X509Certificate | undefined {
  let issuer: X509Certificate | undefined;
  for (const { raw } of [...path].reverse()) {
    const certificate = x509Of(raw);
    if (certificate !== undefined && issuer !== undefined && certificate.checkIssued(issuer)) {
      Object.defineProperty(certificate, 'issuerCertificate', { value: issuer, configurable: true });
    }
    issuer = certificate;
  }
  return issuer;
}

function x509Of(der: Uint8Array | undefined): X509Certificate | undefined {
  if (der === undefined) return undefined;
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}
