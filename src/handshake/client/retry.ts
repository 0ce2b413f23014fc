/**
 * HelloRetryRequest on the client (RFC 9846 §4.2.4), from the message to the ServerHello that follows it. client.ts
 * calls {@link answerRetry} where `isRetry` (checks.ts) says so; the server's side is server/retry.ts.
 */
import type { CipherSuite } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import type { Transcript } from '../../keys/transcript.ts';
import { ExtensionType, HandshakeType as H, ProtocolVersion } from '../../wire/enums.ts';
import { type ExtensionValues, readExtensions, writeExtensions } from '../../wire/extensions.ts';
import type { MessageOf, ServerHello } from '../../wire/messages.ts';
import { isGrease } from '../shared/grease.ts';
import { groupById } from '../terms/enabled.ts';
import type { ClientEndpoint } from '../terms/endpoint.ts';
import { emit } from '../terms/record-layer.ts';
import { ask, expect, type Script } from '../terms/script.ts';
import { checkSharedFields, groupName, isRetry } from './checks.ts';
import { finishOffer, type Offer, without } from './offer.ts';

/** The hello messages of a handshake, once a ServerHello has come. */
export interface Hellos {
  /** The last ClientHello. */
  readonly offer: Offer;
  readonly hello: MessageOf<typeof H.server_hello>;
  /** Up to the last ClientHello. */
  readonly transcript: Transcript;
}

/**
 * Checks a HelloRetryRequest, sends the second ClientHello and receives the ServerHello.
 * @param first the first ClientHello
 * @param suite of the HelloRetryRequest
 * @param before the transcript up to the first ClientHello
 */
export function* answerRetry(
  endpoint: ClientEndpoint,
  first: Offer,
  retryHello: MessageOf<typeof H.server_hello>,
  suite: CipherSuite,
  before: Transcript,
): Script<Hellos> {
  const { records } = endpoint;
  const retry = checkRetry(first, retryHello.body);
  records.checkAligned();
  if (first.early !== undefined) {
    // RFC 9846 §4.3.10: a HelloRetryRequest refuses 0-RTT data.
    records.earlyDecided(false);
    records.unprotectWrite();
  }
  // RFC 9846 §4.1: ClientHello1 becomes message_hash.
  const transcript = before.intoRetry();
  transcript.add(retryHello.raw);
  const offer = yield* retriedOffer(endpoint, first, retry, suite, transcript);
  if (offer.hello.legacySessionId.length > 0) records.changeCipherSpec();
  emit(records, transcript, offer.message);
  const hello = yield* expect(H.server_hello);
  checkAgainstRetry(retryHello.body, retry, hello.body);
  checkSharedFields(endpoint.config, offer, hello.body);
  return { offer, hello, transcript };
}

/** A HelloRetryRequest must change the ClientHello, and ask for a group that was offered (RFC 9846 §4.2.4, §4.3.8). */
function checkRetry(offer: Offer, hello: ServerHello): ExtensionValues['HRR'] {
  const cookieAllowed = new Set([...offer.types, ExtensionType.cookie]);
  const retry = readExtensions('HRR', hello.extensions, cookieAllowed);
  const { key_share: group, cookie } = retry;
  if (group === undefined && cookie === undefined) {
    reject('ERR_TLS_EMPTY_HELLO_RETRY_REQUEST', 'illegal_parameter', 'the HelloRetryRequest asks for no change');
  }
  if (group === undefined) return retry;
  if (isGrease(group) || !offer.extensions.supported_groups?.includes(group)) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `${groupName(group)} was asked for but not offered`);
  }
  if (offer.shares.some((share) => share.group === group)) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', `a share for ${groupName(group)} was sent already`);
  }
  return retry;
}

/** The ServerHello after a HelloRetryRequest keeps its version, suite and group (RFC 9846 §4.2.4). */
function checkAgainstRetry(retryHello: ServerHello, retry: ExtensionValues['HRR'], hello: ServerHello): void {
  if (isRetry(hello)) reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', 'a second HelloRetryRequest');
  const version = readExtensions(
    'SH',
    hello.extensions.filter(({ type }) => type === ExtensionType.supported_versions),
  );
  if (version.supported_versions !== ProtocolVersion.TLS13) {
    reject('ERR_TLS_VERSION_CHANGED', 'illegal_parameter', 'the version changed after the HelloRetryRequest');
  }
  if (hello.legacyVersion !== retryHello.legacyVersion) {
    reject('ERR_TLS_LEGACY_FIELD', 'protocol_version', 'legacy_version changed after the HelloRetryRequest');
  }
  if (hello.cipherSuite !== retryHello.cipherSuite) {
    reject('ERR_TLS_WRONG_CIPHER', 'illegal_parameter', 'the cipher suite changed after the HelloRetryRequest');
  }
  const share = hello.extensions.find((extension) => extension.type === ExtensionType.key_share);
  const selected = share && readExtensions('SH', [share]).key_share?.group;
  if (retry.key_share !== undefined && selected !== undefined && selected !== retry.key_share) {
    reject('ERR_TLS_WRONG_GROUP', 'illegal_parameter', 'the group changed after the HelloRetryRequest');
  }
}

/**
 * The second ClientHello: the first with one new share, the cookie, and the PSKs that fit (RFC 9846 §4.2.2).
 * @param transcript up to the HelloRetryRequest
 */
function* retriedOffer(
  { config, custody }: ClientEndpoint,
  first: Offer,
  retry: ExtensionValues['HRR'],
  suite: CipherSuite,
  transcript: Transcript,
): Script<Offer> {
  let { shares } = first;
  // RFC 9846 §4.2.2: pre_shared_key is made anew, early_data is removed.
  let extensions = without(first.hello.extensions, ExtensionType.pre_shared_key, ExtensionType.early_data);
  if (retry.key_share !== undefined) {
    const group = groupById(config.provider, retry.key_share);
    const share = custody.hold(yield* ask('keyShare', { group }));
    for (const old of shares) old.wipe();
    shares = [share];
    const [replacement] = writeExtensions('CH', { key_share: [{ group: share.group, keyExchange: share.publicKey }] });
    extensions = extensions.map((old) => (old.type === replacement?.type ? replacement : old));
  }
  if (retry.cookie !== undefined) extensions = [...extensions, ...writeExtensions('CH', { cookie: retry.cookie })];
  const [psks, others] = partition(first.psks, (psk) => psk.hash === suite.hash);
  for (const { early } of others) early.wipe();
  return finishOffer(config, { hello: { ...first.hello, extensions }, shares, psks, early: undefined }, transcript);
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
