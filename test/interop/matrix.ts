import { curl } from './peers/curl.ts';
import { gnutls } from './peers/gnutls.ts';
import { node22, node24, node26 } from './peers/newer-nodes.ts';
import { nodeTls } from './peers/node-tls.ts';
import { nss } from './peers/nss.ts';
import { openssl } from './peers/openssl.ts';
import { authorities } from './scenarios/certificates/authorities.ts';
import { clientAuth, optionalClientAuth } from './scenarios/certificates/client-auth.ts';
import { compression } from './scenarios/certificates/compression.ts';
import { delegation } from './scenarios/certificates/delegation.ts';
import { mlDsa } from './scenarios/certificates/ml-dsa.ts';
import { postHandshakeAuth, postHandshakeAuthNone } from './scenarios/certificates/post-auth.ts';
import { rawKeys } from './scenarios/certificates/raw-keys.ts';
import { refusal } from './scenarios/certificates/refusal.ts';
import { sni } from './scenarios/certificates/sni.ts';
import { peerStaple, revokedStaple, stapling } from './scenarios/certificates/stapling.ts';
import { timestamps } from './scenarios/certificates/timestamps.ts';
import { alpn } from './scenarios/handshake/alpn.ts';
import { ccm, ccm8, curve448, handshake, rsaSchemes } from './scenarios/handshake/handshake.ts';
import { hybrid } from './scenarios/handshake/hybrid.ts';
import { retry } from './scenarios/handshake/retry.ts';
import { exporter, finished, keylog } from './scenarios/handshake/secrets.ts';
import { statelessRetry } from './scenarios/handshake/stateless-retry.ts';
import { close, halfClose } from './scenarios/records/closing.ts';
import { keyUpdate, ownKeyUpdate } from './scenarios/records/key-update.ts';
import { fragmentLength, ownRecordSizeLimit, recordSizeLimit } from './scenarios/records/limits.ts';
import { compatibility, padding, records } from './scenarios/records/records.ts';
import { bulk, echo } from './scenarios/records/transfer.ts';
import { earlyData, earlyDataRetry } from './scenarios/sessions/early-data.ts';
import { externalPsk, externalPsk384, wrongPsk } from './scenarios/sessions/psk.ts';
import { pskKe, resumption, unknownTicket } from './scenarios/sessions/resumption.ts';
import { ticketKeys } from './scenarios/sessions/ticket-keys.ts';
import type { Cell, Peer, Role, Scenario } from './types.ts';

export const peers: readonly Peer[] = [openssl, gnutls, nss, curl, nodeTls, node22, node24, node26];

interface Row {
  readonly scenario: Scenario;
  /** Whom opentls meets as a client, and as a server. */
  readonly client: readonly Peer[];
  readonly server: readonly Peer[];
  /** Takes seconds: in a sample one peer will do. */
  readonly long?: true;
}

const servers = [openssl, nodeTls, node24];
const clients = [openssl, curl, nodeTls, node24];
const serversWithNss = [...servers, nss];
const clientsWithNss = [...clients, nss];
const nodes = [nodeTls, node24];
const fetched: readonly Peer[] = [node22, node24, node26];
const allNodes = [nodeTls, ...fetched];
/** With OpenSSL 3.5: ML-KEM, ML-DSA, compressed certificates. */
const newest: readonly Peer[] = [node24, node26];
const everyone = [openssl, gnutls, nss, ...allNodes];

