import { NamedGroup, ProtocolVersion, SignatureScheme } from '#opentls/wire/enums';
import {
  type Extension,
  type ExtensionHome,
  type ExtensionValues,
  extensionTable,
  writeExtensions,
} from '#opentls/wire/extensions';
import { randomBytes } from '../../kit/random.ts';

// The rows of the extension table, and for each of them a good extension in each message where it may stand.

export type Name = keyof typeof extensionTable;
export const names = Object.keys(extensionTable) as Name[];
const bytes = randomBytes(46);

/** An extension that is good in each message where it may stand: a client that is `asking()` asked for it. */
export const samples: { readonly [M in ExtensionHome]: Required<ExtensionValues[M]> } = {
  CH: {
    server_name: [{ nameType: 0, name: new TextEncoder().encode('localhost') }],
    max_fragment_length: 1,
    status_request: { statusType: 1, request: new Uint8Array(4) },
    supported_groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
    application_layer_protocol_negotiation: [new Uint8Array([104, 50])],
    signed_certificate_timestamp: true,
    client_certificate_type: [0, 2],
    server_certificate_type: [0, 2],
    padding: new Uint8Array(3),
    compress_certificate: [1],
    record_size_limit: 16385,
    delegated_credential: [SignatureScheme.ecdsa_secp256r1_sha256],
    pre_shared_key: {
      identities: [{ identity: bytes(20), obfuscatedTicketAge: 1 }],
      binders: [bytes(32)],
    },
    early_data: true,
    supported_versions: [ProtocolVersion.TLS13],
    cookie: bytes(8),
    psk_key_exchange_modes: [1],
    certificate_authorities: [new Uint8Array([0x30, 0])],
    post_handshake_auth: true,
    signature_algorithms_cert: [SignatureScheme.ecdsa_secp256r1_sha256],
    key_share: [{ group: NamedGroup.x25519, keyExchange: bytes(32) }],
    tls_flags: new Uint8Array([1, 1]),
  },
  SH: {
    pre_shared_key: 0,
    supported_versions: ProtocolVersion.TLS13,
    key_share: { group: NamedGroup.x25519, keyExchange: bytes(32) },
    tls_flags: new Uint8Array([1, 1]),
  },
  HRR: {
    supported_versions: ProtocolVersion.TLS13,
    cookie: bytes(8),
    key_share: NamedGroup.secp256r1,
    tls_flags: new Uint8Array([1, 1]),
  },
  EE: {
    server_name: true,
    max_fragment_length: 1,
    client_certificate_type: 0,
    server_certificate_type: 0,
    record_size_limit: 16385,
    supported_groups: [NamedGroup.x25519],
    application_layer_protocol_negotiation: [new Uint8Array([104, 50])],
    early_data: true,
    tls_flags: new Uint8Array([1, 1]),
  },
  CT: {
    status_request: { statusType: 1, response: new Uint8Array([0x30, 0]) },
    signed_certificate_timestamp: new Uint8Array([0, 4, 0, 2, 7, 7]),
    delegated_credential: bytes(100),
    tls_flags: new Uint8Array([1, 1]),
  },
  CR: {
    server_name: new Uint8Array([0, 4, 0, 0, 1, 104]),
    status_request: true,
    signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
    signed_certificate_timestamp: true,
    compress_certificate: [1],
    delegated_credential: [SignatureScheme.ecdsa_secp256r1_sha256],
    certificate_authorities: [new Uint8Array([0x30, 0])],
    oid_filters: new Uint8Array([0, 6, 2, 0x55, 0x1d, 0, 1, 0]),
    signature_algorithms_cert: [SignatureScheme.ecdsa_secp256r1_sha256],
    tls_flags: new Uint8Array([1, 1]),
  },
  NST: { early_data: 1000, tls_flags: new Uint8Array([1]) },
};

/** Width of the length prefix of the vector that an extension ends with; 0: it ends with no vector. */
export const vectors: Widths = {
  CH: {
    server_name: 2,
    max_fragment_length: 0,
    status_request: 2,
    supported_groups: 2,
    signature_algorithms: 2,
    application_layer_protocol_negotiation: 2,
    signed_certificate_timestamp: 0,
    client_certificate_type: 1,
    server_certificate_type: 1,
    padding: 0,
    compress_certificate: 1,
    record_size_limit: 0,
    delegated_credential: 2,
    pre_shared_key: 2,
    early_data: 0,
    supported_versions: 1,
    cookie: 2,
    psk_key_exchange_modes: 1,
    certificate_authorities: 2,
    post_handshake_auth: 0,
    signature_algorithms_cert: 2,
    key_share: 2,
    tls_flags: 1,
  },
  SH: { pre_shared_key: 0, supported_versions: 0, key_share: 2, tls_flags: 1 },
  HRR: { supported_versions: 0, cookie: 2, key_share: 0, tls_flags: 1 },
  EE: {
    server_name: 0,
    max_fragment_length: 0,
    client_certificate_type: 0,
    server_certificate_type: 0,
    record_size_limit: 0,
    supported_groups: 2,
    application_layer_protocol_negotiation: 2,
    early_data: 0,
    tls_flags: 1,
  },
  CT: { status_request: 3, signed_certificate_timestamp: 2, delegated_credential: 0, tls_flags: 1 },
  CR: {
    server_name: 0,
    status_request: 0,
    signature_algorithms: 2,
    signed_certificate_timestamp: 0,
    compress_certificate: 1,
    delegated_credential: 2,
    certificate_authorities: 2,
    oid_filters: 2,
    signature_algorithms_cert: 2,
    tls_flags: 1,
  },
  NST: { early_data: 0, tls_flags: 1 },
};
type Widths = { readonly [M in ExtensionHome]: { readonly [K in keyof ExtensionValues[M]]-?: 0 | 1 | 2 | 3 } };

/** The extension as it is on the wire: what stands there, or else where it may stand. */
export function encoded(name: Name, home: ExtensionHome): Extension {
  const value = (samples[home] as Record<string, unknown>)[name];
  if (value === undefined) throw new Error(`${name} has no sample for ${home}`);
  const [extension] = writeExtensions(home, { [name]: value });
  if (extension === undefined) throw new Error(`${name} does not encode`);
  return extension;
}

export function homesOf(name: Name): ExtensionHome[] {
  return Object.keys(extensionTable[name] ?? {}) as ExtensionHome[];
}
