import type { CertificateType } from '../../session/session.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import type { Role } from './credential.ts';

/** What a finished handshake has established. */
export interface Facts {
  readonly role: Role;
  readonly suite: { readonly id: number; readonly name: string };
  /** The group of the key exchange; undefined where a PSK was used alone. */
  readonly group: { readonly id: number; readonly name: string } | undefined;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
  /** The scheme of the peer's CertificateVerify. */
  readonly peerSignatureScheme: number | undefined;
  /** The scheme of this endpoint's CertificateVerify. */
  readonly localSignatureScheme: number | undefined;
  /** The signature schemes that the peer accepts. */
  readonly peerSignatureSchemes: readonly number[];
  /** The peer as it authenticated itself in this handshake, or in the one that is resumed. */
  readonly peer: VerifiedPeer | undefined;
  /** The chain that the peer presented, DER; empty where it presented none. */
  readonly peerChain: readonly Uint8Array[];
  readonly peerCertificateType: CertificateType;
  /** OCSPResponse, DER, that the peer stapled to its certificate. */
  readonly peerOcspResponse: Uint8Array | undefined;
  /** SignedCertificateTimestampList that came with the peer's certificate. */
  readonly peerTimestamps: Uint8Array | undefined;
  /** The chain that this endpoint authenticated with. */
  readonly localChain: readonly Uint8Array[] | undefined;
  readonly helloRetryRequest: boolean;
  /** Server: whether the client can be asked for a certificate later (RFC 9846 §4.3.6). */
  readonly postHandshakeAuth: boolean;
  readonly resumed: boolean;
  /** Server: milliseconds by which the ticket's age as the client tells it exceeds its real age (RFC 9846 §8.3). */
  readonly ticketAgeSkew: number | undefined;
  /** Identity of the external PSK in use, or of the one that the resumed session goes back to. */
  readonly externalPsk: Uint8Array | undefined;
  /** What became of 0-RTT data; 'none' where it was not offered. */
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  /** When the peers last authenticated each other in full, milliseconds since 1970. */
  readonly authenticatedAt: number;
  /** verify_data of both Finished messages. */
  readonly localFinished: Uint8Array;
  readonly peerFinished: Uint8Array;
}