/** Which cells exist. One that does not is a thing that the peer cannot do, as curl cannot be a server. */
export const rows: readonly Row[] = [
  { scenario: handshake, client: serversWithNss, server: clientsWithNss },
  { scenario: rsaSchemes, client: serversWithNss, server: [openssl, nss, ...nodes] },
  { scenario: ccm, client: servers, server: clients },
  { scenario: ccm8, client: [openssl], server: [openssl] },
  { scenario: curve448, client: servers, server: [openssl, ...nodes] },
  { scenario: hybrid, client: newest, server: newest },
  { scenario: mlDsa, client: newest, server: newest },
  { scenario: retry, client: serversWithNss, server: clientsWithNss },
  { scenario: statelessRetry, client: [], server: everyone },
  { scenario: alpn, client: [openssl, ...allNodes], server: [openssl, curl, ...allNodes] },
  { scenario: sni, client: serversWithNss, server: clientsWithNss },
  { scenario: echo, client: servers, server: clientsWithNss },
  { scenario: bulk, client: servers, server: clients, long: true },
  { scenario: close, client: servers, server: clientsWithNss },
  { scenario: halfClose, client: nodes, server: nodes },
  { scenario: refusal, client: serversWithNss, server: clientsWithNss },
  { scenario: clientAuth, client: [gnutls, ...serversWithNss], server: [gnutls, ...clientsWithNss] },
  { scenario: keyUpdate, client: [openssl], server: [openssl] },
  { scenario: ownKeyUpdate, client: [openssl], server: [openssl] },
  { scenario: keylog, client: servers, server: clients },
  { scenario: exporter, client: everyone, server: everyone },
  { scenario: compatibility, client: serversWithNss, server: clientsWithNss },
  { scenario: records, client: servers, server: [openssl, ...nodes] },
  { scenario: padding, client: [openssl], server: [openssl] },
  { scenario: optionalClientAuth, client: everyone, server: everyone },
  { scenario: postHandshakeAuth, client: [openssl, gnutls, nss], server: [openssl, gnutls, nss] },
  { scenario: postHandshakeAuthNone, client: [openssl, nss], server: [openssl, gnutls] },
  { scenario: authorities, client: [openssl], server: [openssl] },
  { scenario: stapling, client: [openssl, gnutls, ...allNodes], server: [openssl, gnutls, nss, ...allNodes] },
  { scenario: peerStaple, client: [nss], server: [] },
  { scenario: revokedStaple, client: [openssl, gnutls], server: [] },
  { scenario: timestamps, client: [openssl], server: [openssl] },
  { scenario: fragmentLength, client: [openssl], server: [openssl] },
  { scenario: recordSizeLimit, client: [gnutls], server: [gnutls] },
  { scenario: ownRecordSizeLimit, client: [gnutls, nss], server: [nss] },
  { scenario: rawKeys, client: [gnutls], server: [gnutls] },
  { scenario: delegation, client: [], server: [nss] },
  { scenario: compression, client: newest, server: newest },
  { scenario: finished, client: allNodes, server: allNodes },
  { scenario: resumption, client: everyone, server: everyone },
  { scenario: pskKe, client: [openssl], server: [openssl] },
  { scenario: unknownTicket, client: everyone, server: everyone },
  { scenario: ticketKeys, client: allNodes, server: allNodes },
  { scenario: earlyData, client: [openssl, gnutls, nss], server: [openssl, gnutls, nss] },
  { scenario: earlyDataRetry, client: [openssl, nss], server: [openssl, nss], long: true },
  { scenario: externalPsk, client: everyone, server: everyone },
  { scenario: externalPsk384, client: [openssl], server: [openssl] },
  { scenario: wrongPsk, client: everyone, server: everyone },
];

export interface Selection {
  readonly peer?: string | undefined;
  readonly scenario?: string | undefined;
  readonly role?: string | undefined;
  /** Only the first variant of each scenario. */
  readonly short?: boolean | undefined;
  /**
   * Everything with OpenSSL, less with the others, and with the Nodes that were fetched what a scenario begins with;
   * together with `short`, those only where no other Node is.
   */
  readonly sampled?: boolean | undefined;
}

export function selectCells(selection: Selection = {}): Cell[] {
  return rows.flatMap(({ scenario, ...row }) =>
    roles.flatMap((role) =>
      selectPeers(row[role], selection, row.long).flatMap((peer) =>
        scenario.variants
          .slice(0, selection.short ? 1 : undefined)
          .filter(({ name }) => !peer.lacks?.test(name))
          .filter((_, index, all) => !selection.sampled || isSampled(peer, index, all.length))
          .map((variant) => ({ peer, scenario: scenario.name, role, variant }))
          .filter((cell) => wanted(cell, selection)),
      ),
    ),
  );
}

function selectPeers(all: readonly Peer[], { short, sampled }: Selection, long?: boolean): readonly Peer[] {
  if (!sampled) return all;
  if (long) return all.slice(0, 1);
  return short && all.includes(nodeTls) ? all.filter((peer) => !fetched.includes(peer)) : all;
}

function isSampled(peer: Peer, index: number, length: number): boolean {
  if (peer === openssl || index === 0) return true;
  // The step shares no factor with the numbers of suites, groups and keys: each of them is met.
  return !fetched.includes(peer) && (length <= 12 || index % 5 === 0);
}

export const roles: readonly Role[] = ['client', 'server'];

function wanted(cell: Cell, { peer, scenario, role }: Selection): boolean {
  return (
    (peer ?? cell.peer.name) === cell.peer.name &&
    (scenario ?? cell.scenario) === cell.scenario &&
    (role ?? cell.role) === cell.role
  );
}
