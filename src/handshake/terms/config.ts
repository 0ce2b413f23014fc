import type { Awaitable, CryptoProvider } from '../../crypto/provider.ts';
import type { CertificateErrorCode } from '../../errors.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import type { Limits } from '../../limits.ts';
import type { ReplayGuard } from '../../session/replay.ts';
import type { RetryCookies } from '../../session/retry-cookies.ts';
import type { CertificateType, Session } from '../../session/session.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import type { Extension } from '../../wire/extensions.ts';
import type { ClientHello } from '../../wire/messages.ts';
import type { SignatureCache } from '../../x509/path/signatures.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import type { CertificateCompression, Credential, Role } from './credential.ts';

/** What a `verifyChain` is given. RFC 9846 §4.5.1.3 leaves the judgement of the chain to it. */
export interface ChainRequest {
  /** The role of the peer, which presented the chain. */
  readonly peer: Role;
  /** DER, leaf first, as sent; never empty. For a raw public key its SubjectPublicKeyInfo. */
  readonly chain: readonly Uint8Array[];
  readonly certificateType: CertificateType;
  /** The OCSPResponse that the peer stapled to the leaf, DER. */
  readonly ocspResponse: Uint8Array | undefined;
  /** The SignedCertificateTimestampList that came with the leaf. */
  readonly timestamps: Uint8Array | undefined;
  /** Client: the name that it asked the server for. */
  readonly serverName: string | undefined;
  /** The chain comes from an earlier handshake. Where the verdict is a refusal, its session is not resumed. */
  readonly resumed: boolean;
  /** The signatures that the earlier handshake found good. Give them to `verifyPeer`, which judges all else again. */
  readonly remembered?: SignatureCache | undefined;
}

/** How a PSK is used, RFC 9846 §4.3.9: with a key exchange, or without (no forward secrecy). */
export type PskMode = 'psk_dhe_ke' | 'psk_ke';

/** A refusal: `code` becomes the error's code and chooses the alert (handshake/proof/alerts.ts). */
export interface ChainRefusal {
  readonly ok: false;
  readonly code: CertificateErrorCode;
  readonly reason: string;
  /** Kept as the `cause` of the connection's error. */
  readonly cause?: unknown;
}

/** What a verifier answers: the peer that it accepts, or why it refuses. */
export type ChainVerdict = { readonly ok: true; readonly peer: VerifiedPeer } | ChainRefusal;

/**
 * What both roles may set. Code points are those of RFC 9846; times are milliseconds since 1970 unless they say
 * otherwise.
 */
