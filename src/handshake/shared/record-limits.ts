import { reject } from '../../errors.ts';
import { MAX_PLAINTEXT, MIN_RECORD_SIZE_LIMIT } from '../../limits.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import type { ClientConfig } from '../terms/config.ts';
import type { ClientEndpoint, ServerEndpoint } from '../terms/endpoint.ts';
import type { RecordLayer } from '../terms/record-layer.ts';

/** RFC 6066 §4: 2^9, 2^10, 2^11, 2^12. */
const fragmentLengths = [512, 1024, 2048, 4096] as const;

export function maxFragmentCode(length: NonNullable<ClientConfig['maxFragmentLength']>): number {
  return fragmentLengths.indexOf(length) + 1;
}

/** The record limit that a ClientHello asks for, and the extension that asks. */
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

/**
 * Applies a client's record limit, and the server's own.
 * @returns the server's answer in EncryptedExtensions
 */
export function agreeRecordLimits(
  { records, config }: ServerEndpoint,
  client: ClientLimits | undefined,
): Pick<ExtensionValues['EE'], 'record_size_limit' | 'max_fragment_length'> {
  if (client === undefined) return {};
  if (client.by === 'max_fragment_length') {
    limitFragments(records, client.length);
    return { max_fragment_length: client.code };
  }
  records.limitRecords('write', client.content);
  records.limitRecords('read', contentOf(config.recordSizeLimit));
  return { record_size_limit: config.recordSizeLimit };
}

/** Applies the record limits that a server has answered in EncryptedExtensions. */
export function takeRecordLimits(
  { records, config }: ClientEndpoint,
  { record_size_limit: limit, max_fragment_length: code }: ExtensionValues['EE'],
): void {
  if (limit !== undefined && code !== undefined) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'record_size_limit with max_fragment_length');
  }
  if (limit !== undefined && limit > MAX_PLAINTEXT + 1) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `record_size_limit ${limit} is more than there can be`);
  }
  if (limit !== undefined) {
    records.limitRecords('write', contentOf(limit));
    records.limitRecords('read', contentOf(config.recordSizeLimit));
  }
  if (code === undefined) return;
  const length = config.maxFragmentLength;
  if (length === undefined || code !== maxFragmentCode(length)) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'the server answered another max_fragment_length');
  }
  limitFragments(records, length);
}

/**
 * RFC 9846 §5.4: the content type counts as part of the fragment. What is read may be one byte longer, for peers that
 * do not count it.
 */
function limitFragments(records: RecordLayer, length: number): void {
  records.limitRecords('write', length - 1);
  records.limitRecords('read', length);
}

/**
 * The content bytes of a record_size_limit (RFC 8449 §4): one byte less, for the content type, and 2^14 at most.
 * @throws TlsError illegal_parameter for a limit below 64
 */
function contentOf(limit: number): number {
  if (limit < MIN_RECORD_SIZE_LIMIT) {
    reject(
      'ERR_TLS_EXTENSION_DECODE',
      'illegal_parameter',
      `record_size_limit ${limit} is less than ${MIN_RECORD_SIZE_LIMIT}`,
    );
  }
  return Math.min(limit - 1, MAX_PLAINTEXT);
}
