import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { TlsError } from '../errors.ts';
import { nameOf, SignatureScheme } from '../wire/enums.ts';
import { parseCertificate } from '../x509/certificate/certificate.ts';
import { hostName, matchName } from '../x509/certificate/identity.ts';
import type { TrustStore } from '../x509/path/trust.ts';
import { asFailure } from '../x509/verify/refusal.ts';
import { type CertificateFacts, describeCertificate } from './describe.ts';
import { type ChainFinding, chainFinding } from './finding.ts';
import { type HandshakeReport, handshake } from './handshake.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** For SNI and the identity check. Absent: no SNI, the host is checked (an IP address). */
  readonly servername: string | undefined;
  readonly trust: { readonly source: string; readonly store: TrustStore };
  readonly alpn: readonly string[];
  /** Milliseconds for the whole look: name lookup, TCP and TLS. */
  readonly timeout: number;
}

/** The findings of `look`. Members are undefined where the connection did not come so far. */
export interface Report {
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly servername: string | undefined;
    readonly address: string | undefined;
  };
  /** Whether the chain and the name are both valid. */
  readonly verified: boolean;
  readonly verification: Verification | undefined;
  readonly negotiated: Negotiated | undefined;
  /** Milliseconds: the name lookup, the TCP handshake after it, the TLS handshake without making key shares. */
  readonly timings: {
    readonly lookup: number | undefined;
    readonly tcp: number | undefined;
    readonly tls: number | undefined;
  };
  /** As sent, leaf first. */
  readonly chain: readonly CertificateFacts[];
  readonly error: { readonly stage: 'tcp' | 'tls'; readonly code: string; readonly message: string } | undefined;
}

export interface Verification {
  readonly chain: ChainFinding;
  readonly name: NameFinding;
  readonly trust: { readonly source: string; readonly certificates: number };
}

export type NameFinding =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly name: string; readonly code: string; readonly reason: string };

export interface Negotiated {
  readonly version: string;
  readonly suite: string;
  readonly group: string;
  readonly signatureScheme: string | undefined;
  readonly alpn: string | undefined;
  readonly helloRetryRequest: boolean;
}

/** Connects, looks, and closes. A failure of the network or the server is the report's `error`, not an exception. */
export async function look(target: Target): Promise<Report> {
  const clock: Clock = { lookup: undefined, tcp: undefined, tls: undefined };
  const signal = AbortSignal.timeout(target.timeout);
  const transport = connect({ host: target.host, port: target.port, noDelay: true });
  let stage: 'tcp' | 'tls' = 'tcp';
  let address: string | undefined;
  let seen: Seen = { verified: false, verification: undefined, negotiated: undefined, chain: [] };
  let error: Report['error'];
  try {
    await reachable(transport, signal, clock);
    address = transport.remoteAddress;
    stage = 'tls';
    const { servername: serverName, alpn, trust } = target;
    const done = await handshake(transport, { serverName, alpn, trust: trust.store, signal });
    clock.tls = done.duration;
    seen = examine(target, done);
  } catch (thrown) {
    error = { stage, ...(signal.aborted ? timedOut(target.timeout) : describeError(thrown)) };
  } finally {
    transport.destroySoon();
  }
  const { host, port, servername } = target;
  return { target: { host, port, servername, address }, ...seen, timings: clock, error };
}

type Clock = { -readonly [K in keyof Report['timings']]: Report['timings'][K] };
type Seen = Pick<Report, 'verified' | 'verification' | 'negotiated' | 'chain'>;

async function reachable(transport: Socket, signal: AbortSignal, clock: Clock): Promise<void> {
  const start = performance.now();
  let resolved = start;
  transport.once('lookup', () => {
    resolved = performance.now();
    clock.lookup = resolved - start;
  });
  await once(transport, 'connect', { signal });
  clock.tcp = performance.now() - resolved;
}

function examine(target: Target, { facts, chain, verdict }: HandshakeReport): Seen {
  const { source, store } = target.trust;
  const verification: Verification = {
    chain: chainFinding(verdict),
    name: nameFinding(target.servername ?? target.host, chain[0]),
    trust: { source, certificates: store.size },
  };
  const negotiated: Negotiated = {
    version: 'TLSv1.3',
    suite: facts.suite.name,
    group: facts.group?.name ?? '',
    signatureScheme:
      facts.peerSignatureScheme === undefined ? undefined : nameOf(SignatureScheme, facts.peerSignatureScheme),
    alpn: facts.alpn && new TextDecoder().decode(facts.alpn),
    helloRetryRequest: facts.helloRetryRequest,
  };
  const verified = verification.chain.ok && verification.name.ok;
  return { verified, verification, negotiated, chain: chain.map(describeCertificate) };
}

function nameFinding(name: string, leaf: Uint8Array | undefined): NameFinding {
  try {
    if (leaf !== undefined && matchName(parseCertificate(leaf), hostName(name))) return { ok: true, name };
    return { ok: false, name, code: 'HOSTNAME_MISMATCH', reason: 'the certificate is not for this name' };
  } catch (error) {
    return { ok: false, name, ...asFailure(error) };
  }
}

function timedOut(timeout: number): { readonly code: string; readonly message: string } {
  return { code: 'ETIMEDOUT', message: `timed out after ${timeout} ms` };
}

function describeError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof TlsError) return { code: error.code, message: error.message };
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  const code = 'code' in error ? String(error.code) : error.name;
  // Where several addresses were tried, each error has a text, but the AggregateError has none.
  const message = error instanceof AggregateError ? error.errors.map((each) => each.message).join('; ') : error.message;
  return { code, message };
}
