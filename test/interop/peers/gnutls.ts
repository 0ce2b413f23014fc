import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { createFolder, type Folder } from '../credentials/files.ts';
import { take } from '../ends/data.ts';
import { alertFrom } from '../ends/names.ts';
import { type Child, startByLines } from '../processes/child.ts';
import { freePort } from '../processes/ports.ts';
import type { Scope } from '../processes/scope.ts';
import type { Peer, PeerFacts, PeerSession, Role, Settings } from '../types.ts';
import { gnutlsArguments } from './gnutls-arguments.ts';

/** `gnutls-serv`, which sends lines back, and `gnutls-cli`. */
export const gnutls: Peer = {
  name: 'gnutls',
  missing: async () => {
    const none = { stdout: 'no gnutls-cli here: Debian has it in gnutls-bin' };
    const { stdout } = await promisify(execFile)('gnutls-cli', ['--version']).catch(() => none);
    return /^gnutls-cli 3\.([7-9]|\d\d)/.test(stdout) ? undefined : stdout.split('\n')[0];
  },
  listen: async (settings, scope) => {
    const folder = createFolder(scope);
    const port = await freePort();
    const args = ['-p', String(port), ...gnutlsArguments('server', settings, folder)];
    const child = startByLines(scope, 'gnutls-serv', args, { logStdout: true });
    await child.log.match(/Server listening on IPv4 .*done/);
    return { port, session: () => session('server', child, child.log.length, folder) };
  },
  connect: (port, settings, scope) => connect(port, settings, [], scope),
  revisit: async ({ first, second }, settings, scope) => {
    if (first !== second) throw new Error('gnutls-cli comes again to the same server alone');
    return connect(first, settings, ['--resume', '--waitresumption'], scope);
  },
  clientSendsAlert: { certificate: true, name: true },
  serverRefusal: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
  codes: { authority: '20', name: '62', expired: '10' },
};

function connect(port: number, settings: Settings, more: readonly string[], scope: Scope): PeerSession {
  const folder = createFolder(scope);
  const args = ['127.0.0.1', '-p', String(port), ...more, ...gnutlsArguments('client', settings, folder)];
  return session('client', startByLines(scope, 'gnutls-cli', args, { logStdout: true }), 0, folder);
}

function session(role: Role, child: Child, from: number, folder: Folder): PeerSession {
  const told = (pattern: RegExp, times = 1): Promise<RegExpExecArray> => child.log.match(pattern, from, times);
  return {
    input: child.stdin,
    output: child.stdout,
    facts: async () => {
      await told(role === 'client' ? /- Simple Client Mode:/ : /- Key material: .*\n/);
      return readFacts(child.log.text(from), folder);
    },
    failure: async () => {
      const [, alert] = await told(/Alert\[2\|(\d+)\]/);
      return { alert: alertFrom(alert ?? '') };
    },
    keylog: () => Promise.reject(new Error('no key log was asked for')),
    ended: async () => void (await told(/Alert\[1\|0\] - Close notify - was received/)),
    says: async (pattern, times) => void (await told(pattern, times)),
    requestCertificate: async (ours) => {
      const before = child.log.length;
      ours.write('**REAUTH**\n');
      await child.log.match(/FINISHED \(20\) was received/, before);
      await take(ours, 'Successfully executed command\n'.length);
      return /CERTIFICATE VERIFY \(15\) was received/.test(child.log.text(before));
    },
    certificateAsked: async () => void (await told(/Re-auth was performed/)),
    ...(role === 'server' && { exchange: echo }),
  };
}

async function echo(ours: Duplex, line: string): Promise<void> {
  ours.write(line);
  assert.equal((await take(ours, line.length)).toString(), line);
}

/** Of a client that came again. */
function lastConnection(text: string): string {
  return text.slice(Math.max(0, text.lastIndexOf('- Connecting again-')));
}

function readEarlyData(text: string): PeerFacts['earlyData'] {
  if (!text.includes('Sending extension Early Data/42')) return 'none';
  return text.includes('END OF EARLY DATA was queued') ? 'accepted' : 'rejected';
}

function readFacts(all: string, folder: Folder): PeerFacts {
  const text = lastConnection(all);
  const find = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const ocsp = folder.path('ocsp.der');
  return {
    exporter: find(/- Key material: ([0-9a-f]+)/),
    servername: find(/- Given server name\[1\]: (\S+)/),
    alpn: find(/- Application protocol: (\S+)/) ?? false,
    reused: text.includes('*** This is a resumed session'),
    pskIdentity: find(/- PSK authentication. Connected as '(.*)'/),
    clientCertified: /CERTIFICATE VERIFY \(15\) was received/.test(text),
    // What stderr says is not in order with stdout; the first connection had none.
    earlyData: readEarlyData(all),
    // It is there and empty where there was no response.
    ocspResponse: existsSync(ocsp) ? readFileSync(ocsp).toString('base64') || undefined : undefined,
  };
}
