import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import tls, { type TLSSocket } from 'node:tls';
import { type CertificateFacts, describeCertificate } from './describe.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** For SNI and the identity check. Absent: no SNI, the host is checked (an IP address). */
  readonly servername: string | undefined;
  /** Absent: the bundled roots. */
  readonly trust: { readonly file: string; readonly pem: string } | undefined;
  readonly alpn: readonly string[];
  /** For all of it together, milliseconds. */
  readonly timeout: number;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly reason: string };

/** What was seen. Members are absent where it did not come so far. */
export interface Report {
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly servername: string | undefined;
    readonly address: string | undefined;
  };
  /** Chain and name both. */
  readonly verified: boolean;
  readonly verification: Verification | undefined;
  readonly negotiated: Negotiated | undefined;
  /** Milliseconds: name lookup, TCP's handshake after it, TLS's handshake after that. */
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
  readonly chain: Verdict;
  readonly name: Verdict;
  readonly trust: { readonly source: string; readonly certificates: number };
}

export interface Negotiated {
  readonly version: string | null;
  readonly suite: string;
  readonly group: string | undefined;
  readonly signatureScheme: string | undefined;
  readonly alpn: string | undefined;
}

/** Connects, looks, and closes. Does not throw for what the network or the server does: `error` says it. */
export async function look(target: Target): Promise<Report> {
  const clock: Clock = { lookup: undefined, tcp: undefined, tls: undefined };
  const expired = AbortSignal.timeout(target.timeout);
  const transport = connect({ host: target.host, port: target.port });
  transport.on('error', ignore);
  let stage: 'tcp' | 'tls' = 'tcp';
  let address: string | undefined;
  let seen: Seen = { verified: false, verification: undefined, negotiated: undefined, chain: [] };
  let error: Report['error'];
  try {
    await reachable(transport, expired, clock);
    address = transport.remoteAddress;
    stage = 'tls';
    seen = examine(target, await handshake(target, transport, expired, clock));
  } catch (thrown) {
    error = { stage, ...(expired.aborted ? timedOut(target.timeout) : describeError(thrown)) };
  } finally {
    transport.destroy();
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

/** Verification never stops it here: its verdict is what was asked for. */
async function handshake(target: Target, transport: Socket, signal: AbortSignal, clock: Clock): Promise<TLSSocket> {
  const start = performance.now();
  const socket = tls.connect({
    socket: transport,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(target.servername === undefined ? {} : { servername: target.servername }),
    ...(target.trust === undefined ? {} : { ca: target.trust.pem }),
    ...(target.alpn.length === 0 ? {} : { ALPNProtocols: [...target.alpn] }),
  });
  await once(socket, 'secureConnect', { signal });
  clock.tls = performance.now() - start;
  socket.on('error', ignore);
  return socket;
}

function examine(target: Target, socket: TLSSocket): Seen {
  const chain = peerChain(socket).map(describeCertificate);
  const verification: Verification = {
    chain: chainVerdict(socket),
    name: nameVerdict(target, socket),
    trust: trusted(target),
  };
  return {
    verified: verification.chain.ok && verification.name.ok,
    verification,
    negotiated: negotiated(socket),
    chain,
  };
}

function negotiated(socket: TLSSocket): Negotiated {
  return {
    version: socket.getProtocol(),
    suite: socket.getCipher().standardName,
    group: undefined,
    signatureScheme: undefined,
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined,
  };
}

function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined) {
    chain.push(certificate.raw);
    if (certificate.issuerCertificate === certificate) break;
    certificate = certificate.issuerCertificate as typeof certificate;
  }
  return chain;
}

function chainVerdict(socket: TLSSocket): Verdict {
  if (socket.authorized) return { ok: true };
  const code = String(socket.authorizationError ?? 'UNKNOWN');
  return { ok: false, code, reason: reasons[code] ?? 'the chain was refused' };
}

function nameVerdict(target: Target, socket: TLSSocket): Verdict {
  const error: (Error & { readonly code?: string; readonly reason?: string }) | undefined = tls.checkServerIdentity(
    target.servername ?? target.host,
    socket.getPeerCertificate(),
  );
  if (error === undefined) return { ok: true };
  return { ok: false, code: error.code ?? 'ERR_TLS_CERT_ALTNAME_INVALID', reason: error.reason ?? error.message };
}

function trusted(target: Target): Verification['trust'] {
  if (target.trust === undefined) return { source: 'bundled roots', certificates: tls.rootCertificates.length };
  const certificates = target.trust.pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  return { source: target.trust.file, certificates };
}

function timedOut(timeout: number): { readonly code: string; readonly message: string } {
  return { code: 'ETIMEDOUT', message: `nothing came of it within ${timeout} ms` };
}

function describeError(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  const code = 'code' in error ? String(error.code) : error.name;
  // Several addresses were tried: each has its own error, the whole has no text.
  const message = error instanceof AggregateError ? error.errors.map((each) => each.message).join('; ') : error.message;
  return { code, message };
}

/** The socket's later errors add nothing to a report that is made. */
function ignore(): void {}

/** What the codes mean that a chain is refused with, for people. */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'a certificate of the chain has expired',
  CERT_NOT_YET_VALID: 'a certificate of the chain is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server certificate is self-signed and not among the trusted ones',
  SELF_SIGNED_CERT_IN_CHAIN: 'the chain ends in a self-signed certificate that is not among the trusted ones',
  UNABLE_TO_GET_ISSUER_CERT: 'the issuer of an intermediate certificate is not among the trusted ones',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of the last certificate is not among the trusted ones',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the issuer of the server certificate was not sent and is not among the trusted ones',
  CERT_SIGNATURE_FAILURE: 'the signature of a certificate is wrong',
  INVALID_CA: 'a certificate was used as a CA that is none',
  PATH_LENGTH_EXCEEDED: 'a CA stands further from the leaf than an issuer allows',
  INVALID_PURPOSE: 'a certificate may not be used for TLS servers',
  KEYUSAGE_NO_CERTSIGN: 'the key of an issuer may not sign certificates',
  UNHANDLED_CRITICAL_EXTENSION: 'a certificate has a critical extension that is not known here',
  CERT_CHAIN_TOO_LONG: 'the chain is too long',
  CERT_REVOKED: 'a certificate has been revoked',
};
