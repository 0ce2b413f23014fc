import type { CryptoProvider, Signer } from '../../../crypto/provider.ts';
import type { ClientConfig, ServerConfig } from '../../../handshake/terms/config.ts';
import type { CertificateCompression } from '../../../handshake/terms/credential.ts';
import type { VerifyOptions } from '../../../x509/verify/options.ts';
import type { TicketKeyInput } from '../support/sessions.ts';

/** Any number of certificates as PEM (text or bytes), or one as DER. */
export type CertificateInput = string | NodeJS.ArrayBufferView;

/** A private key as PEM (text or bytes) or DER, alone or with its passphrase. */
export type KeyInput = CertificateInput | { readonly pem: CertificateInput; readonly passphrase?: string | undefined };

/** An algorithm of `node:zlib` by its name, or an algorithm of your own (opentls). */
export type CertificateCompressionInput = 'zlib' | 'brotli' | 'zstd' | CertificateCompression;

/** Versions that `minVersion` and `maxVersion` may name. A maximum below TLSv1.3 throws. */
export type SecureVersion = 'TLSv1.3' | 'TLSv1.2' | 'TLSv1.1' | 'TLSv1';

/** Options of `tls.createSecureContext()`. Those marked (opentls) are not in `node:tls`. */
export interface SecureContextOptions {
  /** Trust anchors, PEM or DER. Default: those of `getCACertificates()`. */
  readonly ca?: CertificateInput | readonly CertificateInput[] | undefined;
  /** Certificate chains, PEM, each leaf first: one per kind of key. */
  readonly cert?: CertificateInput | readonly CertificateInput[] | undefined;
  /** Private keys, PEM: one per chain in `cert`, in any order. */
  readonly key?: KeyInput | readonly KeyInput[] | undefined;
  /** The passphrase of keys that do not come with one. */
  readonly passphrase?: string | undefined;
  /** Cipher suites, best first, with colons between them. Default: all of the provider's, in its order. */
  readonly ciphers?: string | undefined;
  /** Groups, best first, with colons between them. Default `auto`: all of the provider's. */
  readonly ecdhCurve?: string | undefined;
  /** Signature algorithms, like `ECDSA+SHA256:RSA-PSS+SHA256`. Default: all that the provider has. */
  readonly sigalgs?: string | undefined;
  /** A version below TLSv1.3 is accepted and without effect. */
  readonly minVersion?: SecureVersion | undefined;
  /** Throws for a version below TLSv1.3. */
  readonly maxVersion?: SecureVersion | undefined;
  /** The `secureProtocol` of `node:tls`; a method of an older version throws. */
  readonly secureProtocol?: string | undefined;
  /** `SSL_OP_…` flags: NO_TICKET, PRIORITIZE_CHACHA and CIPHER_SERVER_PREFERENCE count, NO_TLSv1_3 throws. */
  readonly secureOptions?: number | undefined;
  /** Whether the server goes by its own order of suites and groups. Default: true for `createServer()`, else false. */
  readonly honorCipherOrder?: boolean | undefined;
  /** Server: a session resumes only on a server with the same text. */
  readonly sessionIdContext?: string | undefined;
  /** Server: lifetime of tickets, seconds. Default 7200. */
  readonly sessionTimeout?: number | undefined;
  /** 48 bytes, or several keys (opentls): the server seals tickets with the first and opens them with each. */
  readonly ticketKeys?: TicketKeyInput | undefined;
  /** Whether a certificate in `ca` that is not self-signed is an anchor. Only `true` means yes. Default false. */
  readonly allowPartialTrustChain?: boolean | undefined;
  /** Accepted and without effect. */
  readonly dhparam?: string | NodeJS.ArrayBufferView | undefined;
  /** Throws: opentls reads no PKCS#12. */
  readonly pfx?: unknown;
  /** Revocation lists, PEM or DER. With it, every certificate below the anchor needs a list. */
  readonly crl?: CertificateInput | readonly CertificateInput[] | undefined;
  /** Certificate compression, RFC 8879, by preference. Default: none. */
  readonly certificateCompression?: readonly CertificateCompressionInput[] | undefined;
  /** Throws: there are no OpenSSL engines. */
  readonly clientCertEngine?: string | undefined;
  /** Throws: there are no OpenSSL engines. */
  readonly privateKeyEngine?: string | undefined;
  /** Throws: there are no OpenSSL engines. */
  readonly privateKeyIdentifier?: string | undefined;
  /** The cryptography (opentls). Default: `noble`. */
  readonly provider?: CryptoProvider | undefined;
  /** Signers in place of `key`, for keys that are not in memory (opentls): one per chain in `cert`. */
  readonly signer?: Signer | readonly Signer[] | undefined;
  /**
   * How the peer's chain is judged beyond `ca` and `crl` (opentls). Default: the profile `nodeProfile`, without revocation,
   * policies or transparency.
   */
  readonly verification?: PeerVerification | undefined;
  /** Options of the engine that `node:tls` has no name for (opentls). */
  readonly engine?: EngineOptions | undefined;
  /** The clock, for certificates, sessions and tickets: milliseconds since 1970 (opentls). Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The options of the engine that a context may set: `ClientConfig` and `ServerConfig` describe each. */
export type EngineOptions = Pick<
  ClientConfig,
  | 'certificateSchemes'
  | 'requestTimestamps'
  | 'pskModes'
  | 'recordSizeLimit'
  | 'maxFragmentLength'
  | 'padding'
  | 'grease'
  | 'shuffleExtensions'
  | 'keyShares'
  | 'postHandshakeAuth'
  | 'externalPsks'
  | 'requirePsk'
  | 'limits'
> &
  Pick<
    ServerConfig,
    | 'tickets'
    | 'ticketCount'
    | 'findPsk'
    | 'preferCertificate'
    | 'earlyData'
    | 'retryCookies'
    | 'retryForGroup'
    | 'resumeAcrossNames'
    | 'ignoreLegacyVersion'
  >;

/** Options of `verifyPeer` that a context may set. */
export type PeerVerification = Pick<
  VerifyOptions,
  'profile' | 'maxDepth' | 'budget' | 'policy' | 'revocation' | 'transparency' | 'fetchIssuers'
>;
