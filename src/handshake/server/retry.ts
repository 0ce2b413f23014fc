import { Writer } from '../../bytes/writer.ts';
import { reject } from '../../errors.ts';
import { CipherSuiteId, NamedGroup } from '../../wire/enums.ts';
import { code, opaque, readExactly, struct, u8 } from '../../wire/schema.ts';
import type { ServerConfig } from '../terms/config.ts';
import type { Hello } from './client-hello.ts';

/** All that a server has to know of a ClientHello that it has answered with a HelloRetryRequest. */
export interface RetriedHello {
  readonly suite: number;
  readonly group: number;
  /** Whether 0-RTT data was offered with it. */
  readonly earlyOffered: number;
  /** Of the first ClientHello, for message_hash (RFC 9846 §4.1). */
  readonly hash: Uint8Array;
}
const RetriedHello = struct<RetriedHello>('RetriedHello', {
  suite: code(2, CipherSuiteId),
  group: code(2, NamedGroup),
  earlyOffered: u8,
  hash: opaque('u8', 1),
});

/** The cookie for a HelloRetryRequest, RFC 9846 §4.3.2; undefined where none is sent. */
export function sealRetry({ retryCookies }: ServerConfig, retried: RetriedHello): Uint8Array | undefined {
  if (retryCookies === undefined) return undefined;
  const w = new Writer(64);
  RetriedHello.write(w, retried);
  return retryCookies.seal(w.finish());
}

/**
 * What the cookie of a ClientHello says: this connection did not send the HelloRetryRequest that it answers.
 * @returns undefined without a cookie: the ClientHello is a first one
 */
export function openRetry({ retryCookies }: ServerConfig, { extensions }: Hello): RetriedHello | undefined {
  if (extensions.cookie === undefined) return undefined;
  const state = retryCookies?.open(extensions.cookie);
  const retried = state && readExactly(RetriedHello, state);
  return (
    retried ??
    reject(
      'ERR_TLS_COOKIE',
      'illegal_parameter',
      'a first ClientHello with a cookie that is not ours (RFC 9846 §4.3.2)',
    )
  );
}
