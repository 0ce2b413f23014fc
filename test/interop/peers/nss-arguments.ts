import type { Folder } from '../credentials/files.ts';
import type { Role, Settings } from '../types.ts';
import { authorityNickname, createDatabase, ownNickname } from './nss-database.ts';

export function nssArguments(role: Role, settings: Settings, folder: Folder): string[] {
  const own = role === 'client' ? client(settings) : server(settings);
  const version = ['-V', 'tls1.3:tls1.3'];
  return [...version, '-v', '-d', createDatabase(role, settings, folder), ...common(settings), ...own];
}

function common({ suites, groups, schemes, psk }: Settings): string[] {
  const args: string[] = [];
  if (suites) args.push('-c', suites.map((suite) => ciphers[suite] ?? '').join(''));
  if (groups) args.push('-I', groups.flatMap((group) => groupNames[group] ?? []).join(','));
  if (schemes) args.push('-J', schemes.join(','));
  // By itself it has not those of RSA-PSS keys.
  else args.push('-J', allSchemes.join(','));
  if (psk) args.push('-z', `0x${psk.key}:${psk.identity}`);
  return args;
}

function server(settings: Settings): string[] {
  const { otherName, clientCertificate, commands, takesEarlyData, peerStaple, psk } = settings;
  // Twice verbose, it prints what it reads. The exported key is all that it says as soon as a handshake is over.
  const args = ['-v', '-u', '-n', ownNickname, '-x', exporterArgument(settings)];
  if (otherName) args.push('-a', otherName.name);
  if (clientCertificate === 'required') args.push('-r', '-r');
  else if (clientCertificate !== undefined) args.push('-r');
  else if (commands) args.push('-r', '-r', '-r', '-E');
  if (takesEarlyData) args.push('-Z');
  // Without a model for its sockets, they would not have the key.
  if (psk) args.push('-m');
  if (peerStaple) args.push('-T', peerStaple.status, '-A', authorityNickname);
  return args;
}

function client(settings: Settings): string[] {
  const { servername, credential, earlyData, postHandshakeAuth, requestOcsp, delegated } = settings;
  // With the change_cipher_spec of RFC 9846 appendix E.4.
  const args = ['-4', '-h', '127.0.0.1', '-e'];
  if (servername !== undefined) args.push('-a', servername);
  if (credential) args.push('-n', ownNickname);
  if (earlyData !== undefined) args.push('-Z');
  if (exportsKey(settings)) args.push('-x', exporterArgument(settings));
  if (postHandshakeAuth) args.push('-E');
  if (requestOcsp) args.push('-T');
  if (delegated) args.push('-B');
  return args;
}

/** Of clients. An exported key is the last thing said of a handshake; it is said among the data. */
export function exportsKey({ exporter, earlyData, delegated }: Settings): boolean {
  return exporter !== undefined || earlyData !== undefined || delegated !== undefined;
}

/** What a key of 32 bytes is exported by. */
function exporterArgument({ exporter = 'EXPORTER-unused' }: Settings): string {
  return `${exporter}:32`;
}

const allSchemes = [
  ...['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512'],
  ...['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
  ...['rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'],
];

/** What is not here NSS has not. */
const groupNames: Readonly<Record<string, string>> = {
  X25519: 'x25519',
  'P-256': 'P256',
  'P-384': 'P384',
  'P-521': 'P521',
};

const ciphers: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: ':1301',
  TLS_AES_256_GCM_SHA384: ':1302',
  TLS_CHACHA20_POLY1305_SHA256: ':1303',
};
