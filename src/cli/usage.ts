import { readFileSync } from 'node:fs';
import { anchorsOf, defaultTrust } from '../adapters/node/context/ca.ts';
import { TrustStore, type TrustStoreOptions } from '../x509/path/trust.ts';

/** A mistake in the words after a command. */
export class UsageError extends Error {}

/** The result of `read`, or the mistake that it found in the words of a command. */
export function readArguments<T>(read: () => T): T | UsageError {
  try {
    return read();
  } catch (error) {
    // parseArgs throws TypeErrors whose code starts so, for options that are unknown or lack a value.
    if (error instanceof UsageError) return error;
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      return new UsageError(error.message);
    }
    throw error;
  }
}

/** Trust anchors, and where they come from. */
export interface Trust {
  readonly source: string;
  readonly store: TrustStore;
}

/** @param file with certificates, PEM or DER; absent: the roots that come with Node */
export function readTrust(file: string | undefined, options: TrustStoreOptions = {}): Trust {
  if (file === undefined) return { source: 'default roots', store: defaultTrust() };
  const { anchors, unread } = readFrom('--ca', file, (bytes) => anchorsOf(bytes, '--ca'));
  const store = TrustStore.from(anchors, { ...options, unread });
  const [first] = store.nameless;
  const why = first === undefined ? '' : `: ${first.which}: ${first.reason}`;
  if (store.size === 0) throw new UsageError(`--ca: '${file}' holds no certificate${why}`);
  return { source: file, store };
}

/** @throws UsageError that names the option and the file */
export function readFrom<T>(option: string, file: string, read: (bytes: Buffer) => T): T {
  try {
    return read(readFileSync(file));
  } catch (error) {
    throw new UsageError(`${option}: '${file}': ${error instanceof Error ? error.message : String(error)}`);
  }
}
