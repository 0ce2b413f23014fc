import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { notForSigning } from '../adapters/node/callbacks/peer-check.ts';
import { Pump } from '../adapters/pump.ts';
import { utf8 } from '../bytes/utf8.ts';
import { Connection } from '../connection/connection.ts';
import type { ChainRequest, ChainVerdict } from '../handshake/terms/config.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import { node } from '../providers/node.ts';
import type { TrustStore } from '../x509/path/trust.ts';
import { nodeProfile } from '../x509/rules/profile.ts';
import { refused } from '../x509/verify/refusal.ts';
import type { Verdict } from '../x509/verify/verified-peer.ts';
import { dangerouslyTrust, verifyPeer } from '../x509/verify/verify.ts';

export interface HandshakeRequest {
  /** SNI; absent: not sent. */
  readonly serverName: string | undefined;
  readonly alpn: readonly string[];
  readonly trust: TrustStore;
  readonly signal: AbortSignal;
}

export interface HandshakeReport {
  readonly facts: Facts;
  /** As sent, leaf first, DER. */
  readonly chain: readonly Uint8Array[];
  /** Of the chain alone: the caller checks the names. */
  readonly verdict: Verdict;
  /** Milliseconds from our ClientHello, with its key shares made, to our Finished. */
  readonly duration: number;
}

/**
 * Makes one handshake over a connected socket, then sends close_notify. It drives the engine directly, because no adapter
 * shows the chain as the server sent it, or each path that was tried.
 * @throws TlsError; the socket's error; the signal's reason
 */
export function handshake(transport: Socket, request: HandshakeRequest): Promise<HandshakeReport> {
  return new Promise((resolve, reject) => {
    const judge = new Judge(request.trust);
    let start: number | undefined;
    const connection = Connection.client({
      provider: node,
      serverName: request.serverName,
      alpn: request.alpn.length === 0 ? undefined : request.alpn.map(utf8),
      verifyChain: (chain) => judge.verify(chain),
      anyCertificate: true,
    });
    const pump = new Pump(connection, {
      data: () => true,
      end: ignore,
      secret: ignore,
      error: reject,
      thrown: reject,
      open: (facts) => {
        connection.closeWrite();
        resolve({ facts, ...judge.findings, duration: performance.now() - (start ?? Number.NaN) });
      },
      send: (slabs) => {
        start ??= performance.now();
        transport.cork();
        for (const slab of slabs) transport.write(slab);
        transport.uncork();
      },
    });
    transport.on('data', (chunk) => {
      // The engine takes no input only while the chain is being verified.
      if (connection.inputRoom === 0) return reject(new Error('the server sends more than a handshake needs'));
      connection.receive(chunk);
      pump.run();
    });
    transport.on('end', () => {
      connection.receiveEnd();
      pump.run();
    });
    transport.on('error', reject);
    request.signal.addEventListener('abort', () => reject(request.signal.reason));
    pump.run();
  });
}

/** Accepts every chain, and remembers its verdict. */
class Judge {
  readonly #trust: TrustStore;
  #chain: readonly Uint8Array[] = [];
  #verdict: Verdict = refused({ code: 'INVALID_CERTIFICATE', reason: 'no certificate was sent' });

  constructor(trust: TrustStore) {
    this.#trust = trust;
  }

  get findings(): Pick<HandshakeReport, 'chain' | 'verdict'> {
    return { chain: this.#chain, verdict: this.#verdict };
  }

  async verify({ chain }: ChainRequest): Promise<ChainVerdict> {
    const { verifiers } = node;
    const options = {
      trust: this.#trust,
      verifiers,
      purpose: 'server',
      name: 'any',
      time: Date.now(),
      profile: nodeProfile,
    } as const;
    const verdict = await verifyPeer(chain, options);
    const failure = verdict.ok ? notForSigning(verdict.peer) : undefined;
    this.#chain = chain;
    this.#verdict = failure === undefined ? verdict : refused(failure);
    return { ok: true, peer: verdict.ok ? verdict.peer : dangerouslyTrust(chain, verdict) };
  }
}

function ignore(): void {}
