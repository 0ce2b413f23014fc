import { RECORD_HEADER } from '../limits.ts';

/** legacy_record_version, RFC 9846 §5.1: 0x0301 for an initial ClientHello, 0x0303 for all else. */
export const INITIAL_VERSION = 0x0301;
export const RECORD_VERSION = 0x0303;

/** ContentType type; ProtocolVersion legacy_record_version; uint16 length;  RFC 9846 §5.1 */
export function writeHeader(target: Uint8Array, offset: number, type: number, version: number, length: number): void {
  target[offset] = type;
  target[offset + 1] = version >>> 8;
  target[offset + 2] = version;
  target[offset + 3] = length >>> 8;
  target[offset + 4] = length;
}

export interface RecordHeader {
  readonly type: number;
  readonly version: number;
  readonly length: number;
}

/** @param bytes at least {@link RECORD_HEADER} of them */
export function readHeader(bytes: Uint8Array): RecordHeader {
  const [type = 0, major = 0, minor = 0, high = 0, low = 0] = bytes.subarray(0, RECORD_HEADER);
  return { type, version: (major << 8) | minor, length: (high << 8) | low };
}
