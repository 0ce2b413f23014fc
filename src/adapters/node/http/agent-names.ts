import { createHash } from 'node:crypto';
import { defaultTrust } from '../context/ca.ts';
import { tlsDefaults } from '../context/context.ts';
import { type ConnectionOptionsFor, serverMustBeAuthorized } from '../options/connection.ts';
import { contextNames } from '../options/rules.ts';
import type { TLSSocket } from '../socket/tls-socket.ts';

/**
 * What an Agent calls its connections beside what Node's own name says. Two sets of options have the same text only
 * where a connection that was made with one is judged, and authenticates itself, as the other demands. Data are told
 * by what they hold; functions and objects of a class have no text, and are themselves alone.
 */
export class AgentNames {
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  of(options: ConnectionOptionsFor<TLSSocket>): string {
    const counting: Partial<Record<string, unknown>> = {
      // Not given, all are what they are now.
      checkServerIdentity: tlsDefaults.checkServerIdentity,
      ciphers: tlsDefaults.DEFAULT_CIPHERS,
      ecdhCurve: tlsDefaults.DEFAULT_ECDH_CURVE,
      ca: this.#number(defaultTrust()),
    };
    for (const name of telling) {
      const value = Object.hasOwn(options, name) ? Reflect.get(options, name) : undefined;
      if (value !== undefined && value !== null) counting[name] = value;
    }
    counting['rejectUnauthorized'] = serverMustBeAuthorized(options);
    const { provider } = counting;
    if (typeof provider === 'object' && provider !== null) counting['provider'] = this.#parts(provider);
    // Keys and passphrases are among it.
    return createHash('sha256').update(this.#text(counting, [])).digest('base64');
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

  /** A provider by its lists and functions, each by identity: it is mixed of them, and too large to be read each time. */
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
 * Every option of a connection, and whether connections that differ in it are kept apart by it: where it judges the
 * peer, authenticates us, or shapes what is negotiated. A new one has to be decided upon. Host, port, addresses and the
 * name asked for are in Node's name; the rest is how a connection is opened and read, whoever is at its other end.
 */
const keepsApart: { readonly [K in Extract<keyof ConnectionOptionsFor<TLSSocket>, string>]-?: boolean } = {
  // All of a context judges, authenticates or is negotiated.
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

const telling: readonly string[] = Object.entries(keepsApart).flatMap(([name, apart]) => (apart ? [name] : []));
