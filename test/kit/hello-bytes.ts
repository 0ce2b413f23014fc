import { CipherSuiteId, ExtensionType, NamedGroup, ProtocolVersion, SignatureScheme } from '#opentls/wire/enums';
import { randomBytes } from './random.ts';

// ClientHellos made by hand: RFC 9846 §4.2.2, byte by byte.

/** The fields in which a ClientHello differs from a small one. */
export interface HelloShape {
  readonly suites?: readonly number[];
  readonly groups?: readonly number[];
  readonly schemes?: readonly number[];
  readonly sessionId?: Uint8Array;
  readonly shares?: readonly Uint8Array[];
  /** Extensions between the others and pre_shared_key. */
  readonly more?: readonly Uint8Array[];
  readonly last?: Uint8Array;
}

export function u16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 255]));
}

/** A vector with a length of two bytes in front. */
export function vector(...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  return Buffer.concat([u16(body.length), body]);
}

export function extension(type: number, ...data: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([u16(type), vector(...data)]);
}

/** The `count` integers from `start` on. */
export function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

export function keyShare(group: number, key: Uint8Array): Uint8Array {
  return Buffer.concat([u16(group), vector(key)]);
}

/** The base point of P-256: a share that any server takes. */
export const goodShare: Uint8Array = keyShare(
  NamedGroup.secp256r1,
  Buffer.from(
    '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
      '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    'hex',
  ),
);

/** The whole message, with its header. */
export function helloMessage(shape: HelloShape = {}): Uint8Array {
  const {
    suites = [CipherSuiteId.TLS_AES_128_GCM_SHA256],
    groups = [NamedGroup.secp256r1],
    schemes = [SignatureScheme.ecdsa_secp256r1_sha256],
    sessionId = new Uint8Array(0),
    shares = [goodShare],
    more = [],
    last = new Uint8Array(0),
  } = shape;
  const body = Buffer.concat([
    u16(ProtocolVersion.TLS12),
    random,
    Uint8Array.of(sessionId.length),
    sessionId,
    vector(u16(...suites)),
    Uint8Array.of(1, 0),
    vector(
      extension(ExtensionType.supported_versions, Uint8Array.of(2), u16(ProtocolVersion.TLS13)),
      extension(ExtensionType.signature_algorithms, vector(u16(...schemes))),
      extension(ExtensionType.supported_groups, vector(u16(...groups))),
      extension(ExtensionType.key_share, vector(...shares)),
      ...more,
      last,
    ),
  ]);
  return Buffer.concat([Uint8Array.of(1, body.length >> 16), u16(body.length & 0xffff), body]);
}

/** Splits a message into records of `size` bytes; the default is the most that RFC 9846 §5.1 allows. */
export function asRecords(message: Uint8Array, size = 0x4000): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Uint8Array.of(22, 3, 1), vector(part));
  }
  return Buffer.concat(records);
}

/** Bytes of a list that fills an extension, with room for the small ones beside it. */
export const FULL: number = 65_000;

export function filled(unit: Uint8Array, bytes: number): Uint8Array[] {
  return new Array<Uint8Array>(Math.floor(bytes / unit.length)).fill(unit);
}

const identity = Buffer.concat([vector(Uint8Array.of(7)), new Uint8Array(4)]);
const binder = Uint8Array.of(32, ...new Uint8Array(32));

/** ClientHellos with one long list each, of about `bytes` bytes, whose entries no server knows. */
export const longLists: Readonly<Record<string, (bytes: number) => HelloShape>> = {
  'cipher suites': (bytes) => ({
    suites: [...range(0x5000, (bytes >> 1) % 0xa000), CipherSuiteId.TLS_AES_128_GCM_SHA256],
  }),
  groups: (bytes) => ({ groups: [...range(0x5000, (bytes >> 1) % 0xa000), NamedGroup.secp256r1] }),
  'the same group': (bytes) => ({
    groups: [...new Array<number>(bytes >> 1).fill(NamedGroup.x25519), NamedGroup.secp256r1],
  }),
  'signature schemes': (bytes) => ({
    schemes: [...range(0x5000, (bytes >> 1) % 0xa000), SignatureScheme.ecdsa_secp256r1_sha256],
  }),
  extensions: (bytes) => ({ more: range(0x4000, bytes >> 2).map((type) => extension(type)) }),
  'ALPN names': (bytes) => ({
    more: [
      extension(ExtensionType.application_layer_protocol_negotiation, vector(...filled(Uint8Array.of(1, 120), bytes))),
    ],
  }),
  authorities: (bytes) => ({
    more: [extension(ExtensionType.certificate_authorities, vector(...filled(Uint8Array.of(0, 2, 0x30, 0), bytes)))],
  }),
  'names that are no host names': (bytes) => ({
    more: [extension(ExtensionType.server_name, vector(...filled(Uint8Array.of(1, 0, 1, 65), bytes)))],
  }),
  'schemes of delegated credentials': (bytes) => ({
    more: [extension(ExtensionType.delegated_credential, vector(u16(...range(0x5000, (bytes >> 1) % 0xa000))))],
  }),
  'PSK identities': (bytes) => {
    const count = Math.floor(bytes / (identity.length + binder.length));
    const psks = [vector(...new Array(count).fill(identity)), vector(...new Array(count).fill(binder))];
    return {
      more: [extension(ExtensionType.psk_key_exchange_modes, Uint8Array.of(1, 1))],
      last: extension(ExtensionType.pre_shared_key, ...psks),
    };
  },
  padding: (bytes) => ({ more: [extension(ExtensionType.padding, new Uint8Array(bytes))] }),
};

const random = randomBytes(422)(32);
