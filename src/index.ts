/**
 * `opentls/core`: the sans-IO engine, for any byte stream. A provider comes from `opentls/crypto/noble` or
 * `opentls/crypto/node`; `verifier` makes a `verifyChain`, of the trust anchors that `opentls/x509` reads.
 *
 * @module opentls/core
 */

export { Connection, type Event, type Phase, type SecretEvent } from './connection/connection.ts';
export type {
  AeadAlgorithm,
  Awaitable,
  CipherSuite,
  CryptoProvider,
  Encapsulation,
  Group,
  Hash,
  HashName,
  KeyShare,
  RecordAead,
  RunningHash,
  SignatureAlgorithm,
  SignatureVerifier,
  Signer,
} from './crypto/provider.ts';
export { isThenable } from './crypto/provider.ts';
export { Secret, type SecretLabel } from './crypto/secret.ts';
export {
  AlertDescription,
  type AlertErrorCode,
  type AlertName,
  type Blame,
  type CertificateErrorCode,
  type LocalErrorCode,
  TlsError,
  type TlsErrorCode,
} from './errors.ts';
export { delegatedCredential } from './handshake/proof/delegation.ts';
export { type VerifierOptions, verifier } from './handshake/proof/verifier.ts';
export type {
  CertificateRequestView,
  ChainRefusal,
  ChainRequest,
  ChainVerdict,
  ClientConfig,
  ClientHelloView,
  CommonConfig,
  EarlyDataPolicy,
  PskMode,
  ServerConfig,
} from './handshake/terms/config.ts';
export type { CertificateCompression, Credential, Delegation, Role } from './handshake/terms/credential.ts';
export type { Facts } from './handshake/terms/facts.ts';
export type { KeylogLabel } from './handshake/terms/record-layer.ts';
export {
  type Answers,
  type AskName,
  type AskRequest,
  type Asks,
  type PendingAsk,
  perform,
} from './handshake/terms/script.ts';
export { type ExternalPsk, importPsk } from './keys/importer.ts';
export { tlsExporterBinding } from './keys/schedule.ts';
export { defaultLimits, type Limits } from './limits.ts';
export { type ClientSessionStore, SessionCache, type SessionKey } from './session/client-sessions.ts';
export { type ReplayGuard, StrikeRegister, type StrikeRegisterOptions } from './session/replay.ts';
export { CookieKeys, type CookieKeysOptions, type RetryCookies } from './session/retry-cookies.ts';
export { decodeSession, encodeSession, type Session, type SessionState } from './session/session.ts';
export {
  type ServerSessionStore,
  StoredTickets,
  TicketKeys,
  type TicketKeysOptions,
  type TicketSealer,
} from './session/tickets.ts';
export { CipherSuiteId, ExtensionType, HandshakeType, NamedGroup, SignatureScheme } from './wire/enums.ts';
export type { Extension } from './wire/extensions.ts';
export { type ClientHello, describeMessage } from './wire/messages.ts';
