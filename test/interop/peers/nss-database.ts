import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type Credential, serverName } from '../credentials/certificates.ts';
import type { Folder } from '../credentials/files.ts';
import type { Role, Settings } from '../types.ts';

/** What NSS calls the certificates of {@link createDatabase}: selfserv takes it for the name that a client asks for. */
export const ownNickname = serverName;
export const authorityNickname = 'authority';

/** The only form in which NSS takes certificates and keys. @returns its path, as the option `-d` wants it */
export function createDatabase(role: Role, settings: Settings, folder: Folder): string {
  const { credential, otherName, ca, peerStaple } = settings;
  const path = folder.path('nss');
  mkdirSync(path);
  const database = `sql:${path}`;
  run('certutil', '-N', '-d', database, '--empty-password');
  if (peerStaple) importKey(database, authorityNickname, peerStaple.authority, folder);
  if (role === 'server' && !credential) makeKey(database, folder);
  if (credential) importKey(database, ownNickname, credential, folder);
  if (otherName) importKey(database, otherName.name, otherName.credential, folder);
  if (ca !== undefined) {
    // Trusted for clients and for servers.
    const trust = ['-n', 'root', '-t', 'CT,C,C'];
    run('certutil', '-A', '-d', database, ...trust, '-a', '-i', folder.write('ca.pem', ca));
  }
  return database;
}

function importKey(database: string, nickname: string, { cert, key }: Credential, folder: Folder): void {
  const file = folder.path(`${nickname}.p12`);
  const input = ['-in', folder.write('cert.pem', cert), '-inkey', folder.write('key.pem', key)];
  run('openssl', 'pkcs12', '-export', ...input, '-name', nickname, '-passout', `pass:${password}`, '-out', file);
  run('pk12util', '-i', file, '-d', database, '-W', password, '-K', '');
}

/** `selfserv` wants a certificate, if only to have a PSK used in its place. */
function makeKey(database: string, folder: Folder): void {
  const key = ['-k', 'ec', '-q', 'nistp256', '-z', folder.write('noise', randomBytes(64).toString('hex'))];
  run('certutil', '-S', '-d', database, '-x', '-n', ownNickname, '-s', 'CN=unused', '-t', ',,', ...key);
}

/** pk12util takes no file without one. */
const password = 'interop';

/** At once: a peer's client begins when it is told to. */
function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
