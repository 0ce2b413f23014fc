/** Makes the engine's configuration of a socket's options. */
import type { Socket } from 'node:net';
import { Connection } from '../../../connection/connection.ts';
import type { Awaitable } from '../../../crypto/provider.ts';
import type { ClientConfig, ClientHelloView, CommonConfig, ServerConfig } from '../../../handshake/terms/config.ts';
import type { Credential } from '../../../handshake/terms/credential.ts';
import type { ExternalPsk } from '../../../keys/importer.ts';
import type { Session } from '../../../session/session.ts';
import type { ShownCertificate } from '../../../x509/certificate/certificate.ts';
import { legacyChain } from '../certificate/legacy.ts';
import { type ContextState, stateOf } from '../context/context.ts';
import type { EngineOptions } from '../options/context.ts';
import {
  enforces,
  expectedHost,
  nameCheck,
  type PskCallbackFor,
  type SniCallbackFor,
  type SocketOptionsFor,
  serverTickets,
} from '../options/socket.ts';
import { parseAlpn } from '../support/alpn.ts';
import { codedError } from '../support/errors.ts';
import { refusalOf } from '../support/identity-refusal.ts';
import { ticketsOf } from '../support/sessions.ts';
import { fitsEarly, onlyWithReader } from './early-data.ts';
import { askOcsp } from './ocsp-request.ts';
import { PeerCheck } from './peer-check.ts';
import { clientPsks, serverPsk } from './psk.ts';

/** Asks the application's callbacks and events during a handshake, and keeps their answers. */
export class HandshakeCallbacks<TLSSocket extends Socket> {
  readonly check: PeerCheck;
  readonly #socket: TLSSocket;
  readonly #options: SocketOptionsFor<TLSSocket>;
  #context: ContextState;
  readonly #onServerName: (name: string | false) => void;
  #applicationError: Error | undefined;
  #protocol: Uint8Array | undefined;

