// The -expect-… flags, once the handshake is over.

import { equal } from '#opentls/bytes/equal';
import { toHex } from '#opentls/bytes/hex';
import type { Facts } from '#opentls/handshake/terms/facts';
import type { Session } from '#opentls/session/session';
import { CipherSuiteId } from '#opentls/wire/enums';
import { AGE_TOLERANCE, type Observed } from '../flags/configs.ts';
import { loadChain, provider } from '../flags/credentials.ts';
import type { Options } from '../flags/flags.ts';
import { ShimError } from '../names.ts';
import type { Memory } from './memory.ts';

/** @throws ShimError for the first expectation that is not met */
export function checkHandshake(options: Options, facts: Facts, observed: Observed, memory: Memory): void {
  for (const check of checks) check(options, facts, observed, memory);
}

/** @param session the last one that came, if any */
export function checkSession(options: Options, session: Session | undefined): void {
  if (options.server || options['shim-shuts-down']) return;
  same('a session', !options['expect-no-session'], session !== undefined);
  if (session === undefined) return;
  same('0-RTT data with the session', options['expect-ticket-supports-early-data'], session.maxEarlyDataSize > 0);
  if (options['expect-resumable-across-names']) same('resumable across names', true, session.acrossNames);
  if (options['expect-not-resumable-across-names']) same('resumable across names', false, session.acrossNames);
}

/** @param resuming not the first connection of its test */
export function checkResumed(options: Options, facts: Facts, resuming: boolean): void {
  same('resumed', resuming && !options['expect-session-miss'], facts.resumed);
}

type Check = (options: Options, facts: Facts, observed: Observed, memory: Memory) => void;

const checks: readonly Check[] = [
  (options) => same('version', options['expect-version'], 0x0304),
  (options, facts) => same('group', options['expect-curve-id'], facts.group?.id),
  (options, facts) => same('suite', options['expect-cipher'], facts.suite.id),
  // The order of suites depends on whether the machine does AES by itself; here the provider stands for the machine.
  (options, facts) => {
    const name =
      provider.suites[0]?.id === CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256
        ? 'expect-cipher-no-aes'
        : 'expect-cipher-aes';
    same('suite', options[name], facts.suite.id);
  },
  (options, facts) => same('retry', options['expect-hrr'] || undefined, facts.helloRetryRequest),
  (options, facts) => same('no retry', options['expect-no-hrr'] || undefined, !facts.helloRetryRequest),
  (options, facts) => same('server name', options['expect-server-name'], facts.serverName),
  (options, facts) =>
    same('no server name', options['expect-no-server-name'] || undefined, facts.serverName === undefined),
  (options, facts) => same('0-RTT data', options['expect-accept-early-data'] ? 'accepted' : undefined, facts.earlyData),
  (options, facts) => {
    // On a server the reference does not tell "refused" from "not offered".
    const got = options.server && facts.earlyData === 'none' ? 'rejected' : facts.earlyData;
    same('0-RTT data', options['expect-reject-early-data'] ? 'rejected' : undefined, got);
  },
  (options, facts) => same('0-RTT data', options['expect-no-offer-early-data'] ? 'none' : undefined, facts.earlyData),
  checkEarlyDataReason,
  (options, { resumed, ticketAgeSkew }) => {
    const seconds = options['expect-ticket-age-skew'];
    if (resumed && seconds !== undefined) same('skew of the age of the ticket', seconds * 1000, ticketAgeSkew);
  },
  checkAlpn,
  (options, _, { advertisedAlpn }) => {
    const wire = advertisedAlpn?.map((name) => String.fromCharCode(name.length) + latin1(name)).join('');
    same('list of protocols', options['expect-advertised-alpn'], wire);
  },
  (options, _, { authorities }) => {
    same('authorities', options['expect-client-ca-list'], authorities?.map((name) => toHex(name)).join() ?? '<NULL>');
  },
  // A resumed handshake has no CertificateVerify.
  (options, facts) => {
    const expected = options['expect-peer-signature-algorithm'];
    if (!facts.resumed) same('peer scheme', expected, facts.peerSignatureScheme);
  },
  (options, facts) => {
    const expected = options['expect-peer-verify-pref'];
    if (expected.length > 0) same('peer schemes', expected.join(), facts.peerSignatureSchemes.join());
  },
  checkPeerChain,
  (options, _, __, { verdict }) => {
    const expected = options['verify-fail'] ? 'failed' : 'ok';
    if (options['expect-verify-result']) same('verify result', expected, verdict ?? 'ok');
  },
  checkSelectedCredential,
  checkWithCertificate,
];

