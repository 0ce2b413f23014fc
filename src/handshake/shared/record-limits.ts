import { reject } from '../../errors.ts';
import { MAX_PLAINTEXT } from '../../limits.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import type { ClientConfig, ServerConfig } from '../terms/config.ts';
import type { Wire } from '../terms/wire.ts';

/** RFC 6066 §4: 2^9, 2^10, 2^11, 2^12. */
const fragmentLengths = [512, 1024, 2048, 4096] as const;

export function maxFragmentCode(length: NonNullable<ClientConfig['maxFragmentLength']>): number {
  return fragmentLengths.indexOf(length) + 1;
}

/** What a ClientHello says of the records that its client takes. */
export type ClientLimits =
  | { readonly by: 'record_size_limit'; readonly content: number }
  | { readonly by: 'max_fragment_length'; readonly code: number; readonly length: number };

/**
 * RFC 8449 §5: max_fragment_length does not count beside record_size_limit, not even as an error.
 * @throws TlsError illegal_parameter: a limit below 64 (RFC 8449 §4), a code that is not defined (RFC 6066 §4)
 */
export function readClientLimits({
  record_size_limit: limit,
  max_fragment_length: code,
}: ExtensionValues['CH']): ClientLimits | undefined {
  if (limit !== undefined) return { by: 'record_size_limit', content: contentOf(limit) };
  if (code === undefined) return undefined;
  const length = fragmentLengths[code - 1];
  if (length === undefined) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `max_fragment_length ${code} is not defined`);
  }
  return { by: 'max_fragment_length', code, length };
}

/** The limits of a server, and what it answers in EncryptedExtensions. */
export function agreeRecordLimits(
  wire: Wire,
  config: ServerConfig,
  client: ClientLimits | undefined,
): Pick<ExtensionValues['EE'], 'record_size_limit' | 'max_fragment_length'> {
  if (client === undefined) return {};
  if (client.by === 'max_fragment_length') {
    limitFragments(wire, client.length);
    return { max_fragment_length: client.code };
  }
  const own = config.recordSizeLimit ?? MAX_PLAINTEXT + 1;
  wire.limitRecords('write', client.content);
  wire.limitRecords('read', contentOf(own));
  return { record_size_limit: own };
}

/** The limits of a client: what the server answered. */
export function takeRecordLimits(
  wire: Wire,
  config: ClientConfig,
  { record_size_limit: limit, max_fragment_length: code }: ExtensionValues['EE'],
): void {
  if (limit !== undefined && code !== undefined) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'record_size_limit with max_fragment_length');
  }
  if (limit !== undefined && limit > MAX_PLAINTEXT + 1) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `record_size_limit ${limit} is more than there can be`);
  }
  if (limit !== undefined) {
    wire.limitRecords('write', contentOf(limit));
    wire.limitRecords('read', contentOf(config.recordSizeLimit ?? MAX_PLAINTEXT + 1));
  }
  if (code === undefined) return;
  const length = config.maxFragmentLength;
  if (length === undefined || code !== maxFragmentCode(length)) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'the server answered another max_fragment_length');
  }
  limitFragments(wire, length);
}

/**
 * RFC 9846 §5.4: the content type counts, too. Peers that do not count it are understood all the same.
 */
function limitFragments(wire: Wire, length: number): void {
  wire.limitRecords('write', length - 1);
  wire.limitRecords('read', length);
}

/** RFC 8449 §4: at least 64; one byte of it is the content type; a larger limit than ours means ours. */
function contentOf(limit: number): number {
  if (limit < MIN_LIMIT) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `record_size_limit ${limit} is less than ${MIN_LIMIT}`);
  }
  return Math.min(limit - 1, MAX_PLAINTEXT);
}

/** RFC 8449 §4 */
const MIN_LIMIT = 64;