export interface CommonConfig {
  readonly provider: CryptoProvider;
  /**
   * Eight answers of BoringSSL in place of RFC 9846's, for tests that expect those: a legacy_record_version other than
   * 0x0303 is refused, or for the first record, one that is not 3.x (§5.1), an error alert of level warning is answered
   * with decode_error (§6), and so is a HelloRetryRequest with a compression method (§4.2.3), key_share in
   * EncryptedExtensions with unsupported_extension (§4.3), a record in the clear among protected ones with
   * bad_record_mac (§5), a Finished or a binder of a wrong length with decrypt_error (§4.5.3, §4.3.11). Each of these
   * is against a MUST. A server then also answers a client whose PSKs are all unknown with handshake_failure, which
   * tells the client so (Appendix F.6).
   * Default false.
   */
  readonly boringsslChecks?: boolean | undefined;
  /** CipherSuite code points, best first. Default: all of the provider's, in its order. */
  readonly suites?: readonly number[] | undefined;
  /** NamedGroup code points, best first. Default: all of the provider's, in its order. */
  readonly groups?: readonly number[] | undefined;
  /** SignatureScheme code points accepted from the peer, best first. Default: all that the provider verifies. */
  readonly signatureSchemes?: readonly number[] | undefined;
  /**
   * Schemes accepted in the peer's certificates, where they differ from `signatureSchemes` (RFC 9846 §4.3.3). Default:
   * not sent.
   */
  readonly certificateSchemes?: readonly number[] | undefined;
  /** What the peer may authenticate with, best first (RFC 7250). Default X509 alone. */
  readonly peerCertificateTypes?: readonly CertificateType[] | undefined;
  /** DER names of the authorities that the peer's chain should end at (RFC 9846 §4.3.4). Default: not sent. */
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;
  /** Ask the peer to staple an OCSP response to its certificate (RFC 6066 §8). Default false. */
  readonly requestOcsp?: boolean | undefined;
  /** Ask the peer for certificate timestamps (RFC 6962 §3.3.1). Default false. */
  readonly requestTimestamps?: boolean | undefined;
  /** Certificate compression, best first (RFC 8879). Default none. */
  readonly certificateCompression?: readonly CertificateCompression[] | undefined;
  /** ALPN protocol names (RFC 7301), best first. Default: none, the extension is not sent. */
  readonly alpn?: readonly Uint8Array[] | undefined;
  /**
   * Judges the peer's chain: in each handshake in which the peer sends one, and before a session is resumed, the chain
   * of that session. A client judges it once more where the server resumes the session but refuses 0-RTT data.
   */
  readonly verifyChain: (request: ChainRequest) => Awaitable<ChainVerdict>;
  /**
   * Leave it to {@link verifyChain} to refuse a leaf of which only the key can be read, or whose key is not for
   * signatures (RFC 9846 §4.5.1.2): for applications that must reach peers of any kind. Default false: such a leaf ends
   * the handshake, whatever {@link verifyChain} would answer.
   */
  readonly anyCertificate?: boolean | undefined;
  /** Emit `secret` events, for SSLKEYLOGFILE. Default false. */
  readonly keylog?: boolean | undefined;
  /** Content bytes per record, 64..16384. Default 16382, which keeps record bodies aligned (record/sealer.ts). */
  readonly maxFragment?: number | undefined;
  /**
   * Bytes of content and padding, and one of content type, that the peer may put into a record (RFC 8449 §4):
   * 64..16385. Default of a client: not sent; of a server: 16385, where the client sent it.
   */
  readonly recordSizeLimit?: number | undefined;
  /** Zero bytes to add to a record of `length` content bytes (RFC 9846 §5.4). Default none. */
  readonly padding?: ((contentType: number, length: number) => number) | undefined;
  /** Add reserved values, so that peers learn to ignore what they do not know (RFC 8701). Default false. */
  readonly grease?: boolean | undefined;
  /** How PSKs may be used, those of sessions and external ones. Default psk_dhe_ke alone. */
  readonly pskModes?: readonly PskMode[] | undefined;
  /** Milliseconds since 1970, for the age of tickets. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

/**
 * Configuration of `Connection.client`.
 *
 * @example
 * ```js
 * import { Connection, perform, verifier } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 * import { TrustStore } from 'opentls/x509';
 *
 * const verifyChain = verifier({ trust: TrustStore.from(chain), verifiers: noble.verifiers });
 * const client = Connection.client({ provider: noble, serverName: 'localhost', verifyChain });
 * for (let event = client.poll(); event !== undefined; event = client.poll()) {
 *   if (event.type === 'ask') client.answer(event.ask, await perform(event.ask.request));
 * }
 * console.log(client.takeOutput()[0][0]); // 22
 * ```
 */
export interface ClientConfig extends CommonConfig {
  /** SNI host name (RFC 6066 §3). Not sent where absent, or longer than 255 bytes. */
  readonly serverName?: string | undefined;
  /** Groups to send key shares for at once. Default: the first hybrid group and the first classical one. */
  readonly keyShares?: readonly number[] | undefined;
  /** Where the server asks for a certificate, the client sends the first that fits its signature schemes. */
  readonly credentials?: readonly Credential[] | undefined;
  /** Chooses in place of `credentials`, once the server has asked; `undefined` falls back to them. */
  readonly chooseCredentials?:
    | ((request: CertificateRequestView) => Awaitable<readonly Credential[] | undefined>)
    | undefined;
  /** Take a protocol that was not offered by ALPN, too. Default false: illegal_parameter (RFC 7301 §3.1). */
  readonly allowUnknownAlpn?: boolean | undefined;
  /**
   * Answers the session to offer. It is for one connection, which wipes its secret after use. The client offers it
   * where it is fresh and of the same server name, and {@link verifyChain} still accepts its chain.
   */
  readonly takeSession?: (() => Awaitable<Session | undefined>) | undefined;
  /** Keys agreed outside of TLS, best first. With one, the server need not have a certificate. */
  readonly externalPsks?: readonly ExternalPsk[] | undefined;
  /**
   * Authenticate the server by one of {@link externalPsks} or a session of one, never by a certificate. Default false.
   */
  readonly requirePsk?: boolean | undefined;
  /** What the client may authenticate with, best first (RFC 7250). Default: the types of `credentials`. */
  readonly certificateTypes?: readonly CertificateType[] | undefined;
  /**
   * Fail with handshake_failure where the server asks for a certificate and none of `credentials` fits. Default false:
   * the client sends an empty Certificate, and the server decides.
   */
  readonly requireCredential?: boolean | undefined;
  /** Answer CertificateRequests after the handshake too (RFC 9846 §4.3.6). Default false. */
  readonly postHandshakeAuth?: boolean | undefined;
  /** max_fragment_length (RFC 6066 §4): bytes of content per record, both ways. Default: not sent. */
  readonly maxFragmentLength?: 512 | 1024 | 2048 | 4096 | undefined;
  /** Put the extensions into another order each time. Default true. */
  readonly shuffleExtensions?: boolean | undefined;
  /** Offer 0-RTT data where the session allows it (RFC 9846 §2.3: it can be replayed). Default false. */
  readonly earlyData?: boolean | undefined;
  /** Look like TLS 1.2 to middleboxes (RFC 9846 Appendix E.4). Default true. */
  readonly middleboxCompatibility?: boolean | undefined;
  /**
   * Changes each ClientHello before it is sent: it may add, drop or reorder extensions. The server may answer those
   * that it adds; the client ignores what the answers say.
   */
  readonly shapeClientHello?: ((draft: ClientHello) => ClientHello) | undefined;
}

/** What a server demands of 0-RTT data before it takes it (RFC 9846 §8). */
export interface EarlyDataPolicy {
  /** Bytes of plaintext that a client may send, 1..2^32-1. */
  readonly maxSize: number;
  /** A `StrikeRegister`, or a guard that asks a store which several servers share. */
  readonly replay: ReplayGuard;
  /**
   * Milliseconds by which the ticket's age as the client tells it may differ from its real age. Default 10,000. The
   * guard has to remember a ClientHello for twice as long.
   */
  readonly ageTolerance?: number | undefined;
  /**
   * Milliseconds that a guard may take to answer; then the data is refused. Default 1,000. The adapters see to it; the
   * owner of a `Connection` has to (`timeout` of the ask `admitEarlyData`), as the core has no timers.
   */
  readonly guardTimeout?: number | undefined;
}

/**
 * Configuration of `Connection.server`. It needs `credentials`, `chooseCredentials` or `findPsk`.
 *
 * @example
 * ```js
 * import { Connection, perform, verifier } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 * import { parsePrivateKey, TrustStore } from 'opentls/x509';
 *
 * const verifyChain = verifier({ trust: TrustStore.from(chain), verifiers: noble.verifiers });
 * const signer = noble.signer(parsePrivateKey(key));
 * const server = Connection.server({ provider: noble, credentials: [{ chain, signer }], verifyChain });
 * const client = Connection.client({ provider: noble, serverName: 'localhost', verifyChain });
 * while (client.phase === 'handshake' || server.phase === 'handshake') {
 *   for (const [from, to] of [[client, server], [server, client]]) {
 *     for (let event = from.poll(); event !== undefined; event = from.poll()) {
 *       if (event.type === 'ask') from.answer(event.ask, await perform(event.ask.request));
 *     }
 *     for (const bytes of from.takeOutput()) to.receive(bytes);
 *   }
 * }
 * console.log(server.facts.suite.name); // TLS_CHACHA20_POLY1305_SHA256
 * ```
 */
export interface ServerConfig extends CommonConfig {
  /** The server uses the first that fits the client's signature schemes. */
  readonly credentials?: readonly Credential[] | undefined;
  /** Makes and reads session tickets. Default none: sessions are not resumed. */
  readonly tickets?: TicketSealer | undefined;
  /** Tickets per connection. Default 2. */
  readonly ticketCount?: number | undefined;
  /** Seconds, seven days at most. Default 7200. */
  readonly ticketLifetime?: number | undefined;
  /** Resume a session under another server name than its own, and tell clients so in their tickets. Default false. */
  readonly resumeAcrossNames?: boolean | undefined;
  /** Answer the server_name that a client sends (RFC 6066 §3). Default true. */
  readonly acknowledgeServerName?: boolean | undefined;
  /** Default none: 0-RTT data is refused. */
  readonly earlyData?: EarlyDataPolicy | undefined;
  /** Finds the key of an identity that is no ticket; `undefined` where there is none. */
  readonly findPsk?: ((identity: Uint8Array) => Awaitable<ExternalPsk | undefined>) | undefined;
  /**
   * Authenticate by certificate where one fits, although the client offers a key that `findPsk` finds. Default false.
   */
  readonly preferCertificate?: boolean | undefined;
  /** Chooses for each connection, by SNI; `undefined` falls back to `credentials`. */
  readonly chooseCredentials?: ((hello: ClientHelloView) => Awaitable<readonly Credential[] | undefined>) | undefined;
  /**
   * Chooses for each connection, in place of `alpn`; `undefined` refuses with no_application_protocol. Not called
   * without ALPN.
   */
  readonly chooseProtocol?: ((hello: ClientHelloView) => Awaitable<Uint8Array | undefined>) | undefined;
  /** Ask for a client certificate (RFC 9846 §4.4.2). Default 'none'. */
  readonly clientCertificate?: 'none' | 'optional' | 'required' | undefined;
  /** Choose suite and group by the server's order (else by the client's). Default true. */
  readonly preferOwnOrder?: boolean | undefined;
  /**
   * Put ChaCha20-Poly1305 first where the client does, as it probably has no fast AES: for servers that have one and
   * use their own order. Default false.
   */
  readonly prioritizeChaCha?: boolean | undefined;
  /** Send a HelloRetryRequest for the best group, although the client sent a share for another. Default false. */
  readonly retryForGroup?: boolean | undefined;
  /** Groups of `groups` of equal rank: among them the client's order decides. Default none. */
  readonly equalGroups?: readonly number[] | undefined;
  /** Resume sessions with their own suite alone, not with any of its hash (RFC 9846 §4.3.11). Default false. */
  readonly resumeSameSuite?: boolean | undefined;
  /** Take ClientHellos whose legacy_version is not 0x0303, as RFC 8446 §4.1.2 did. Default false (RFC 9846 §4.2.2). */
  readonly ignoreLegacyVersion?: boolean | undefined;
  /** Send change_cipher_spec to clients without legacy_session_id too (RFC 9846 Appendix E.4). Default false. */
  readonly alwaysChangeCipherSpec?: boolean | undefined;
  /**
   * Send a cookie with a HelloRetryRequest, and require it back (RFC 9846 §4.3.2). The cookie holds all that the server
   * has to remember: after the `retry` event the connection may be dropped, and another may take the second
   * ClientHello. Default none.
   */
  readonly retryCookies?: RetryCookies | undefined;
  /** Raw extensions that EncryptedExtensions begin with; each is sent only where the client offered its type. */
  readonly encryptedExtensions?: readonly Extension[] | undefined;
}

/** The parts of a ClientHello by which a server may choose. */
export interface ClientHelloView {
  /** Whether the client asked for an OCSP response. */
  readonly wantsOcsp: boolean;
  readonly serverName: string | undefined;
  readonly alpn: readonly Uint8Array[];
  readonly suites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
}

/** The parts of a CertificateRequest by which a client may choose a certificate (RFC 9846 §4.4.2). */
export interface CertificateRequestView {
  readonly signatureSchemes: readonly number[];
  /** DER names. */
  readonly certificateAuthorities: readonly Uint8Array[];
  readonly oidFilters: Uint8Array | undefined;
}
