/**
 * The code points of RFC 9846 and its companions. Open enums: a value that is not listed is a number like any other.
 */

/** RFC 9846 §5.1 */
export const ContentType = {
  invalid: 0,
  change_cipher_spec: 20,
  alert: 21,
  handshake: 22,
  application_data: 23,
} as const;
export type ContentType = number;

/** RFC 9846 §4, RFC 8879 §7.2 (compressed_certificate) */
export const HandshakeType = {
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  certificate_request: 13,
  certificate_verify: 15,
  finished: 20,
  key_update: 24,
  compressed_certificate: 25,
  message_hash: 254,
} as const;
export type HandshakeType = (typeof HandshakeType)[keyof typeof HandshakeType];

/** RFC 9846 §4.2.1 */
export const ProtocolVersion = { TLS12: 0x0303, TLS13: 0x0304 } as const;

/** RFC 9846 §4.3 and the registries it names */
export const ExtensionType = {
  server_name: 0,
  max_fragment_length: 1,
  status_request: 5,
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  use_srtp: 14,
  heartbeat: 15,
  application_layer_protocol_negotiation: 16,
  signed_certificate_timestamp: 18,
  client_certificate_type: 19,
  server_certificate_type: 20,
  padding: 21,
  extended_main_secret: 23,
  compress_certificate: 27,
  record_size_limit: 28,
  delegated_credential: 34,
  session_ticket: 35,
  pre_shared_key: 41,
  early_data: 42,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  certificate_authorities: 47,
  oid_filters: 48,
  post_handshake_auth: 49,
  signature_algorithms_cert: 50,
  key_share: 51,
  // draft-ietf-tls-tlsflags
  tls_flags: 62,
  renegotiation_info: 0xff01,
} as const;
export type ExtensionName = keyof typeof ExtensionType;

/** RFC 9846 §4.3.7, draft-ietf-tls-ecdhe-mlkem §4 */
export const NamedGroup = {
  secp256r1: 0x0017,
  secp384r1: 0x0018,
  secp521r1: 0x0019,
  x25519: 0x001d,
  x448: 0x001e,
  // draft-ietf-tls-mlkem
  MLKEM768: 0x0201,
  MLKEM1024: 0x0202,
  SecP256r1MLKEM768: 0x11eb,
  X25519MLKEM768: 0x11ec,
  SecP384r1MLKEM1024: 0x11ed,
} as const;

/** RFC 9846 Appendix B.4 */
export const CipherSuiteId = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  TLS_AES_128_CCM_SHA256: 0x1304,
  TLS_AES_128_CCM_8_SHA256: 0x1305,
} as const;

/** RFC 9846 §4.3.3 */
export const SignatureScheme = {
  rsa_pkcs1_sha1: 0x0201,
  ecdsa_sha1: 0x0203,
  rsa_pkcs1_sha256: 0x0401,
  ecdsa_secp256r1_sha256: 0x0403,
  // RFC 9963
  rsa_pkcs1_sha256_legacy: 0x0420,
  rsa_pkcs1_sha384: 0x0501,
  ecdsa_secp384r1_sha384: 0x0503,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_secp521r1_sha512: 0x0603,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  ed25519: 0x0807,
  ed448: 0x0808,
  rsa_pss_pss_sha256: 0x0809,
  rsa_pss_pss_sha384: 0x080a,
  rsa_pss_pss_sha512: 0x080b,
  // draft-ietf-tls-mldsa
  mldsa44: 0x0904,
  mldsa65: 0x0905,
  mldsa87: 0x0906,
} as const;

/** CertificateType, RFC 7250 §3 (RFC 9846 §4.5.1 forbids OpenPGP, 1) */
export const CertificateTypeId = { X509: 0, RawPublicKey: 2 } as const;

/** RFC 9846 §4.7.3 */
export const KeyUpdateRequest = { update_not_requested: 0, update_requested: 1 } as const;

/** The name of a code point, or its hex form: for messages and dumps. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  for (const [name, id] of Object.entries(table)) if (id === value) return name;
  return `0x${value.toString(16).padStart(4, '0')}`;
}

/** CertificateStatusType `ocsp`, RFC 6066 §8 */
export const OCSP = 1;
