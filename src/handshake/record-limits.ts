import { reject } from '../errors.ts';
import { MAX_PLAINTEXT } from '../limits.ts';
import type { ExtensionValues } from '../wire/extensions.ts';
import type { ClientConfig, ServerConfig } from './config.ts';
import type { Wire } from './wire.ts';

/** RFC 6066 §4: 2^9, 2^10, 2^11, 2^12. */
const fragmentLengths = [512, 1024, 2048, 4096] as const;

export function maxFragmentCode(length: NonNullable<ClientConfig['maxFragmentLength']>): number {
  return fragmentLengths.indexOf(length) + 1;
}

/** The limits of a server, and what it answers in EncryptedExtensions. RFC 8449 §5: record_size_limit comes first. */
export function agreeRecordLimits(
  wire: Wire,
  config: ServerConfig,
  { record_size_limit: limit, max_fragment_length: code }: ExtensionValues['CH'],
): Pick<ExtensionValues['EE'], 'record_size_limit' | 'max_fragment_length'> {
  if (limit !== undefined) {
    const own = config.recordSizeLimit ?? MAX_PLAINTEXT + 1;
    wire.limitRecords('write', contentOf(limit));
    wire.limitRecords('read', contentOf(own));
    return { record_size_limit: own };
  }
  if (code === undefined) return {};
  const length = fragmentLengths[code - 1];
  if (length === undefined) {
    reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', `max_fragment_length ${code} is not defined`);
  }
  limitFragments(wire, length);
  return { max_fragment_length: code };
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
