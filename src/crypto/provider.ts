import type { Secret } from './secret.ts';

/** A value or a promise of it. Public-key operations may answer by a promise; hashes, HMAC and AEADs do not. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Whether an answer is a promise. */
export function isThenable<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Every algorithm that opentls uses, as data. A provider may be made of parts of others:
 * `{ ...noble, suites: node.suites }`.
 */
export interface CryptoProvider {
  /** For people. */
  readonly name: string;
  /** Cipher suites, best first. */
  readonly suites: readonly CipherSuite[];
  /** Groups for key exchange, best first. */
  readonly groups: readonly Group[];
  /** Signature algorithms. Which of them an endpoint offers, and in what order, is a matter of its configuration. */
  readonly verifiers: readonly SignatureVerifier[];
  /** Hash functions by name. */
  readonly hashes: Readonly<Record<HashName, Hash>>;
  /** Cryptographically secure random bytes, fresh memory. */
  random(length: number): Uint8Array;
  /**
   * A signer over a private key held in memory.
   * @param key PKCS#8 PrivateKeyInfo, DER. The signer takes ownership of it.
   * @throws TlsError ERR_TLS_KEY_DECODE, ERR_TLS_UNSUPPORTED_KEY
   */
  signer(key: Secret<'private key'>): Signer;
}

