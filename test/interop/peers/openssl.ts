import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Child, start } from '../child.ts';
import { createFolder, type Folder, splitChain } from '../files.ts';
import { alertFrom, groupName } from '../names.ts';
import type { Scope } from '../scope.ts';
import type { Peer, PeerFacts, PeerFailure, PeerSession, Role, Settings } from '../types.ts';

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
    const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...common(settings, folder), ...server(settings, folder)];
    const child = run(args, settings, scope);
    await untilListening(port, child);
    return { port, session: () => session('server', child, child.log.length, settings, folder) };
  },
  connect: (port, settings, scope) => {
    const folder = createFolder(scope);
    const args = [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      ...common(settings, folder),
      ...client(settings, folder),
    ];
    return session('client', run(args, settings, scope), 0, settings, folder);
  },
  clientSendsAlert: { certificate: true, name: true },
  serverSendsAlert: true,
  codes: { authority: '20', name: '62', expired: '10' },
};

/** What only the long form says goes to stdout, among the data. */
function isVerbose(settings: Settings): boolean {
  const { alpn, exporter, commands, otherName } = settings;
  return [alpn, exporter, commands, otherName].some((setting) => setting !== undefined);
}

function run(args: readonly string[], settings: Settings, scope: Scope): Child {
  const verbose = isVerbose(settings);
  const form = verbose ? [] : ['-brief'];
  return start(scope, 'openssl', [...args, '-state', ...form], { logStdout: verbose, timeLimit: 300_000 });
}

function common(settings: Settings, folder: Folder): string[] {
  const { suites, groups, schemes, credential, ca, alpn, keylog, exporter, maxFragment, padding } = settings;
  const args: string[] = [];
  if (suites) args.push('-ciphersuites', suites.join(':'));
  if (groups) args.push('-groups', groups.join(':'));
  if (schemes) args.push('-sigalgs', schemes.join(':'));
  if (credential) {
    const { leaf, rest } = splitChain(credential);
    args.push('-cert', folder.write('cert.pem', leaf), '-key', folder.write('key.pem', credential.key));
    if (rest !== '') args.push('-cert_chain', folder.write('chain.pem', rest));
  }
  if (ca !== undefined) args.push('-CAfile', folder.write('ca.pem', ca));
  if (alpn) args.push('-alpn', alpn.join(','));
  if (keylog) args.push('-keylogfile', folder.path('keylog'));
  if (exporter !== undefined) args.push('-keymatexport', exporter, '-keymatexportlen', '32');
  if (maxFragment !== undefined) args.push('-max_send_frag', String(maxFragment));
  if (padding !== undefined) args.push('-record_padding', String(padding));
  return args;
}

function server(settings: Settings, folder: Folder): string[] {
  const args = ['-tls1_3'];
  if (settings.requireClientCertificate) args.push('-Verify', '4', '-verify_return_error');
  if (settings.otherName) {
    const { name, credential } = settings.otherName;
    const { leaf } = splitChain(credential);
    const files = ['-cert2', folder.write('cert2.pem', leaf), '-key2', folder.write('key2.pem', credential.key)];
    args.push('-servername', name, ...files);
  }
  return args;
}

function client(settings: Settings, _folder: Folder): string[] {
  const { servername, ca, commands } = settings;
  const args = ['-tls1_3'];
  if (ca !== undefined) args.push('-verify', '4', '-verify_return_error');
  if (servername !== undefined) args.push('-servername', servername, '-verify_hostname', servername);
  if (!commands) args.push('-nocommands');
  return args;
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
    says: async (pattern, times) => void (await told(pattern, times)),
  };
}

/** The line after which nothing more is said of the handshake. */
function lastFact(role: Role, settings: Settings): RegExp {
  if (settings.exporter !== undefined) return /Keying material: [0-9A-F]+\n/;
  if (isVerbose(settings)) return role === 'server' ? /Secure Renegotiation IS .*\n/ : /Early data was .*\n/;
  return role === 'server' ? /Supported groups: .*\n/ : /Server Temp Key: .*\n/;
}

function readFacts(text: string, verbose: boolean): PeerFacts {
  const find = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  return {
    suite: find(/(?:Ciphersuite: |Cipher is |CIPHER is )(\S+)/),
    group: groupName(find(/Server Temp Key: (?:ECDH, )?([^,\n]+)/)),
    servername: find(/Hostname in TLS extension: "([^"]*)"/),
    alpn: verbose ? (find(/ALPN protocols? ?(?:selected)?: (\S+)/) ?? false) : undefined,
    exporter: find(/Keying material: ([0-9A-F]+)/)?.toLowerCase(),
  };
}

function readFailure(text: string): PeerFailure {
  const [, sent, received] = fatalAlert.exec(text) ?? [];
  return { alert: alertFrom(sent ?? received ?? ''), code: /verify error:num=(\d+)/.exec(text)?.[1] };
}

const fatalAlert = /SSL3 alert write:fatal:(.+)|SSL alert number (\d+)/;

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** s_server does not say in its short form that it listens; the connection that finds out is one it drops. */
async function untilListening(port: number, child: Child): Promise<void> {
  let over = false;
  child.exited.then(
    () => (over = true),
    () => (over = true),
  );
  for (let tries = 0; tries < 250 && !over; tries++) {
    if (await accepts(port)) return void (await child.log.match(/^ERROR$/m));
    await delay(20);
  }
  throw new Error(`s_server does not listen; it said: ${child.log.text()}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
