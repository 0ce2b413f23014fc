import { equalConstantTime } from '../../bytes/equal.ts';
import type { Custody } from '../../crypto/custody.ts';
import type { CipherSuite, CryptoProvider } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { reject } from '../../errors.ts';
import type { Exporter, HandshakeSecret, MainSecret, Resumption } from '../../keys/schedule.ts';
import type { Transcript, TranscriptHash } from '../../keys/transcript.ts';
import type { CertificateType, PskOrigin, SessionState } from '../../session/session.ts';
import { NamedGroup, nameOf } from '../../wire/enums.ts';
import type { Finished } from '../../wire/messages.ts';
import type { PeerAuthentication } from '../proof/auth.ts';
import type { CommonConfig } from '../terms/config.ts';
import type { Role } from '../terms/credential.ts';
import type { Facts } from '../terms/facts.ts';
import type { Script } from '../terms/script.ts';
import type { Wire } from '../terms/wire.ts';

/** What outlives the handshake. */
export interface Established {
  readonly facts: Facts;
  readonly exporter: Exporter;
  /** What session tickets are made of. */
  readonly resumption: Resumption;
  /** The external PSK that this connection goes back to. */
  readonly origin: PskOrigin | undefined;
  /** Up to the client's Finished: post-handshake authentication goes on from here (RFC 9846 §4.7.2). */
  readonly transcript: Transcript;
  /** Of a client's certificates: as agreed on in the handshake. */
  readonly clientCertificateType: CertificateType;
  /** What goes on while application data flows already. */
  readonly afterwards: Script<void> | undefined;
}

/**
 * RFC 9846 §4.5.3: verify_data[Hash.length], so that another length is against the syntax.
 * @param expected verify_data of the transcript before this message
 */
export function checkFinished(
  { boringsslChecks }: CommonConfig,
  peer: Role,
  expected: Uint8Array,
  { verifyData: received }: Finished,
): void {
  if (received.length !== expected.length && boringsslChecks !== true) {
    const problem = `the ${peer}'s Finished has ${received.length} bytes, not ${expected.length}`;
    reject('ERR_TLS_DECODE', 'decode_error', problem);
  }
  if (!equalConstantTime(expected, received)) {
    reject('ERR_TLS_BAD_FINISHED', 'decrypt_error', `the ${peer}'s Finished does not match the transcript`);
  }
}

export interface ApplicationSecrets {
  readonly client: Secret<'c ap traffic'>;
  readonly server: Secret<'s ap traffic'>;
  readonly exporter: Exporter;
}

/** All that the main secret gives once the server's Finished is in the transcript (RFC 9846 §7.1). */
export function applicationSecrets(
  wire: Wire,
  custody: Custody,
  main: MainSecret,
  clientRandom: Uint8Array,
  upToServerFinished: TranscriptHash,
): ApplicationSecrets {
  const client = custody.hold(main.traffic('client', upToServerFinished));
  const server = custody.hold(main.traffic('server', upToServerFinished));
  wire.log('CLIENT_TRAFFIC_SECRET_0', clientRandom, client);
  wire.log('SERVER_TRAFFIC_SECRET_0', clientRandom, server);
  const exporter = custody.hold(main.exporter(upToServerFinished));
  wire.log('EXPORTER_SECRET', clientRandom, exporter.secret);
  return { client, server, exporter };
}

export interface HandshakeSecrets {
  readonly client: Secret<'c hs traffic'>;
  readonly server: Secret<'s hs traffic'>;
}

/** What protects the handshake once the ServerHello is in the transcript (RFC 9846 §7.1). */
export function handshakeSecrets(
  wire: Wire,
  custody: Custody,
  keys: HandshakeSecret,
  clientRandom: Uint8Array,
  upToServerHello: TranscriptHash,
): HandshakeSecrets {
  const server = custody.hold(keys.traffic('server', upToServerHello));
  const client = custody.hold(keys.traffic('client', upToServerHello));
  wire.log('SERVER_HANDSHAKE_TRAFFIC_SECRET', clientRandom, server);
  wire.log('CLIENT_HANDSHAKE_TRAFFIC_SECRET', clientRandom, client);
  return { client, server };
}

type PeerFacts = Pick<Facts, 'peerChain' | 'peerCertificateType' | 'peerOcspResponse' | 'peerTimestamps'>;

/** What the peer presented: now, or in the handshake that is resumed. */
export function peerFacts(peer: PeerAuthentication | undefined, session: SessionState | undefined): PeerFacts {
  return {
    peerChain: peer?.chain ?? session?.peerChain ?? [],
    peerCertificateType: peer?.certificateType ?? session?.peerChainType ?? 'X509',
    peerOcspResponse: peer === undefined ? session?.peerOcspResponse : peer.ocspResponse,
    peerTimestamps: peer === undefined ? session?.peerTimestamps : peer.timestamps,
  };
}

/**
 * Facts as a connection keeps them: not as views, which would keep whole messages of the peer alive, and not longer
 * than what they are good for.
 */
export function keptFacts(facts: Facts): Facts {
  return {
    ...facts,
    alpn: facts.alpn?.slice(),
    peerFinished: facts.peerFinished.slice(),
    externalPsk: facts.externalPsk?.slice(),
    peerSignatureSchemes: [...new Set(facts.peerSignatureSchemes)].slice(0, KEPT_SCHEMES),
  };
}

/** More than have ever been assigned to TLS 1.3. */
const KEPT_SCHEMES = 128;

/** The names that facts carry. */
export function factNames(
  provider: CryptoProvider,
  suite: CipherSuite,
  group: number | undefined,
): Pick<Facts, 'suite' | 'group'> {
  const suiteName = { id: suite.id, name: suite.name };
  if (group === undefined) return { suite: suiteName, group: undefined };
  const name = provider.groups.find((candidate) => candidate.id === group)?.name ?? nameOf(NamedGroup, group);
  return { suite: suiteName, group: { id: group, name } };
}
