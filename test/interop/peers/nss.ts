import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createFolder, type Folder } from '../credentials/files.ts';
import { type Child, startByLines } from '../processes/child.ts';
import { freePort } from '../processes/ports.ts';
import type { Scope } from '../processes/scope.ts';
import { startTap } from '../processes/tap.ts';
import type { Peer, Settings } from '../types.ts';
import { exportsKey, nssArguments } from './nss-arguments.ts';
import { clientSession, serverSession } from './nss-sessions.ts';

/** `selfserv` and `tstclnt` of Mozilla's NSS. */
export const nss: Peer = {
  name: 'nss',
  // OpenSSL makes the files that NSS takes keys from.
  missing: async () => {
    const tools = ['selfserv', 'tstclnt', 'certutil', 'pk12util'];
    const none = await firstMissing([...tools, 'openssl']);
    if (none === undefined) return undefined;
    return `no ${none} here: Debian has it in ${tools.includes(none) ? 'libnss3-tools' : none}`;
  },
  lacks: /ed25519/,
  listen: async (settings, scope) => {
    const folder = createFolder(scope);
    const port = await freePort();
    const args = ['-p', String(port), ...nssArguments('server', settings, folder)];
    const child = startByLines(scope, 'selfserv', args, { joined: true });
    await child.log.match(/About to call accept/);
    // What comes earlier may be a replay of what it took before it was started: it takes no 0-RTT data.
    const ready = settings.takesEarlyData ? delay(replayWindow, undefined, { ref: false }) : Promise.resolve();
    return { port, session: () => serverSession(child, settings, ready) };
  },
  connect: (port, settings, scope) => {
    const folder = createFolder(scope);
    const child = startClient(['-p', String(port)], settings, folder, scope);
    return clientSession(child, settings);
  },
  revisit: async ({ first, second }, settings, scope) => {
    if (first !== second) throw new Error('tstclnt comes again to the same server alone');
    const folder = createFolder(scope);
    // Sent in both connections; only from a file, because each connection goes on until its input has ended.
    const input = settings.earlyData ?? 'here it comes again\n';
    // Only what it has sent when the server answers is 0-RTT data.
    const port = settings.earlyData === undefined ? first : (await startTap(first, scope, 40)).port;
    const twice = ['-p', String(port), '-L', '2', '-A', folder.write('input.txt', input)];
    // NSS 3.87 frees its list of suites again in the second connection: the server's has to do.
    const child = startClient(twice, { ...settings, suites: undefined }, folder, scope);
    return clientSession(child, settings, input);
  },
  waitsForEnd: true,
  clientSendsAlert: { certificate: true, name: true },
  serverRefusal: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  codes: {
    authority: 'SEC_ERROR_UNKNOWN_ISSUER',
    name: 'SSL_ERROR_BAD_CERT_DOMAIN',
    expired: 'SEC_ERROR_EXPIRED_CERTIFICATE',
  },
};

/** Milliseconds; selfserv's own is of ten seconds. */
const replayWindow = 10_500;

async function firstMissing(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    const found = await promisify(execFile)('which', [program]).then(
      () => true,
      () => false,
    );
    if (!found) return program;
  }
  return undefined;
}

function startClient(command: readonly string[], settings: Settings, folder: Folder, scope: Scope): Child {
  const args = [...command, ...nssArguments('client', settings, folder)];
  return startByLines(scope, 'tstclnt', args, { joined: exportsKey(settings) });
}
