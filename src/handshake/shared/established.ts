import type { Exporter, Resumption } from '../../keys/schedule.ts';
import type { Transcript } from '../../keys/transcript.ts';
import type { CertificateType, PskOrigin } from '../../session/session.ts';
import type { Facts } from '../terms/facts.ts';
import type { Script } from '../terms/script.ts';

/** What a handshake leaves to its connection. */
export interface Established {
  readonly facts: Facts;
  readonly exporter: Exporter;
  /** Derives the PSK of each session ticket (RFC 9846 §4.7.1). */
  readonly resumption: Resumption;
  /** The external PSK that authenticated this connection, or the first of the sessions that it resumes. */
  readonly origin: PskOrigin | undefined;
  /** Up to the client's Finished; post-handshake authentication continues it (RFC 9846 §4.7.2). */
  readonly transcript: Transcript;
  /** The certificate type of the client that the handshake agreed on. */
  readonly clientCertificateType: CertificateType;
  /** A script to run while application data flows already: a server issues its tickets. */
  readonly afterwards: Script<void> | undefined;
}
