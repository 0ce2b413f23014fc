/**
 * The bounds of TLS, each with its source. A config may lower or raise those that {@link Limits} lists; the rest are the
 * protocol's own. Bounds that belong to one algorithm stand beside it:
 *
 * - records under one key (RFC 9846 §5.5): `providers/shared/suites.ts`
 * - the cost of judging a chain (signatures, steps, names, policies, fetches; depth): `x509/path/build.ts`
 * - bytes of a certificate, a revocation list, an OCSP response, nesting of DER: `x509/certificate/certificate.ts`,
 *   `x509/revocation/crl.ts`, `x509/revocation/ocsp.ts`, `x509/asn1/der.ts`
 * - iterations and memory for the password of a private key: `x509/private-key/pbes2.ts`
 * - size of an RSA key and its exponent: `providers/shared/rsa.ts`; steps to find a serial number: `x509/revocation/crl-entries.ts`
 * - what a refusal tells of names and paths: `x509/verify/explain.ts`, `handshake/shared/nothing-shared.ts`
 * - spans that a strike register remembers: `session/replay.ts`; sessions of a client: `session/client-sessions.ts`
 * - bytes of our answers that wait for the transport, and time for an end: `adapters/pump.ts`; bytes and time after a
 *   connection was refused: `adapters/node/socket/transport.ts`, `adapters/web/outlet.ts`
 */

/** TLSPlaintext.length, RFC 9846 §5.1. */
export const MAX_PLAINTEXT: number = 0x4000;
/** TLSCiphertext.length, RFC 9846 §5.2. */
export const MAX_CIPHERTEXT: number = MAX_PLAINTEXT + 256;
export const RECORD_HEADER: number = 5;

/** HostName of server_name (RFC 6066 §3), bytes: the length of a name in DNS (RFC 1035 §2.3.4), and OpenSSL's limit. */
export const MAX_HOST_NAME: number = 255;

/** Seconds: seven days, RFC 9846 §4.7.1. */
export const MAX_TICKET_LIFETIME: number = 604_800;

/**
 * Bytes of a ticket that an endpoint issues or offers: the extensions of a ClientHello take at most 2^16-1 bytes (RFC 9846
 * §4.2.2), and those besides the ticket some 3 KiB with a hybrid key share.
 */
export const MAX_TICKET: number = 0xf000;

/** Seconds that a delegated credential may be valid for: seven days, RFC 9345 §3. */
export const MAX_DELEGATION_VALIDITY: number = 604_800;

/** Post-handshake exchanges that may wait for the one under way; more CertificateRequests than that are refused. */
export const MAX_WAITING_EXCHANGES: number = 8;

/** Signature schemes of the peer that the facts of a connection keep: more than RFCs define. */
export const MAX_KEPT_SCHEMES: number = 128;

/** record_size_limit, bytes: RFC 8449 §4. */
export const MIN_RECORD_SIZE_LIMIT: number = 64;

/** Bounds on what a peer may cost, which a configuration may raise or lower. */
export interface Limits {
  /**
   * Largest handshake message except Certificate, bytes: as large as RFC 9846 §4.2.2 lets a ClientHello be (OpenSSL: the
   * same); the grammar allows no other message to be larger. Parsed, with eight bytes for each code point of two, and with
   * `names`, it costs a server less than 1 MiB for a client that has proved nothing.
   */
  readonly handshakeMessage: number;
  /** Largest Certificate message, bytes: ten times the largest chain seen in the web PKI. */
  readonly certificateMessage: number;
  /** Bytes of all handshake messages of the peer before its Finished. */
  readonly handshakeTotal: number;
  /** Bytes of ciphertext that a connection keeps until it is polled: one chunk of most transports plus one record. */
  readonly inbox: number;
  /** Bytes of output kept before `write` reports backpressure. */
  readonly outbox: number;
  /** Zero-length records in a row (BoringSSL: 32). */
  readonly emptyRecords: number;
  /** change_cipher_spec records in a handshake (rustls: 2, one per ClientHello of the peer). */
  readonly changeCipherSpecs: number;
  /** `user_canceled` and other warnings in a row (BoringSSL, rustls: 4). */
  readonly warnings: number;
  /** Post-handshake messages in a row without application data (BoringSSL, rustls: 32). */
  readonly postHandshakeMessages: number;
  /** Bytes of application data, in either direction, that make up for one post-handshake message. */
  readonly postHandshakeBytes: number;
  /** KeyShareEntry of a ClientHello: more than there are groups. */
  readonly keyShares: number;
  /** Names of protocols, and of certification authorities, that a server reads of a ClientHello. */
  readonly names: number;
  /** PSK identities that a server reads of a ClientHello. */
  readonly pskIdentities: number;
  /** Bytes of ciphertext skipped after 0-RTT data was refused (BoringSSL: 16384). */
  readonly skippedEarlyData: number;
  /** Certificates in one Certificate message: about as many small ones as the 100 KB that OpenSSL takes can hold. */
  readonly chainLength: number;
}

/** The {@link Limits} of a configuration that sets none. */
export const defaultLimits: Limits = {
  handshakeMessage: 131_396,
  certificateMessage: 0x2_0000,
  handshakeTotal: 0x8_0000,
  inbox: 0x1_0000 + RECORD_HEADER + MAX_CIPHERTEXT,
  outbox: 0x10_0000,
  emptyRecords: 32,
  changeCipherSpecs: 2,
  warnings: 4,
  postHandshakeMessages: 32,
  postHandshakeBytes: 64,
  keyShares: 256,
  names: 1024,
  pskIdentities: 8,
  skippedEarlyData: 0x4000,
  chainLength: 256,
};
