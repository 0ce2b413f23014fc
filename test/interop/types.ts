import type { Duplex, Readable, Writable } from 'node:stream';
import type { AlertName } from '#opentls/errors';
import type { Certificates, Credential } from './credentials/certificates.ts';
import type { Subject } from './ends/subject.ts';
import type { Scope } from './processes/scope.ts';

/** The part opentls plays; the peer plays the other one. */
export type Role = 'client' | 'server';

/** What an endpoint is told to do, in words that every peer understands. What is left out is the peer's default. */
export interface Settings {
  /** RFC names, as `TLS_AES_128_GCM_SHA256`. */
  readonly suites?: readonly string[] | undefined;
  /** `X25519`, `P-256`, `P-384`, `P-521`, `X25519MLKEM768` and so on; the first is the one a client sends a share for. */
  readonly groups?: readonly string[] | undefined;
  /** SignatureScheme names, RFC 9846 §4.3.3. */
  readonly schemes?: readonly string[] | undefined;
  readonly credential?: Credential | undefined;
  /** Servers: what to show to clients that ask for another name. */
  readonly otherName?: { readonly name: string; readonly credential: Credential } | undefined;
  /** PEM. Clients trust it for servers; servers that ask for a certificate, for clients. */
  readonly ca?: string | undefined;
  readonly servername?: string | undefined;
  readonly alpn?: readonly string[] | undefined;
  /** Servers: ask the client for a certificate, and go on without one or not; GnuTLS: or with any. */
  readonly clientCertificate?: 'optional' | 'required' | 'requested' | undefined;
  /** Servers: go on without the certificate that is asked for after the handshake. */
  readonly clientCertificateLater?: 'optional' | undefined;
  /** Clients: answer requests for a certificate after the handshake, too. */
  readonly postHandshakeAuth?: boolean | undefined;
  /** Clients: what `PeerSession.ticket()` gave, or in base64 what the 'session' event did. */
  readonly session?: string | undefined;
  /** Clients: sent as 0-RTT data under `session`. */
  readonly earlyData?: string | undefined;
  /** Servers: take 0-RTT data, and give tickets for it. */
  readonly takesEarlyData?: boolean | undefined;
  /** 48 bytes in hex, of servers that are to know each other's tickets. */
  readonly ticketKeys?: string | undefined;
  /** Opentls: servers give so many. */
  readonly ticketCount?: number | undefined;
  /** Sessions and other PSKs are used without a key exchange, too; opentls: only so. */
  readonly pskOnly?: boolean | undefined;
  readonly psk?: ExternalKey | undefined;
  /** Clients: ask for a stapled OCSP response. */
  readonly requestOcsp?: boolean | undefined;
  /** Opentls: refuse servers that do not prove by a staple that their certificate stands. */
  readonly requireStaple?: boolean | undefined;
  /** Servers: OCSPResponse in base64, for whoever asks. */
  readonly ocspResponse?: string | undefined;
  /** OpenSSL: servers send this SignedCertificateTimestampList (RFC 6962 §3.3), clients ask for one; hex. */
  readonly timestamps?: string | undefined;
  /** NSS: servers make such a response themselves, on behalf of this authority. */
  readonly peerStaple?: { readonly status: 'good' | 'revoked'; readonly authority: Credential } | undefined;
  /** NSS: clients take delegated credentials. */
  readonly delegated?: boolean | undefined;
  /** Algorithms that certificates may be compressed with, RFC 8879. */
  readonly compressions?: readonly ('zlib' | 'brotli' | 'zstd')[] | undefined;
  /** A raw public key to show in place of a certificate, RFC 7250: PEM. */
  readonly rawKey?: { readonly key: string; readonly publicKey: string } | undefined;
  /** GnuTLS: whose raw public key is agreed on, the client's or the server's. */
  readonly rawKeys?: readonly ('CLI' | 'SRV')[] | undefined;
  /** Clients: max_fragment_length, RFC 6066 §4. */
  readonly maxFragmentLength?: 512 | 1024 | 2048 | 4096 | undefined;
  /** record_size_limit, RFC 8449. */
  readonly recordSizeLimit?: number | undefined;
  readonly keylog?: boolean | undefined;
  /** Label of 32 bytes of keying material (RFC 9846 §7.5, no context). */
  readonly exporter?: string | undefined;
  readonly halfOpen?: boolean | undefined;
  /** Greatest number of plaintext bytes per record. */
  readonly maxFragment?: number | undefined;
  /** OpenSSL: the block size that records are padded to. */
  readonly padding?: number | undefined;
  /** OpenSSL: letters on lines of their own on the input are commands: `k` and `K` send a KeyUpdate. */
  readonly commands?: boolean | undefined;
  /** OpenSSL: print the long form. */
  readonly reports?: boolean | undefined;
  /** OpenSSL: print the extensions that come. */
  readonly extensions?: boolean | undefined;
  /** OpenSSL: clients keep the last ticket in a file. */
  readonly keepsTickets?: boolean | undefined;
  /** OpenSSL: clients name these certificate authorities, PEM. */
  readonly authorities?: string | undefined;
}

/** A key that both sides got outside of TLS. */
export interface ExternalKey {
  readonly identity: string;
  /** Hex. */
  readonly key: string;
  readonly hash: 'sha256' | 'sha384';
}

