import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import type { AlertName } from '#opentls/errors';
import { lineToPeer, take, takeUntil } from '../ends/data.ts';
import type { Child } from '../processes/child.ts';
import type { PeerFacts, PeerFailure, PeerSession, Settings } from '../types.ts';
import { exportsKey } from './nss-arguments.ts';

/**
 * `selfserv` sends back what comes before an empty line, says only then what was agreed on, and ends.
 * @param ready when it takes 0-RTT data: one connection has to be over before
 */
export function serverSession(child: Child, settings: Settings, ready: Promise<void>): PeerSession {
  const from = child.log.length;
  const before = resumptions(child.log.text());
  const told = (pattern: RegExp): Promise<RegExpExecArray> => child.log.match(pattern, from);
  let asked = false;
  const exchange = async (ours: Duplex, line: string): Promise<void> => {
    ours.write(`${question}\n${line}\n`);
    assert.ok((await takeUntil(ours, 'EOF\r\n\r\n\r\n')).includes(`${question}\n${line}\n`));
    await told(new RegExp(question));
    asked = true;
  };
  const certified = (): boolean => child.log.text(from).includes('-- SSL3: Certificate Validated.');
  return {
    ...common(child, told),
    facts: async () => {
      await told(keyingMaterial);
      if (!asked) return { exporter: readExporter(child.log.text(from)), clientCertified: certified() };
      // When 0-RTT data comes there is no suite to tell yet.
      await told(/Server Auth: .*\n|issuer {2}DN: .*\n/);
      await told(/stateless resumes/);
      const text = child.log.text(from);
      const reused = resumptions(text) > before || isByPsk(text);
      return { ...readFacts(text), reused, clientCertified: certified() };
    },
    failure: async () => {
      const [, code] = await told(/(?:PR_Read|ForceHandshake) returned error (-\d+)/);
      return { code, alert: alertOf(Number(code) - errorBase) };
    },
    ended: async () => {
      await told(/PR_Read hit EOF/);
      await ready;
    },
    exchange,
    requestCertificate: async (ours) => {
      await exchange(ours, 'who is there?\n');
      return certified();
    },
    ...(settings.commands && { exchangesOnce: true }),
  };
}

/** `tstclnt` as a filter; `input`: of its second connection, of which this is all that it will send. */
export function clientSession(child: Child, settings: Settings, input?: string): PeerSession {
  const visits = input === undefined ? 1 : 2;
  const told = (pattern: RegExp): Promise<RegExpExecArray> => child.log.match(pattern, 0, visits);
  const facts = async (): Promise<PeerFacts> => {
    await told(/Received \d+ Cert Status items/);
    if (exportsKey(settings)) await told(keyingMaterial);
    const text = child.log.text();
    return {
      ...readFacts(text),
      reused: resumptions(text) > 0 || isByPsk(text),
      stapled: !/Received 0 Cert Status items/.test(text),
      earlyData: readEarlyData(text, settings),
      delegated: text.includes('Received a Delegated Credential'),
    };
  };
  const session = {
    ...common(child, told),
    facts,
    failure: async (): Promise<PeerFailure> => {
      const [, code = ''] = await child.log.match(/(?:cert|socket) failed: (\w+)/);
      return { code, alert: alertOf(code) };
    },
    ended: async () => void (await told(/Read from server 0 bytes/)),
  };
  if (input === undefined) return session;
  const exchange = async (stream: Duplex): Promise<void> => {
    await lineToPeer({ stream }, session);
    // What was taken early does not come again.
    if ((await facts()).earlyData === 'accepted') return;
    assert.equal((await take(stream, input.length)).toString(), input);
  };
  return { ...session, exchange };
}

function common(
  child: Child,
  told: (pattern: RegExp) => Promise<unknown>,
): Pick<PeerSession, 'input' | 'output' | 'keylog' | 'says'> {
  return {
    input: child.stdin,
    output: child.stdout,
    // Debian's NSS is built without it.
    keylog: () => Promise.reject(new Error('NSS writes no key log')),
    says: async (pattern) => void (await told(pattern)),
  };
}

/** Of its last connection. */
function readFacts(text: string): PeerFacts {
  const find = (pattern: RegExp): string | undefined => lastMatch(text, pattern)?.[1];
  return {
    suite: suites[find(/SSL version 3\.4 using (\S+ \S+) with/g) ?? ''],
    servername: find(/Negotiated server name: (\S+)/g),
    exporter: readExporter(text),
  };
}

function readEarlyData(text: string, { earlyData }: Settings): PeerFacts['earlyData'] {
  if (earlyData === undefined) return 'none';
  return text.includes('Early data rejected') ? 'rejected' : 'accepted';
}

function readExporter(text: string): string | undefined {
  const lines = lastMatch(text, new RegExp(keyingMaterial, 'g'))?.slice(1);
  return lines?.join('').replaceAll(':', '');
}

/** How many there have been since the program began. */
function resumptions(text: string): number {
  return Number(lastMatch(text, /(\d+) stateless resumes/g)?.[1] ?? 0);
}

function isByPsk(text: string): boolean {
  return lastMatch(text, /Server Auth: (\d+)-bit/g)?.[1] === '0';
}

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].at(-1);
}

/** 32 bytes on two lines; another thread of selfserv may say something in between. */
const keyingMaterial =
  /Keying Material:\n(?:.*\n)*? +((?:[0-9a-f]{2}:){16})\n(?:.*\n)*? +((?:[0-9a-f]{2}:){15}[0-9a-f]{2})\n/;
const question = 'send this back';

const suites: Readonly<Record<string, string>> = {
  '128-bit AES-GCM': 'TLS_AES_128_GCM_SHA256',
  '256-bit AES-GCM': 'TLS_AES_256_GCM_SHA384',
  '256-bit CHACHA20POLY1305': 'TLS_CHACHA20_POLY1305_SHA256',
};

/** SSL_ERROR_BASE of sslerr.h; selfserv tells errors by number, tstclnt by name. */
const errorBase = -0x3000;
const errors: readonly (readonly [name: string, number: number, alert: AlertName])[] = [
  ['SSL_ERROR_BAD_CERT_ALERT', 17, 'bad_certificate'],
  ['SSL_ERROR_REVOKED_CERT_ALERT', 18, 'certificate_revoked'],
  ['SSL_ERROR_EXPIRED_CERT_ALERT', 19, 'certificate_expired'],
  ['SSL_ERROR_HANDSHAKE_FAILURE_ALERT', 61, 'handshake_failure'],
  ['SSL_ERROR_ILLEGAL_PARAMETER_ALERT', 62, 'illegal_parameter'],
  ['SSL_ERROR_CERTIFICATE_UNKNOWN_ALERT', 64, 'certificate_unknown'],
  ['SSL_ERROR_UNKNOWN_CA_ALERT', 93, 'unknown_ca'],
  ['SSL_ERROR_DECRYPT_ERROR_ALERT', 96, 'decrypt_error'],
  ['SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT', 181, 'certificate_required'],
];

function alertOf(error: string | number): AlertName | undefined {
  return errors.find(([name, number]) => error === name || error === number)?.[2];
}
