import { createHash } from 'node:crypto';
import { defaultTrust } from '../context/ca.ts';
import { tlsDefaults } from '../context/context.ts';
import { type ConnectionOptionsFor, serverMustBeAuthorized } from '../options/connection.ts';
import { contextNames } from '../options/rules.ts';
import type { TLSSocket } from '../socket/tls-socket.ts';

/**
 * Makes the part of a connection's name that an Agent of opentls adds to Node's. Two sets of options get the same text only
 * where a connection made with one judges the peer, and authenticates itself, as the other demands. Text, numbers, bytes,
 * arrays and plain objects are compared by their contents, functions and objects of a class by identity.
 */
export class AgentNames {
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  of(options: ConnectionOptionsFor<TLSSocket>): string {
    const settled: Partial<Record<string, unknown>> = {
      // The defaults of the module, as they are now.
      checkServerIdentity: tlsDefaults.checkServerIdentity,
      ciphers: tlsDefaults.DEFAULT_CIPHERS,
      ecdhCurve: tlsDefaults.DEFAULT_ECDH_CURVE,
      ca: this.#number(defaultTrust()),
    };
    for (const name of separatingNames) {
      const value = Object.hasOwn(options, name) ? Reflect.get(options, name) : undefined;
      if (value !== undefined && value !== null) settled[name] = value;
    }
    settled['rejectUnauthorized'] = serverMustBeAuthorized(options);
    const { provider } = settled;
    if (typeof provider === 'object' && provider !== null) settled['provider'] = this.#parts(provider);
    // A digest, because the text holds keys and passphrases.
    return createHash('sha256').update(this.#text(settled, [])).digest('base64');
  }

  #text(value: unknown, within: readonly object[]): string {
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return this.#number(value);
    if (typeof value !== 'object' || value === null) return String(value);
    if (ArrayBuffer.isView(value)) return digest(value);
    if (within.includes(value) || !isData(value)) return this.#number(value);
    const around = [...within, value];
    if (Array.isArray(value)) return `[${Array.from(value, (item) => this.#text(item, around)).join()}]`;
    const fields = Reflect.ownKeys(value)
      .filter((key) => typeof key === 'string')
      .sort()
      .map((key) => `${JSON.stringify(key)}:${this.#text(Reflect.get(value, key), around)}`);
    return `{${fields.join()}}`;
  }

  /**
   * Names a provider by its lists and functions, each by identity: programs mix providers from the lists of others, and to
   * read all of one for each request would take too long.
   */
  #parts(provider: object): readonly string[] {
    return Object.entries(provider).map(([name, part]) => {
      const isText = typeof part !== 'function' && (typeof part !== 'object' || part === null);
      return `${name}:${isText ? String(part) : this.#number(part)}`;
    });
  }

  #number(value: object): string {
    const known = this.#numbers.get(value) ?? ++this.#last;
    this.#numbers.set(value, known);
    return `#${known}`;
  }
}

function digest({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

/** An array, or an object without a class. */
function isData(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/**
 * Every option of a connection, and whether the agent keeps connections apart that differ in it. True: the option decides
 * how the peer is judged, how this side authenticates itself, or what is negotiated. False: it is in Node's name already
 * (host, port, addresses, server name), or says only how the connection is opened and read. A new option does not compile
 * until it stands here.
 */
const separating: { readonly [K in Extract<keyof ConnectionOptionsFor<TLSSocket>, string>]-?: boolean } = {
  ...contextNames,
  secureContext: true,
  requestCert: true,
  rejectUnauthorized: true,
  ALPNProtocols: true,
  pskCallback: true,
  requestOCSP: true,
  checkServerIdentity: true,
  minDHSize: true,
  session: false,
  earlyData: false,
  enableTrace: false,
  pauseOnConnect: false,
  allowHalfOpen: false,
  highWaterMark: false,
  signal: false,
  onread: false,
  noDelay: false,
  keepAlive: false,
  keepAliveInitialDelay: false,
  blockList: false,
  host: false,
  port: false,
  path: false,
  socket: false,
  servername: false,
  timeout: false,
  localAddress: false,
  localPort: false,
  family: false,
  hints: false,
  lookup: false,
  autoSelectFamily: false,
  autoSelectFamilyAttemptTimeout: false,
};

const separatingNames: readonly string[] = Object.keys(separating).filter((name) => Reflect.get(separating, name));
