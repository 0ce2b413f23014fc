/**
 * HelloRetryRequest on the server (RFC 9846 §4.2.4). `chooseGroup` (select.ts) decides that one is sent, by a choice
 * without a share; {@link lastHello} sends it, receives the second ClientHello and checks it against the first.
 *
 * With `retryCookies`, the second ClientHello may come on another connection: {@link openRetry} reads there what
 * {@link sealRetry} has put into the cookie. The client's side is client/retry.ts.
 */
import { equal, equalOrAbsent } from '../../bytes/equal.ts';
import { Writer } from '../../bytes/writer.ts';
import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import { messageHash, Transcript } from '../../keys/transcript.ts';
import { CipherSuiteId, NamedGroup, ProtocolVersion } from '../../wire/enums.ts';
import type { KeyShareEntry } from '../../wire/extensions.ts';
import { helloRetryRequestRandom } from '../../wire/messages.ts';
import { code, opaque, readExactly, struct, u8 } from '../../wire/schema.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import { emit } from '../terms/record-layer.ts';
import type { Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';
import { type Hello, type ReceivedHello, receiveHello } from './client-hello.ts';
import { encodeHello, sendChangeCipherSpec } from './messages.ts';
import { bindPsk } from './psk.ts';
import type { Plan } from './select.ts';

/** The ClientHello that the ServerHello answers: the second, where there was a HelloRetryRequest. */
export interface LastHello extends ReceivedHello {
  /** Undefined where a PSK is used alone. */
  readonly share: KeyShareEntry | undefined;
  /** Up to this ClientHello, without it. */
  readonly before: Transcript;
  readonly retried: boolean;
  /** Whether the first ClientHello offered 0-RTT data. */
  readonly earlyOffered: boolean;
}

/**
 * Where the client has sent no share for the group, asks for it by a HelloRetryRequest.
 * @param first the first ClientHello on this connection
 * @param retried the content of its cookie, where another connection has sent a HelloRetryRequest
 */
export function* lastHello(
  endpoint: ServerEndpoint,
  first: ReceivedHello,
  plan: Plan,
  retried: RetriedHello | undefined,
): Script<LastHello> {
  if (retried !== undefined) return continueRetry(first, plan, retried);
  const { suite, choice, psk } = plan;
  const before = Transcript.from(suite.hash);
  const earlyOffered = first.hello.extensions.early_data === true;
  if (choice === undefined || choice.share !== undefined) {
    return { ...first, share: choice?.share, before, retried: false, earlyOffered };
  }
  const { records, config } = endpoint;
  const { group } = choice;
  // A wrong binder ends the handshake here already, where an unknown PSK does (RFC 9846 Appendix F.6).
  if (psk !== undefined) bindPsk(config, psk, first.hello, before, first.raw);
  before.add(first.raw);
  records.checkAligned();
  const state = { suite: suite.id, group: group.id, earlyOffered: Number(earlyOffered), hash: before.hash() };
  const cookie = sealRetry(config, state);
  const transcript = before.intoRetry();
  emit(records, transcript, encodeRetry(first.hello, suite, group, cookie));
  sendChangeCipherSpec(endpoint, first.hello);
  if (cookie !== undefined) records.retrySent();
  if (earlyOffered) records.skipEarlyData(config.maxEarlyDataSize);
  const second = yield* receiveHello(endpoint);
  const share = checkRetriedHello(first.hello, second.hello, group, cookie);
  return { ...second, share, before: transcript, retried: true, earlyOffered };
}

/**
 * The second ClientHello of a client that another connection has sent a HelloRetryRequest: the cookie stands for it.
 */
function continueRetry(
  second: ReceivedHello,
  { suite, choice }: Plan,
  { hash, earlyOffered }: RetriedHello,
): LastHello {
  if (choice?.share === undefined) {
    reject('ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter', 'the second ClientHello is not the first one retried');
  }
  const { group, share } = choice;
  const before = Transcript.from(suite.hash);
  before.add(messageHash(hash));
  before.add(encodeRetry(second.hello, suite, group, second.hello.extensions.cookie));
  return { ...second, share, before, retried: true, earlyOffered: earlyOffered === 1 };
}

function encodeRetry(hello: Hello, suite: CipherSuite, group: Group, cookie: Uint8Array | undefined): Uint8Array {
  return encodeHello(helloRetryRequestRandom, hello, suite, {
    key_share: group.id,
    ...(cookie !== undefined && { cookie }),
    supported_versions: ProtocolVersion.TLS13,
  });
}

/** The second ClientHello may differ from the first only as RFC 9846 §4.2.2 lists. */
function checkRetriedHello(first: Hello, second: Hello, group: Group, cookie: Uint8Array | undefined): KeyShareEntry {
  const same =
    equal(first.body.random, second.body.random) &&
    equal(first.body.legacySessionId, second.body.legacySessionId) &&
    sameNumbers(first.body.cipherSuites, second.body.cipherSuites) &&
    sameNumbers(first.view.groups, second.view.groups) &&
    sameNumbers(first.view.signatureSchemes, second.view.signatureSchemes) &&
    sameNumbers(pskModesOf(first), pskModesOf(second)) &&
    first.view.serverName === second.view.serverName;
  if (!same) {
    reject('ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter', 'the second ClientHello is not the first one retried');
  }
  checkCookie(second.extensions.cookie, cookie);
  return retriedShare(second, group);
}

/** The one share of the second ClientHello: of the group that the HelloRetryRequest asked for. */
export function retriedShare({ extensions }: Hello, group: Group): KeyShareEntry {
  const shares = extensions.key_share ?? [];
  const [share] = shares;
  if (share === undefined || shares.length !== 1 || share.group !== group.id) {
    reject(
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
      'the second ClientHello has not the one share that was asked for',
    );
  }
  return share;
}

function checkCookie(received: Uint8Array | undefined, sent: Uint8Array | undefined): void {
  if (!equalOrAbsent(sent, received))
    reject('ERR_TLS_COOKIE', 'illegal_parameter', 'the cookie of the HelloRetryRequest did not come back');
}

function pskModesOf({ extensions }: Hello): readonly number[] {
  return extensions.psk_key_exchange_modes ?? [];
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/**
 * All that the server must remember of a ClientHello that it has answered with a HelloRetryRequest: its cookie's
 * content.
 */
export interface RetriedHello {
  readonly suite: number;
  readonly group: number;
  /** Whether 0-RTT data was offered with it. */
  readonly earlyOffered: number;
  /** Hash of the first ClientHello, for message_hash (RFC 9846 §4.1). */
  readonly hash: Uint8Array;
}
const RetriedHello = struct<RetriedHello>('RetriedHello', {
  suite: code(2, CipherSuiteId),
  group: code(2, NamedGroup),
  earlyOffered: u8,
  hash: opaque('u8', 1),
});

/** The cookie of a HelloRetryRequest, RFC 9846 §4.3.2; undefined where the configuration has no `retryCookies`. */
function sealRetry({ retryCookies }: ServerSettings, retried: RetriedHello): Uint8Array | undefined {
  if (retryCookies === undefined) return undefined;
  const w = new Writer(64);
  RetriedHello.write(w, retried);
  return retryCookies.seal(w.finish());
}

/**
 * Opens the cookie of the first ClientHello on this connection: another connection sent the HelloRetryRequest.
 * @returns undefined where there is no cookie, and so no HelloRetryRequest was sent
 */
export function openRetry({ retryCookies }: ServerSettings, { extensions }: Hello): RetriedHello | undefined {
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