/** What can be seen here of each reason that the reference has: some it tells apart, and we do not. */
const earlyDataReasons: ReadonlyMap<string, (facts: Facts) => boolean> = new Map([
  ['accept', ({ earlyData }) => earlyData === 'accepted'],
  ['no_session_offered', ({ resumed, earlyData }) => !resumed && earlyData === 'none'],
  ['hello_retry_request', ({ helloRetryRequest, earlyData }) => helloRetryRequest && earlyData === 'rejected'],
  ['session_not_resumed', ({ resumed, earlyData }) => !resumed && earlyData === 'rejected'],
  ['peer_declined', (facts) => facts.resumed && !facts.helloRetryRequest && facts.earlyData === 'rejected'],
  [
    'ticket_age_skew',
    ({ ticketAgeSkew = 0, earlyData }) => earlyData === 'rejected' && Math.abs(ticketAgeSkew) > AGE_TOLERANCE,
  ],
  ['disabled', ({ earlyData }) => earlyData !== 'accepted'],
  ['alpn_mismatch', ({ earlyData }) => earlyData !== 'accepted'],
  ['unsupported_for_session', ({ earlyData }) => earlyData !== 'accepted'],
]);

function checkEarlyDataReason(options: Options, facts: Facts): void {
  const reason = options['expect-early-data-reason'];
  if (reason === undefined) return;
  if (!earlyDataReasons.get(reason)?.(facts)) throw new ShimError('SHIM_EXPECTATION', `0-RTT data: not by ${reason}`);
}

/** A client that expects no protocol expects none. */
function checkAlpn(options: Options, facts: Facts): void {
  if (options.server && options['expect-alpn'] === undefined) return;
  const got = facts.alpn === undefined ? '' : latin1(facts.alpn);
  same('protocol', options['expect-alpn'] ?? '', got);
}

function checkPeerChain(options: Options, facts: Facts): void {
  const got = facts.peer?.certificates.map(({ raw }) => raw) ?? [];
  if (options['expect-no-peer-cert']) same('number of certificates', 0, got.length);
  const path = options['expect-peer-cert-file'];
  if (path === undefined) return;
  const expected = loadChain(path);
  const matches = got.length === expected.length && expected.every((der, i) => equal(der, got[i] ?? new Uint8Array(0)));
  if (!matches) throw new ShimError('SHIM_EXPECTATION', `the peer's chain is not that of ${path}`);
}

/** What comes with a certificate comes in full handshakes only. */
function checkWithCertificate(options: Options, facts: Facts): void {
  if (facts.resumed) return;
  const type = options['expect-peer-certificate-type'];
  same('certificate type', type, { X509: 0, RawPublicKey: 2 }[facts.peerCertificateType]);
  sameBytes('OCSP response', options['expect-ocsp-response'], facts.peerOcspResponse);
  sameBytes('timestamps', options['expect-signed-cert-timestamps'], facts.peerTimestamps);
  const [key] = facts.peerChain;
  const digest = key && provider.hashes.sha256.digest(key);
  sameBytes('hash of the raw public key', options['expect-peer-rpk-sha256'], digest);
}

function sameBytes(what: string, expected: Uint8Array | undefined, got: Uint8Array | undefined): void {
  same(what, expected && toHex(expected), got && toHex(got));
}

/** -1: the default one, or none. */
function checkSelectedCredential(options: Options, facts: Facts, { credentials }: Observed): void {
  if (facts.resumed) return;
  const opened = credentials.slice(0, -1);
  const { localChain, externalPsk } = facts;
  const index = opened.findIndex(
    ({ credential, psks }) =>
      (credential !== undefined && credential.chain === localChain) ||
      (externalPsk !== undefined && psks.some(({ identity }) => equal(identity, externalPsk))),
  );
  same('credential', options['expect-selected-credential'], index);
}

/** Nothing is expected where `expected` is undefined. */
function same<T>(what: string, expected: T | undefined, got: T | undefined): void {
  if (expected === undefined || expected === got) return;
  throw new ShimError('SHIM_EXPECTATION', `${what}: ${String(got)} instead of ${String(expected)}`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
