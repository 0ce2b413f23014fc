import { equalConstantTime } from '../../bytes/equal.ts';
import type { CipherSuite, CryptoProvider } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { reject } from '../../errors.ts';
import type { Exporter, HandshakeSecret, MainSecret } from '../../keys/schedule.ts';
import type { TranscriptHash } from '../../keys/transcript.ts';
import { MAX_KEPT_SCHEMES } from '../../limits.ts';
import type { SessionState } from '../../session/session.ts';
import { NamedGroup, nameOf } from '../../wire/enums.ts';
import type { Finished } from '../../wire/messages.ts';
import type { PeerAuthentication } from '../proof/auth.ts';
import type { Role } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import type { Facts } from '../terms/facts.ts';

/**
 * Checks the peer's Finished. RFC 9846 §4.5.3 has verify_data[Hash.length]: another length is a decode_error.
 * @param expected verify_data of the transcript before this message
 */
export function checkFinished(
  { config }: Endpoint,
  peer: Role,
  expected: Uint8Array,
  { verifyData: received }: Finished,
): void {
  if (received.length !== expected.length && !config.boringsslChecks) {
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

/** Derives and logs the secrets that stand once the server's Finished is in the transcript (RFC 9846 §7.1). */
export function applicationSecrets(
  { records, custody }: Endpoint,
  main: MainSecret,
  clientRandom: Uint8Array,
  upToServerFinished: TranscriptHash,
): ApplicationSecrets {
  const client = custody.hold(main.traffic('client', upToServerFinished));
  const server = custody.hold(main.traffic('server', upToServerFinished));
  records.log('CLIENT_TRAFFIC_SECRET_0', clientRandom, client);
  records.log('SERVER_TRAFFIC_SECRET_0', clientRandom, server);
  const exporter = custody.hold(main.exporter(upToServerFinished));
  records.log('EXPORTER_SECRET', clientRandom, exporter.secret);
  return { client, server, exporter };
}

export interface HandshakeSecrets {
  readonly client: Secret<'c hs traffic'>;
  readonly server: Secret<'s hs traffic'>;
}

/** Derives and logs the handshake traffic secrets, once the ServerHello is in the transcript (RFC 9846 §7.1). */
export function handshakeSecrets(
  { records, custody }: Endpoint,
  keys: HandshakeSecret,
  clientRandom: Uint8Array,
  upToServerHello: TranscriptHash,
): HandshakeSecrets {
  const server = custody.hold(keys.traffic('server', upToServerHello));
  const client = custody.hold(keys.traffic('client', upToServerHello));
  records.log('SERVER_HANDSHAKE_TRAFFIC_SECRET', clientRandom, server);
  records.log('CLIENT_HANDSHAKE_TRAFFIC_SECRET', clientRandom, client);
  return { client, server };
}

type PeerFacts = Pick<Facts, 'peerChain' | 'peerCertificateType' | 'peerOcspResponse' | 'peerTimestamps'>;

/** What the peer presented in this handshake, or in the one that is resumed. */
export function peerFacts(peer: PeerAuthentication | undefined, session: SessionState | undefined): PeerFacts {
  return {
    peerChain: peer?.chain ?? session?.peerChain ?? [],
    peerCertificateType: peer?.certificateType ?? session?.peerChainType ?? 'X509',
    peerOcspResponse: peer === undefined ? session?.peerOcspResponse : peer.ocspResponse,
    peerTimestamps: peer === undefined ? session?.peerTimestamps : peer.timestamps,
  };
}

/** Facts as a connection keeps them: copies, since views would keep whole messages of the peer alive, and bounded. */
export function keptFacts(facts: Facts): Facts {
  return {
    ...facts,
    alpn: facts.alpn?.slice(),
    peerFinished: facts.peerFinished.slice(),
    externalPsk: facts.externalPsk?.slice(),
    peerSignatureSchemes: [...new Set(facts.peerSignatureSchemes)].slice(0, MAX_KEPT_SCHEMES),
  };
}

/** Suite and group as facts show them. */
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
