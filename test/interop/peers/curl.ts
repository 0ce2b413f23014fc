import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { serverName } from '../credentials/certificates.ts';
import { createFolder, type Folder } from '../credentials/files.ts';
import { alertFrom } from '../ends/names.ts';
import { type Child, start } from '../processes/child.ts';
import type { Peer, PeerSession, Settings } from '../types.ts';

/** curl: uploads its stdin and prints the response, both at once. */
export const curl: Peer = {
  name: 'curl',
  missing: async () => {
    const { stdout } = await promisify(execFile)('curl', ['--version']).catch(() => ({ stdout: 'no curl here' }));
    return /OpenSSL\/[3-9]/.test(stdout) ? undefined : `no curl with OpenSSL ≥ 3 (${stdout.split('\n')[0]})`;
  },
  listen: () => Promise.reject(new Error('curl is no server')),
  connect: (port, settings, scope) => {
    const folder = createFolder(scope);
    const env = settings.keylog ? { SSLKEYLOGFILE: folder.path('keylog') } : {};
    return session(start(scope, 'curl', curlArguments(port, settings, folder), { env }), settings, folder);
  },
  // curl itself compares the name, once the handshake is over.
  clientSendsAlert: { certificate: true, name: false },
  codes: { authority: '60', name: '60', expired: '60' },
  frame: (socket) =>
    new Promise((resolve) => {
      const server = createServer((request, response) => {
        response.writeHead(200, { connection: 'close' });
        response.flushHeaders();
        // The socket's owner hears of errors; here they would only be told twice.
        resolve(Duplex.from({ readable: request, writable: response }).on('error', () => undefined));
      });
      server.emit('connection', socket);
    }),
};

function curlArguments(port: number, settings: Settings, folder: Folder): string[] {
  const { servername = serverName, suites, groups, ca, credential, alpn } = settings;
  const args = ['-sSvN', '--http1.1', '-H', 'Expect:', '--tlsv1.3', '-T', '.'];
  args.push('--resolve', `${servername}:${port}:127.0.0.1`);
  if (alpn === undefined) args.push('--no-alpn');
  if (suites) args.push('--tls13-ciphers', suites.join(':'));
  if (groups) args.push('--curves', groups.join(':'));
  if (ca !== undefined) args.push('--cacert', folder.write('ca.pem', ca));
  if (credential)
    args.push('--cert', folder.write('cert.pem', credential.cert), '--key', folder.write('key.pem', credential.key));
  return [...args, `https://${servername}:${port}/echo`];
}

function session(child: Child, settings: Settings, folder: Folder): PeerSession {
  const { log } = child;
  return {
    input: child.stdin,
    output: child.stdout,
    facts: async () => {
      const [, suite] = await log.match(/SSL connection using TLSv1\.3 \/ (\S+)/);
      const [, alpn] = (settings.alpn && (await log.match(/ALPN: server (?:accepted (\S+)|did not agree)/))) || [];
      return { suite, alpn: alpn ?? false };
    },
    failure: async () => {
      const code = String(await child.exited);
      if (code === '0') throw new Error('curl is content');
      const alert = /alert, (?:[^\n]*), ([a-z ]+) \(\d+\)|(?:alert [a-z ]+)/i.exec(log.text());
      return { code, alert: alert === null ? undefined : alertFrom(alert[1] ?? alert[0]) };
    },
    keylog: async () => {
      await log.match(/SSL connection using/);
      return readFileSync(folder.path('keylog'), 'latin1').trim().split('\n');
    },
    ended: async () => void (await child.exited),
    says: async (pattern, times) => void (await log.match(pattern, 0, times)),
  };
}