/** What the peer says of a connection. What a peer cannot tell, or not before data has come, is left out. */
export interface PeerFacts {
  readonly suite?: string | undefined;
  readonly group?: string | undefined;
  /** False: none was agreed. */
  readonly alpn?: string | false | undefined;
  readonly servername?: string | false | undefined;
  /** 32 bytes in lower-case hex. */
  readonly exporter?: string | undefined;
  /** Of an external PSK. */
  readonly pskIdentity?: string | undefined;
  /** Whether an earlier session was resumed. */
  readonly reused?: boolean | undefined;
  /** Clients: what became of the 0-RTT data. */
  readonly earlyData?: 'accepted' | 'rejected' | 'none' | undefined;
  /** Clients: the OCSPResponse that came, in base64. */
  readonly ocspResponse?: string | undefined;
  /** Clients: whether there was one, where nothing more is said of it. */
  readonly stapled?: boolean | undefined;
  /** Clients: the serial number, in hex, of what the response says to be good. */
  readonly ocspSerial?: string | undefined;
  /** Clients: whether the server's key was a delegated one. */
  readonly delegated?: boolean | undefined;
  /** Servers: whether the client proved to hold a certificate. */
  readonly clientCertified?: boolean | undefined;
  /** Servers: the common name in the client's certificate. */
  readonly clientSubject?: string | undefined;
  /** verify_data of both Finished messages, in hex: the peer's own, and opentls's. */
  readonly finished?: readonly [own: string, other: string] | undefined;
}

export interface PeerFailure {
  /** The alert that the peer sent or received. */
  readonly alert?: AlertName | undefined;
  /** The peer's own word for what was wrong: OpenSSL's X509_V_ERR number, Node's `code`, curl's exit code. */
  readonly code?: string | undefined;
}

/** One connection, seen from the peer's side. */
export interface PeerSession {
  /** Application data for opentls. */
  readonly input: Writable;
  /** Application data from opentls. */
  readonly output: Readable;
  /** @throws Error where the handshake fails */
  facts(): Promise<PeerFacts>;
  /** Waits until the peer has given up. */
  failure(): Promise<PeerFailure>;
  /** NSS key log lines. */
  keylog(): Promise<readonly string[]>;
  /** Waits until the peer has read close_notify. */
  ended(): Promise<void>;
  /** Waits until the peer has said something about itself so many times. */
  says(pattern: RegExp, times: number): Promise<void>;
  /** Clients: waits for a ticket. @returns {@link Settings.session} of another connection of this peer */
  ticket?(): Promise<string>;
  /** Servers: asks for a certificate after the handshake. @returns whether one came */
  requestCertificate?(ours: Duplex): Promise<boolean>;
  /** Clients: waits until a certificate was asked for after the handshake. */
  certificateAsked?(): Promise<void>;
  /** In place of a line each way: sends `line`, and takes what this peer sends; servers send the line back. */
  exchange?(ours: Duplex, line: string): Promise<void>;
  /** That can be done once in a connection: `requestCertificate` does it. */
  readonly exchangesOnce?: true;
}

export interface PeerServer {
  readonly port: number;
  /** The next connection; to be called before opentls connects. */
  session(): PeerSession;
}

export type PeerName = 'openssl' | 'curl' | 'gnutls' | 'nss' | 'node-tls' | 'node22' | 'node24' | 'node26';

export interface Peer {
  readonly name: PeerName;
  /** The names of variants that it has not what they take. */
  readonly lacks?: RegExp;
  /** Why this peer cannot be used here; nothing where it can. */
  missing(): Promise<string | undefined>;
  listen(settings: Settings, scope: Scope): Promise<PeerServer>;
  connect(port: number, settings: Settings, scope: Scope): PeerSession;
  /** Clients: connects to `first` for a ticket and to `second` with it. @returns the second connection */
  revisit?(
    ports: { readonly first: number; readonly second: number },
    settings: Settings,
    scope: Scope,
  ): Promise<PeerSession>;
  /** Its client leaves a server to come again when this one ends the connection. */
  readonly waitsForEnd?: true;
  /** The peer's client tells the server why it refuses it; else it finishes the handshake and closes. */
  readonly clientSendsAlert: { readonly certificate: boolean; readonly name: boolean };
  /** What our client hears, as an error code, where the peer's server refuses its certificate; absent: nothing. */
  readonly serverRefusal?: string;
  /** What the peer's client says where a certificate is refused. */
  readonly codes: Readonly<Record<RefusalReason, string>>;
  /** Makes a byte stream of what this peer does with a connection to an opentls server. Default: the bytes as they are. */
  readonly frame?: (socket: Duplex) => Promise<Duplex>;
}

export type RefusalReason = 'authority' | 'name' | 'expired';

export interface Context {
  readonly role: Role;
  readonly peer: Peer;
  readonly subject: Subject;
  readonly certificates: Certificates;
  /** Closed when the cell is over. */
  readonly scope: Scope;
  /** A peer's server that outlives the cell and is shared by the cells that want the same settings. */
  sharedServer(settings: Settings): Promise<PeerServer>;
}

export interface Variant {
  readonly name: string;
  run(context: Context): Promise<void>;
}

export interface Scenario {
  readonly name: string;
  readonly variants: readonly Variant[];
}

export interface Cell {
  readonly peer: Peer;
  readonly scenario: string;
  readonly role: Role;
  readonly variant: Variant;
}