  /** @param onServerName called with the name that a client asks for; false: it asks for none */
  constructor(
    socket: TLSSocket,
    context: ContextState,
    options: SocketOptionsFor<TLSSocket>,
    onServerName: (name: string | false) => void,
  ) {
    this.#onServerName = onServerName;
    this.#socket = socket;
    this.#context = context;
    this.#options = options;
    const name = options[nameCheck];
    const host = options[expectedHost];
    this.check = new PeerCheck({
      context: () => this.#context,
      enforce: enforces(options),
      host,
      nameCheck: name && ((path) => this.#checkName(name, path)),
    });
  }

  /** The error that a callback of the application raised: the socket emits it in place of the engine's. */
  get applicationError(): Error | undefined {
    return this.#applicationError;
  }

  /** The context of this connection: the server's own, or the one that SNICallback or `setKeyCert()` chose. */
  get context(): ContextState {
    return this.#context;
  }

  set context(context: ContextState) {
    this.#context = context;
  }

  /** Makes the engine. @returns the error of a client's pskCallback, which is called first, or of an option */
  start(serverName: string | undefined, session: Session | undefined): Connection | Error {
    try {
      if (this.#options.isServer) return Connection.server(this.#serverConfig());
      return Connection.client(this.#clientConfig(serverName, session));
    } catch (error) {
      return this.#note(error);
    }
  }

  #clientConfig(serverName: string | undefined, session: Session | undefined): ClientConfig {
    const { earlyData, requestOCSP, pskCallback } = this.#options;
    return {
      ...this.#common(),
      serverName,
      credentials: this.#context.credentials,
      requestOcsp: Boolean(requestOCSP),
      ...(session && { takeSession: () => session }),
      earlyData: fitsEarly(earlyData, session),
      ...(pskCallback && { externalPsks: this.#ask(() => clientPsks(pskCallback(null))) }),
    };
  }

  #serverConfig(): ServerConfig {
    const { requestCert, ALPNCallback, server, pskCallback } = this.#options;
    const { tickets, ticketLifetime, provider, engine } = this.#context;
    const own = this.#options[serverTickets] ?? tickets;
    return {
      ticketLifetime,
      ...this.#common(),
      tickets: engine.tickets ?? (own && ticketsOf(server, own, provider, (error) => void this.#socket.destroy(error))),
      ...(engine.earlyData && { earlyData: onlyWithReader(engine.earlyData, this.#socket, this.#options) }),
      credentials: this.#context.credentials,
      preferOwnOrder: this.#context.preferOwnOrder,
      prioritizeChaCha: this.#context.prioritizeChaCha,
      clientCertificate: !requestCert ? 'none' : this.check.enforces ? 'required' : 'optional',
      ...(pskCallback && { findPsk: (identity) => this.#findPsk(pskCallback, identity) }),
      chooseCredentials: (hello) => this.#chooseCredentials(hello),
      ...(ALPNCallback && { chooseProtocol: () => this.#protocol }),
    };
  }

  #common(): CommonConfig & EngineOptions {
    const { provider, suites, groups, schemes, certificateCompression, engine, now } = this.#context;
    return {
      ...engine,
      certificateCompression,
      now,
      provider,
      suites,
      groups,
      signatureSchemes: schemes,
      alpn: parseAlpn(this.#options.ALPNProtocols),
      verifyChain: (request) => this.check.verify(request),
      anyCertificate: !this.check.enforces,
      keylog: this.#socket.listenerCount('keylog') > 0,
    };
  }

  #checkName(
    name: NonNullable<SocketOptionsFor<TLSSocket>[typeof nameCheck]>,
    path: readonly ShownCertificate[],
  ): Error | undefined {
    const certificate = legacyChain(path, this.#context.provider.hashes);
    if (certificate === undefined) return undefined;
    return this.#ask(() => refusalOf(name(certificate)));
  }

  /** Calls SNICallback, then ALPNCallback, which may change the certificate by `setKeyCert()`, then 'OCSPRequest'. */
  #chooseCredentials(hello: ClientHelloView): Awaitable<readonly Credential[]> {
    const finish = (): Awaitable<readonly Credential[]> => {
      if (hello.alpn.length > 0) this.#protocol = this.#chooseProtocol(hello);
      const { credentials } = this.#context;
      const { server } = this.#options;
      if (!hello.wantsOcsp || server === undefined || server.listenerCount('OCSPRequest') === 0) return credentials;
      const fail = (error: Error): void => void this.#socket.destroy(error);
      return askOcsp(server, credentials, fail).catch((error) => {
        throw this.#note(error);
      });
    };
    // Before anything can fail: listeners of 'tlsClientError' want to know the name that the client asked for.
    this.#onServerName(hello.serverName ?? false);
    const { SNICallback } = this.#options;
    if (hello.serverName === undefined || !SNICallback) return finish();
    return this.#chooseContext(hello.serverName, SNICallback).then(finish);
  }

  /** Calls SNICallback. Where it gives no context, the context stays. */
  #chooseContext(serverName: string, SNICallback: SniCallbackFor<TLSSocket>): Promise<void> {
    return new Promise((resolve, reject) => {
      let answered = false;
      const answer = (error: Error | null | undefined, context?: unknown): void => {
        if (answered) {
          const twice = codedError('ERR_MULTIPLE_CALLBACK', 'Callback called multiple times');
          this.#socket.destroy(twice);
          return;
        }
        answered = true;
        try {
          if (error) throw error;
          if (context) this.#context = stateOf(context);
          resolve();
        } catch (cause) {
          reject(this.#note(cause));
        }
      };
      try {
        SNICallback.call(this.#socket, serverName, answer);
      } catch (cause) {
        reject(this.#note(cause));
      }
    });
  }

  #findPsk(callback: PskCallbackFor<TLSSocket>, identity: Uint8Array): ExternalPsk | undefined {
    // The callback takes text. An identity that is no UTF-8 (a ticket, for one) is not for it: two may give the same text.
    const name = Buffer.from(identity).toString();
    if (!Buffer.from(name).equals(identity)) return undefined;
    return this.#ask(() => serverPsk(identity, callback(this.#socket, name)));
  }

  #chooseProtocol(hello: ClientHelloView): Uint8Array | undefined {
    const protocols = hello.alpn.map((protocol) => Buffer.from(protocol).toString('latin1'));
    const chosen = this.#ask(() =>
      this.#options.ALPNCallback?.call(this.#socket, {
        servername: hello.serverName ?? false,
        protocols: [...protocols],
      }),
    );
    if (chosen === undefined) return undefined;
    const index = protocols.indexOf(chosen);
    if (index < 0) {
      const message = `ALPN callback returned a value (${chosen}) that did not match any of the client's offered protocols (${protocols.join(', ')})`;
      throw this.#note(codedError('ERR_TLS_ALPN_CALLBACK_INVALID_RESULT', message, undefined, TypeError));
    }
    return hello.alpn[index];
  }

  #ask<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#note(error);
    }
  }

  #note(error: unknown): Error {
    this.#applicationError ??= error instanceof Error ? error : new Error(String(error));
    return this.#applicationError;
  }
}
