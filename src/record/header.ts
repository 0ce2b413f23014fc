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

/** A record's header without its version, which is ignored (RFC 9846 §5.1). */
export interface RecordHeader {
  readonly type: number;
  readonly length: number;
}

/** legacy_record_version, for the checks that do not ignore it. @param header five bytes */
export function readVersion(header: Uint8Array): number {
  return ((header[1] ?? 0) << 8) | (header[2] ?? 0);
}

/** Reads a header. @param bytes five of them */
export function readHeader(bytes: Uint8Array): RecordHeader {
  return { type: bytes[0] ?? 0, length: ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0) };
}
