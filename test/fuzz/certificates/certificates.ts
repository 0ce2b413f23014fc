import { X509Certificate } from 'node:crypto';
import { PeerCheck } from '#opentls/adapters/node/callbacks/peer-check';
import { checkServerIdentity } from '#opentls/adapters/node/certificate/identity';
import { legacyCertificate, legacyChain } from '#opentls/adapters/node/certificate/legacy';
import { createSecureContext } from '#opentls/adapters/node/context/context';
import { describeCertificate } from '#opentls/cli/describe';
import { TlsError } from '#opentls/errors';
import { certificateAlert } from '#opentls/handshake/proof/alerts';
import { node } from '#opentls/providers/node';
import type { ShownCertificate } from '#opentls/x509/certificate/certificate';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { showCertificate } from '#opentls/x509/certificate/display';
import type { VerifiedPeer } from '#opentls/x509/verify/verified-peer';
import { meet } from '../../adapters/node/certificate/odd-peer.ts';
import { modules } from '../../adapters/node/sides.ts';
import { randomNumbers } from '../../kit/random.ts';
import type { Numbers } from '../mutate.ts';
import { leaf, type MutatedChain, mutatedChain, root } from './mutations.ts';

export interface CertificateRuns {
  readonly runs: number;
  /** Of them, how many were judged good, and how many were refused. */
  readonly good: number;
  readonly refused: number;
  /** Handshakes, how many of them an application saw, and how many of those with a certificate that OpenSSL reads. */
  readonly handshakes: number;
  readonly reached: number;
  readonly x509: number;
  /** What should not have been: a line for each. */
  readonly findings: readonly string[];
}

/**
 * Chains with a mutated leaf, intermediate or root, shown by either side, with verification and without: nothing throws
 * at an application, a refusal has a code and an alert, ERR_TLS_INTERNAL is neither, and without verification a leaf
 * whose key OpenSSL reads is reached.
 * @param every so many inputs go through a handshake, too
 */
export async function fuzzCertificates(seed: number, runs: number, every: number): Promise<CertificateRuns> {
  const number = randomNumbers(seed);
  const findings: string[] = [];
  const counts = { good: 0, refused: 0, handshakes: 0, reached: 0, x509: 0 };
  for (let run = 0; run < runs && findings.length < 20; run++) {
    const mutated = mutatedChain(number);
    try {
      counts[judge(mutated, number)]++;
      if (run % every === 0) await shake(mutated, number, counts);
    } catch (error) {
      findings.push(`${mutated.changed}: ${error instanceof Error ? error.stack : error}: ${hex(mutated)}`);
    }
  }
  return { runs, ...counts, findings };
}

const { context } = createSecureContext({ ca: root.pem, provider: node });

/** What a socket does with a chain, without the socket. */
function judge({ chain }: MutatedChain, number: Numbers): 'good' | 'refused' {
  const enforce = number(2) === 0;
  let asked = 0;
  const nameCheck = (path: readonly ShownCertificate[]): Error | undefined => {
    const certificate = legacyChain(path, node.hashes);
    if (certificate === undefined) throw new TypeError('there is nothing to compare the host with');
    asked++;
    return checkServerIdentity('localhost', certificate);
  };
  const peer = number(2) === 0 ? 'server' : 'client';
  const host = peer === 'server' ? 'localhost' : undefined;
  const check = new PeerCheck({ host, context: () => context, enforce, nameCheck: host && nameCheck });
  const request = { peer, chain, certificateType: 'X509', serverName: host, resumed: false } as const;
  for (const der of chain) describeCertificate(der);
  // So far the engine looks before it asks.
  if (isRefusedByEngine(chain[0], enforce)) return 'refused';
  const verdict = check.verify({ ...request, ocspResponse: undefined, timestamps: undefined });
  if ('then' in verdict) throw new TypeError('the provider answers at once');
  if (!verdict.ok) {
    if (verdict.reason === '' || certificateAlert(verdict.code) === 'internal_error') throw new TypeError(verdict.code);
    return 'refused';
  }
  look(verdict.peer);
  if (verdict.peer.verified && host !== undefined && asked === 0) throw new TypeError('nobody looked at the name');
  return verdict.peer.verified && check.code === null ? 'good' : 'refused';
}

function isRefusedByEngine(leaf: Uint8Array | undefined, enforce: boolean): boolean {
  try {
    (enforce ? parseCertificate : showCertificate)(leaf ?? new Uint8Array(0));
    return false;
  } catch (error) {
    if (error instanceof TlsError && error.code === 'INVALID_CERTIFICATE') return true;
    throw error;
  }
}

function look({ certificates }: VerifiedPeer): void {
  JSON.stringify(legacyChain(certificates, node.hashes)?.subject);
  for (const certificate of certificates) {
    legacyCertificate(certificate, node.hashes);
    const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(certificate)));
    for (const [name, { get }] of getters) if (get !== undefined) Reflect.get(certificate, name);
  }
}

async function shake(
  { chain }: MutatedChain,
  number: Numbers,
  counts: Record<'handshakes' | 'reached' | 'x509', number>,
) {
  const by = number(2) === 0 ? 'server' : 'client';
  const rejectUnauthorized = number(2) === 0;
  const judge = { tls: modules.opentls, ca: root.pem, key: leaf.key, cert: leaf.pem, rejectUnauthorized };
  const outcome = await meet({ by, chain, signer: leaf.signer }, judge);
  counts.handshakes++;
  if (outcome.reached) counts.reached++;
  if (outcome.x509) counts.x509++;
  const { code, message, alert } = outcome;
  if (code === 'ERR_TLS_INTERNAL' || alert === 'internal_error') throw new TypeError(`${code}: ${message}`);
  // The error of checkServerIdentity is handed on as it is.
  const said = alert !== undefined || code === 'ERR_TLS_CERT_ALTNAME_INVALID';
  if (!outcome.reached && (code === undefined || !said)) throw new TypeError(`no code or alert: ${message}`);
  for (const seen of outcome.identified) if (typeof seen !== 'object' || seen === null) throw new TypeError(`${seen}`);
  if (!rejectUnauthorized && !outcome.reached && hasKey(chain[0])) throw new TypeError(`not reached: ${message}`);
}

/** Whether OpenSSL reads it to its last byte, as its TLS asks, and finds the key in it that signs. */
function hasKey(der: Uint8Array | undefined): boolean {
  try {
    const { raw, publicKey } = new X509Certificate(der ?? '');
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return raw.length === der?.length && leaf.signer.publicKey !== undefined && spki.equals(leaf.signer.publicKey);
  } catch {
    return false;
  }
}

function hex({ chain }: MutatedChain): string {
  return chain.map((der) => Buffer.from(der).toString('hex')).join(' ');
}
