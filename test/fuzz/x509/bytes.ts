import { rootCertificates } from 'node:tls';
import { toHex } from '#opentls/bytes/hex';
import { TlsError } from '#opentls/errors';
import { node } from '#opentls/providers/node';
import { checkValue, DerError, DerReader } from '#opentls/x509/asn1/der';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { TrustStore } from '#opentls/x509/path/trust';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { parseOcspResponse } from '#opentls/x509/revocation/ocsp';
import { nodeProfile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import { parseScts } from '#opentls/x509/transparency/sct';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { randomNumbers } from '../../kit/random.ts';
import { toDer } from '../../x509/suites/limbo.ts';
import { mutate, type Numbers } from '../mutate.ts';
import { notCanonical } from './canonical.ts';

export interface ByteRuns {
  readonly runs: number;
  /** Mutated inputs that were accepted by their reader. */
  readonly accepted: number;
  /** What should not have been: a line for each. */
  readonly findings: readonly string[];
}

export interface Seeds {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  readonly ocspResponses: readonly Uint8Array[];
}

/** The roots that come with Node: some 150 ways to write a certificate. */
export const roots: readonly Uint8Array[] = rootCertificates.map(toDer);

/**
 * Mutated certificates, lists, responses and timestamps: nothing but the reader's own errors comes out, and nothing is
 * accepted whose DER is not canonical. Mutated chains: a verdict, whatever happens.
 */
export function fuzzBytes(seed: number, runs: number, seeds: Seeds): ByteRuns {
  const number = randomNumbers(seed);
  const findings: string[] = [];
  let accepted = 0;
  for (let run = 0; run < runs && findings.length < 20; run++) {
    const { name, pool, read } = pick(targets, number);
    const chosen = pick(pool(seeds), number);
    const mutated = mutate(chosen, pick(seeds.certificates, number), number);
    try {
      read(mutated);
      accepted++;
      const wrong = notCanonical(mutated);
      if (wrong !== undefined) findings.push(`${name} accepts ${wrong}: ${toHex(mutated)}`);
    } catch (error) {
      const own = error instanceof TlsError || error instanceof DerError;
      if (!own) findings.push(`${name} throws ${String(error)}: ${toHex(mutated)}`);
    }
    if (run % 16 === 0) findings.push(...judge(mutated, seeds, number));
  }
  return { runs, accepted, findings };
}

interface Target {
  readonly name: string;
  readonly pool: (seeds: Seeds) => readonly Uint8Array[];
  readonly read: (der: Uint8Array) => void;
}

const targets: readonly Target[] = [
  { name: 'parseCertificate', pool: ({ certificates }) => certificates, read: readCertificate },
  { name: 'parseCertificate', pool: ({ certificates }) => certificates, read: readCertificate },
  { name: 'parseCrl', pool: ({ crls }) => crls, read: readCrl },
  { name: 'parseOcspResponse', pool: ({ ocspResponses }) => ocspResponses, read: readOcsp },
];

/** Every getter, whatever is added to them later. */
const getters = Object.entries(
  Object.getOwnPropertyDescriptors(Object.getPrototypeOf(parseCertificate(roots[0] ?? new Uint8Array()))),
)
  .filter(([, { get }]) => get !== undefined)
  .map(([name]) => name as keyof Certificate);

function readCertificate(der: Uint8Array): void {
  const certificate = parseCertificate(der);
  for (const name of getters) void certificate[name];
  if (certificate.sctList !== undefined) parseScts(certificate.sctList);
  // What is opaque to the reader need not be canonical: the parameters of an algorithm that it does not know.
  walk(der);
}

function readCrl(der: Uint8Array): void {
  for (const entry of parseCrl(der).entries()) void entry.reason;
  walk(der);
}

function readOcsp(der: Uint8Array): void {
  void parseOcspResponse(der).responses;
  walk(der);
}

/** The cursor over everything, to the last element. */
function walk(der: Uint8Array): void {
  const reader = new DerReader(der);
  while (!reader.done) checkValue(reader.element());
}

function judge(mutated: Uint8Array, { certificates, crls }: Seeds, number: Numbers): string[] {
  const other = pick(certificates, number);
  const chain = number(2) === 0 ? [mutated, other] : [other, mutated];
  try {
    verifyPeer(chain, {
      trust: TrustStore.from(roots),
      verifiers: node.verifiers,
      purpose: number(2) === 0 ? 'server' : 'client',
      name: { dns: 'fuzz.test' },
      time: Date.now(),
      profile: pick([webpki, nodeProfile, rfc5280], number),
      crls: [mutated, pick(crls, number)],
      revocation: { mode: 'soft', hashes: node.hashes, stapled: [mutated] },
    });
    return [];
  } catch (error) {
    return [`verifyPeer throws ${String(error)}: ${chain.map(toHex).join(' ')}`];
  }
}

function pick<T>(list: readonly T[], number: Numbers): T {
  const item = list[number(list.length)];
  if (item === undefined) throw new RangeError('an empty list');
  return item;
}