/** Hash functions that a provider has. SHA-1 is for key identifiers and OCSP, not for signatures of TLS. */
export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** A hash function. Synchronous by contract. */
export interface Hash {
  readonly name: HashName;
  /** Output length, bytes. */
  readonly length: number;
  /** The hash of a whole message. */
  digest(message: Uint8Array): Uint8Array;
  /** Begins a hash over a message that comes in parts. */
  start(): RunningHash;
  /** HMAC (RFC 2104) over the concatenation of `parts`. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
}

/** A hash over a message that comes in parts. */
export interface RunningHash {
  /** Takes in the next part. */
  update(message: Uint8Array): void;
  /** The hash of the parts so far; the running hash goes on. */
  digest(): Uint8Array;
  /** A copy that goes on from here by itself. */
  fork(): RunningHash;
}

/** A cipher suite: an AEAD algorithm for records, and the hash of the key schedule (RFC 9846 Appendix B.4). */
export interface CipherSuite {
  /** CipherSuite code point, RFC 9846 Appendix B.4. */
  readonly id: number;
  /** As RFC 9846 Appendix B.4 has it. */
  readonly name: string;
  /** Of the key schedule. */
  readonly hash: Hash;
  /** Of the records. */
  readonly aead: AeadAlgorithm;
}

/** An AEAD algorithm (RFC 5116). All lengths are in bytes. */
export interface AeadAlgorithm {
  /** For people. */
  readonly name: string;
  /** Bytes. */
  readonly keyLength: number;
  /** Bytes. */
  readonly ivLength: number;
  /** Bytes. */
  readonly tagLength: number;
  /** Records that one key may protect (RFC 9846 §5.5). */
  readonly recordLimit: number;
  /** Makes the AEAD of one direction. It copies the key: the caller may wipe its own. */
  create(key: Uint8Array): RecordAead;
}

/** One key of one direction. Synchronous by contract. */
export interface RecordAead {
  /** In place: `body[0..length)` is plaintext before; `body[0..length + tagLength)` is ciphertext and tag after. */
  seal(nonce: Uint8Array, aad: Uint8Array, body: Uint8Array, length: number): void;
  /**
   * `sealed` is ciphertext and tag; on success `out` (of `sealed.length - tagLength` bytes) holds the plaintext.
   * @returns false where the tag is wrong; then nothing of the plaintext is in `out`.
   */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  /** Overwrites the key; it cannot be used any more. */
  wipe(): void;
}

/** A NamedGroup: (EC)DHE, KEM or hybrid alike (RFC 9846 §4.3.8, draft-ietf-tls-ecdhe-mlkem). */
export interface Group {
  /** NamedGroup code point, RFC 9846 §4.3.7. */
  readonly id: number;
  readonly name: string;
  /** Client: a fresh key pair, used once (RFC 9846 §4.3.8 forbids reuse). */
  generate(): Awaitable<KeyShare>;
  /**
   * Server: answers a client's share.
   * @throws TlsError ERR_TLS_INVALID_KEY_SHARE (alert illegal_parameter) for a share that is malformed, off the
   * curve, or gives the all-zero secret (RFC 9846 §7.4.2, RFC 7748 §6)
   */
  encapsulate(peer: Uint8Array): Awaitable<Encapsulation>;
}

/**
 * What a server answers to a key share: the KeyShareEntry.key_exchange to send, and the secret that both sides have
 * then.
 */
export interface Encapsulation {
  /** The server's KeyShareEntry.key_exchange. */
  readonly publicKey: Uint8Array;
  /** The secret that both sides have then. */
  readonly shared: Secret<'shared'>;
}

/** The client's half of a key exchange: single use. */
export interface KeyShare {
  readonly group: number;
  /** KeyShareEntry.key_exchange as sent. */
  readonly publicKey: Uint8Array;
  /**
   * Computes the secret that both sides share.
   * @param peer the server's KeyShareEntry.key_exchange
   * @throws TlsError as {@link Group.encapsulate}
   */
  agree(peer: Uint8Array): Awaitable<Secret<'shared'>>;
  /** Overwrites the key; it cannot be used any more. */
  wipe(): void;
}

/** Signs for a certificate. The key may be in an HSM, a KMS or WebCrypto: `sign` may answer later. */
export interface Signer {
  /**
   * SignatureScheme code points that the key makes (RFC 9846 §4.3.3), best first. They follow from the key: one on P-256
   * makes ecdsa_secp256r1_sha256 alone, an RSA key rsa_pss_rsae_sha256 and others.
   */
  readonly schemes: readonly number[];
  /** SubjectPublicKeyInfo, DER, where known: opentls compares it with the certificate's. */
  readonly publicKey?: Uint8Array;
  /**
   * Signs a message.
   * @param scheme one of {@link schemes}
   * @param message the message itself: the signer hashes it, as the scheme says
   * @returns the signature as X.509 and TLS have it: ECDSA as DER (RFC 3279 §2.2.3), RSA as long as the modulus, Ed25519 and
   *   Ed448 as RFC 8032 has them
   * @throws any error; the connection then fails with internal_error
   */
  sign(scheme: number, message: Uint8Array): Awaitable<Uint8Array>;
}

/**
 * A signature algorithm as certificates and TLS share it. ECDSA carries no curve here: in certificates curve and hash
 * are independent; TLS binds them by scheme (handshake/terms/schemes.ts).
 */
export type SignatureAlgorithm =
  | 'rsa_pkcs1_md5'
  | 'rsa_pkcs1_sha1'
  | 'rsa_pkcs1_sha256'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha512'
  | 'rsa_pss_sha256'
  | 'rsa_pss_sha384'
  | 'rsa_pss_sha512'
  | 'ecdsa_sha1'
  | 'ecdsa_sha256'
  | 'ecdsa_sha384'
  | 'ecdsa_sha512'
  | 'ed25519'
  | 'ed448'
  | 'ml_dsa_44'
  | 'ml_dsa_65'
  | 'ml_dsa_87';

/** Verifies signatures of one algorithm. */
export interface SignatureVerifier {
  readonly algorithm: SignatureAlgorithm;
  /**
   * Verifies a signature over a message, which the verifier hashes itself.
   * @param spki SubjectPublicKeyInfo, DER
   * @param signature as in X.509: ECDSA in DER, RSA as modulus-length bytes
   * @param saltLength of RSASSA-PSS, bytes. Default: as long as the hash
   * @returns false for a wrong signature, a key of another kind, or a malformed signature; never throws for those
   */
  verify(spki: Uint8Array, message: Uint8Array, signature: Uint8Array, saltLength?: number): Awaitable<boolean>;
}
