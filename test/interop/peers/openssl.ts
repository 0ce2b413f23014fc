import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createFolder, type Folder } from '../credentials/files.ts';
import { alertFrom, groupName } from '../ends/names.ts';
import { type Child, start } from '../processes/child.ts';
import { freePort } from '../processes/ports.ts';
import type { Scope } from '../processes/scope.ts';
import type { Peer, PeerFacts, PeerFailure, PeerSession, Role, Settings } from '../types.ts';
import { isVerbose, opensslArguments } from './openssl-arguments.ts';

/** `openssl s_server` and `openssl s_client`. */
export const openssl: Peer = {
  name: 'openssl',
  missing: async () => {
    const { stdout } = await promisify(execFile)('openssl', ['version']).catch(() => ({ stdout: 'no openssl here' }));
    return /^OpenSSL [3-9]/.test(stdout) ? undefined : stdout.trim();
  },
  listen: async (settings, scope) => {
    const folder = createFolder(scope);
    const port = await freePort();
    const child = run(['s_server', '-accept', `127.0.0.1:${port}`], 'server', settings, folder, scope);
    await untilListening(port, child);
    return { port, session: () => session('server', child, child.log.length, settings, folder) };
  },
  connect,
  revisit: async ({ first, second }, { earlyData, ...settings }, scope) => {
    const begun = connect(first, { ...settings, keepsTickets: true }, scope);
    const ticket = await begun.ticket?.();
    begun.input.end();
    return connect(second, { ...settings, earlyData, session: ticket, reports: true }, scope);
  },
  clientSendsAlert: { certificate: true, name: true },
  serverRefusal: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  codes: { authority: '20', name: '62', expired: '10' },
};

function connect(port: number, settings: Settings, scope: Scope): PeerSession {
  const folder = createFolder(scope);
  const child = run(['s_client', '-connect', `127.0.0.1:${port}`], 'client', settings, folder, scope);
  return session('client', child, 0, settings, folder);
}

function run(command: readonly string[], role: Role, settings: Settings, folder: Folder, scope: Scope): Child {
  const args = [...command, ...opensslArguments(role, settings, folder)];
  return start(scope, 'openssl', args, { logStdout: isVerbose(settings), timeLimit: 300_000 });
}

function session(role: Role, child: Child, from: number, settings: Settings, folder: Folder): PeerSession {
  const told = (pattern: RegExp, times = 1): Promise<RegExpExecArray> => child.log.match(pattern, from, times);
  const facts = async (): Promise<PeerFacts> => {
    await told(lastFact(role, settings));
    return readFacts(child.log.text(from), isVerbose(settings));
  };
  return {
    input: child.stdin,
    output: child.stdout,
    facts,
    failure: async () => {
      await told(fatalAlert);
      return readFailure(child.log.text(from));
    },
    keylog: async () => {
      await facts();
      for (let tries = 0; ; tries++) {
        const lines = readFileSync(folder.path('keylog'), 'latin1')
          .split('\n')
          .filter((line) => /^[A-Z]/.test(line));
        if (lines.length >= 5 || tries > 100) return lines;
        await delay(20);
      }
    },
    ended: async () => void (await told(/SSL3 alert read:warning:close notify/)),
    requestCertificate: async () => {
      const before = child.log.length;
      child.stdin.write('c\n');
      await child.log.match(/write certificate request/, before);
      await child.log.match(/read finished/, before);
      return /read certificate verify/.test(child.log.text(before));
    },
    certificateAsked: async () => void (await told(/read server certificate request/)),
    ticket: async () => {
      await told(/read server session ticket/);
      const path = folder.path('session.pem');
      while (!existsSync(path) || !readFileSync(path, 'latin1').includes('-----END')) await delay(5);
      return path;
    },
    says: async (pattern, times) => void (await told(pattern, times)),
  };
}

/** The line after which nothing more is said of the handshake. */
function lastFact(role: Role, settings: Settings): RegExp {
  if (settings.exporter !== undefined) return /Keying material: [0-9A-F]+\n/;
  if (isVerbose(settings))
    return role === 'server' ? /(?:Secure Renegotiation IS|This TLS version forbids) .*\n/ : /Early data was .*\n/;
  return role === 'server' ? /Supported groups: .*\n/ : agreedGroup;
}

function readFacts(text: string, verbose: boolean): PeerFacts {
  const find = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const reused = /^Reused/m.test(text);
  return {
    suite: find(/(?:Ciphersuite: |Cipher is |CIPHER is )(\S+)/),
    // Of a resumed session, 3.5 says what was negotiated the first time.
    group: groupName(find(reused ? temporaryKey : agreedGroup)),
    servername: find(/Hostname in TLS extension: "([^"]*)"/),
    alpn: verbose ? (find(/ALPN protocols? ?(?:selected)?: (\S+)/) ?? false) : undefined,
    exporter: find(/Keying material: ([0-9A-F]+)/)?.toLowerCase(),
    reused: verbose ? reused : undefined,
    earlyData: earlyData[find(/Early data was (.+)/) ?? ''],
    clientCertified: text.includes('read certificate verify'),
    clientSubject: find(/Client certificate.*subject=CN ?= ?(\S+)/s),
    ocspSerial: find(/^ *Serial Number: (\w+)\n *Cert Status: good/m),
  };
}

const temporaryKey = /(?:Server|Peer) Temp Key: (?:ECDH, )?([^,\n]+)/;
/** In the words of OpenSSL 3.0, and of 3.5. */
const agreedGroup = /(?:(?:Server|Peer) Temp Key: (?:ECDH, )?|Negotiated TLS1\.3 group: )([^,\n]+).*\n/;

const earlyData: Readonly<Record<string, PeerFacts['earlyData']>> = {
  'not sent': 'none',
  rejected: 'rejected',
  accepted: 'accepted',
};

function readFailure(text: string): PeerFailure {
  const [, sent, received] = fatalAlert.exec(text) ?? [];
  return { alert: alertFrom(sent ?? received ?? ''), code: /verify error:num=(\d+)/.exec(text)?.[1] };
}

const fatalAlert = /SSL3 alert write:fatal:(.+)|SSL alert number (\d+)/;

/** s_server does not say in its short form that it listens; the connection that finds out is one it drops. */
async function untilListening(port: number, child: Child): Promise<void> {
  let over = false;
  child.exited.then(
    () => (over = true),
    () => (over = true),
  );
  for (let tries = 0; tries < 250 && !over; tries++) {
    if (await accepts(port)) return void (await child.log.match(/^ERROR$|^Error reading early data$/m));
    await delay(20);
  }
  throw new Error(`s_server does not listen; it said: ${child.log.text()}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tcpConnect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
