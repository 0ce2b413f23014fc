import { writeFileSync } from 'node:fs';
import type { Folder } from '../credentials/files.ts';
import type { Role, Settings } from '../types.ts';

export function gnutlsArguments(role: Role, settings: Settings, folder: Folder): string[] {
  const own = role === 'client' ? client(settings, folder) : server(settings, folder);
  // The log tells of alerts and extensions; the exported key is the last thing said of a handshake.
  const exporter = ['--keymatexport', settings.exporter ?? 'EXPORTER-unused', '--keymatexportsize', '32'];
  return ['-d', '5', ...common(settings, folder), '--priority', priority(settings), ...exporter, ...own];
}

function common(settings: Settings, folder: Folder): string[] {
  const { ca, credential, alpn, recordSizeLimit } = settings;
  const args: string[] = [];
  if (ca !== undefined) args.push('--x509cafile', folder.write('ca.pem', ca));
  if (settings.rawKey !== undefined) {
    const { key, publicKey } = settings.rawKey;
    args.push('--rawpkkeyfile', folder.write('raw.pem', key), '--rawpkfile', folder.write('raw-public.pem', publicKey));
  } else if (credential) {
    const certificates = folder.write('cert.pem', credential.cert);
    args.push('--x509certfile', certificates, '--x509keyfile', folder.write('key.pem', credential.key));
  }
  for (const name of alpn ?? []) args.push('--alpn', name);
  if (recordSizeLimit !== undefined) args.push('--recordsize', String(recordSizeLimit));
  return args;
}

function server(settings: Settings, folder: Folder): string[] {
  const { clientCertificate, takesEarlyData, ocspResponse, psk } = settings;
  const args = ['--echo'];
  if (clientCertificate === 'required') args.push('--require-client-cert', '--verify-client-cert');
  else if (clientCertificate === 'optional') args.push('--verify-client-cert');
  else if (clientCertificate === undefined) args.push('--disable-client-cert');
  if (takesEarlyData) args.push('--earlydata', '--maxearlydata', '16384');
  if (psk) args.push('--pskpasswd', folder.write('psk.txt', `${psk.identity}:${psk.key}\n`));
  if (ocspResponse !== undefined) {
    writeFileSync(folder.path('ocsp.der'), Buffer.from(ocspResponse, 'base64'));
    args.push('--ocsp-response', folder.path('ocsp.der'), '--ignore-ocsp-response-errors');
  }
  return args;
}

function client(settings: Settings, folder: Folder): string[] {
  const { servername, ca, psk, earlyData, postHandshakeAuth, requestOcsp, commands } = settings;
  const args = ['--single-key-share'];
  if (servername !== undefined) args.push('--sni-hostname', servername, '--verify-hostname', servername);
  if (ca === undefined) args.push('--insecure');
  if (psk) args.push('--pskusername', psk.identity, '--pskkey', psk.key);
  if (earlyData !== undefined) args.push('--earlydata', folder.write('early.txt', earlyData));
  if (postHandshakeAuth) args.push('--post-handshake-auth');
  if (requestOcsp) args.push('--save-ocsp', folder.path('ocsp.der'));
  if (commands) args.push('--inline-commands');
  return args;
}

function priority({ suites, groups, psk, rawKeys }: Settings): string {
  const words = ['NORMAL', '-VERS-ALL', '+VERS-TLS1.3'];
  if (suites) words.push('-CIPHER-ALL', ...suites.map((suite) => `+${ciphers[suite] ?? suite}`));
  if (groups)
    words.push('-GROUP-ALL', ...groups.map((group) => `+GROUP-${group.replace('P-', 'SECP')}${suffix(group)}`));
  if (psk) words.push('-KX-ALL', '+ECDHE-PSK');
  for (const side of rawKeys ?? []) words.push(`-CTYPE-${side}-ALL`, `+CTYPE-${side}-RAWPK`);
  return words.join(':');
}

function suffix(group: string): string {
  return group.startsWith('P-') ? 'R1' : '';
}

const ciphers: Readonly<Record<string, string>> = {
  TLS_CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'AES-128-GCM',
  TLS_AES_256_GCM_SHA384: 'AES-256-GCM',
  TLS_AES_128_CCM_SHA256: 'AES-128-CCM',
  TLS_AES_128_CCM_8_SHA256: 'AES-128-CCM-8',
};
