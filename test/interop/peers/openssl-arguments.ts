import { writeFileSync } from 'node:fs';
import { type Folder, splitChain } from '../credentials/files.ts';
import type { Role, Settings } from '../types.ts';

/** What only the long form says goes to stdout, among the data. */
export function isVerbose(settings: Settings): boolean {
  const { alpn, exporter, commands, otherName, requestOcsp, maxFragmentLength, extensions } = settings;
  const { session, earlyData, takesEarlyData, reports, clientCertificate, psk, timestamps } = settings;
  const texts = [alpn, exporter, commands, otherName, requestOcsp, maxFragmentLength, session, earlyData, psk];
  return [...texts, timestamps, takesEarlyData, reports, clientCertificate, extensions].some(
    (setting) => setting !== undefined,
  );
}

export function opensslArguments(role: Role, settings: Settings, folder: Folder): string[] {
  const own = role === 'client' ? client(settings, folder) : server(settings, folder);
  const form = isVerbose(settings) ? [] : ['-brief'];
  return ['-tls1_3', ...common(settings, folder), ...own, '-state', ...form];
}

function common(settings: Settings, folder: Folder): string[] {
  const { suites, groups, schemes, credential, ca, alpn, keylog, exporter, maxFragment, padding } = settings;
  const { pskOnly, psk, extensions } = settings;
  const args: string[] = [];
  if (suites) args.push('-ciphersuites', suites.join(':'));
  // Since OpenSSL 3.2 its short tags are below the usual security level.
  if (suites?.includes('TLS_AES_128_CCM_8_SHA256')) args.push('-cipher', 'DEFAULT:@SECLEVEL=0');
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
  if (pskOnly) args.push('-allow_no_dhe_kex');
  if (psk?.hash === 'sha256') args.push('-psk_identity', psk.identity, '-psk', psk.key);
  else if (psk) args.push('-psk_identity', psk.identity, '-psk_session', writeSession(folder, psk.key));
  if (extensions) args.push('-tlsextdebug');
  return args;
}

function server(settings: Settings, folder: Folder): string[] {
  const { clientCertificate, otherName, takesEarlyData, ocspResponse, credential } = settings;
  const args: string[] = [];
  if (clientCertificate === 'required') args.push('-Verify', '4', '-verify_return_error');
  if (clientCertificate === 'optional') args.push('-verify', '4', '-verify_return_error');
  if (otherName) {
    const { leaf } = splitChain(otherName.credential);
    const key = folder.write('key2.pem', otherName.credential.key);
    args.push('-servername', otherName.name, '-cert2', folder.write('cert2.pem', leaf), '-key2', key);
  }
  // Against replays it would use a ticket up at the first ClientHello, and not find it at the one after a retry.
  if (takesEarlyData) args.push('-early_data', '-no_anti_replay');
  if (ocspResponse !== undefined) {
    writeFileSync(folder.path('ocsp.der'), Buffer.from(ocspResponse, 'base64'));
    args.push('-status_file', folder.path('ocsp.der'));
  }
  if (settings.timestamps !== undefined) args.push('-serverinfo', writeServerInfo(folder, settings.timestamps));
  if (!credential) args.push('-nocert');
  return args;
}

function client(settings: Settings, folder: Folder): string[] {
  const { servername, ca, commands, psk, session, earlyData, postHandshakeAuth, requestOcsp } = settings;
  const args: string[] = [];
  if (ca !== undefined && !psk) args.push('-verify', '4', '-verify_return_error');
  if (servername !== undefined && !psk) args.push('-servername', servername, '-verify_hostname', servername);
  if (!commands) args.push('-nocommands');
  if (settings.keepsTickets) args.push('-sess_out', folder.path('session.pem'));
  if (session !== undefined) args.push('-sess_in', session);
  if (earlyData !== undefined) args.push('-early_data', folder.write('early.txt', earlyData));
  if (postHandshakeAuth) args.push('-enable_pha');
  if (requestOcsp) args.push('-status');
  if (settings.timestamps !== undefined) args.push('-ct', '-ctlogfile', folder.write('logs.cnf', 'enabled_logs =\n'));
  if (settings.maxFragmentLength !== undefined) args.push('-maxfraglen', String(settings.maxFragmentLength));
  if (settings.authorities !== undefined) args.push('-requestCAfile', folder.write('names.pem', settings.authorities));
  return args;
}

/** An extension of type 18 that goes with the Certificate of TLS 1.3, as an answer to the ClientHello's. */
function writeServerInfo(folder: Folder, timestamps: string): string {
  const length = (timestamps.length / 2).toString(16).padStart(4, '0');
  return writePem(folder, 'timestamps.pem', 'SERVERINFOV2 FOR TIMESTAMPS', `000010800012${length}${timestamps}`);
}

function writePem(folder: Folder, file: string, label: string, hex: string): string {
  const lines = Buffer.from(hex, 'hex').toString('base64').replace(/.{64}/g, '$&\n');
  return folder.write(file, `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`);
}

/** An SSL_SESSION that is nothing but a key for suites with SHA-384: `-psk` is for SHA-256 alone. */
function writeSession(folder: Folder, key: string): string {
  const body = [
    '020101', // the structure's version
    '02020304', // TLS 1.3
    '04021302', // TLS_AES_256_GCM_SHA384
    '0400', // no session ID
    tlv('04', key),
  ].join('');
  return writePem(folder, 'psk.pem', 'SSL SESSION PARAMETERS', tlv('30', body));
}

/** DER of at most 127 bytes. */
function tlv(tag: string, content: string): string {
  return tag + (content.length / 2).toString(16).padStart(2, '0') + content;
}
