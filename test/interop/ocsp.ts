import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Credential } from './certificates.ts';
import { createFolder } from './files.ts';
import type { Scope } from './scope.ts';

/**
 * What `openssl ocsp` says of a certificate on behalf of its issuer: that it stands, or that it is revoked.
 * @returns OCSPResponse in base64
 */
export async function respond(
  { cert }: Credential,
  issuer: Credential,
  status: 'good' | 'revoked',
  scope: Scope,
): Promise<string> {
  const folder = createFolder(scope);
  const ca = folder.write('ca.pem', issuer.cert);
  const request = folder.path('request.der');
  const response = folder.path('response.der');
  const ask = ['-issuer', ca, '-cert', folder.write('leaf.pem', cert), '-no_nonce', '-reqout', request];
  await openssl('ocsp', ...ask);
  const index = folder.write('index.txt', indexLine(new X509Certificate(cert), status));
  const authority = ['-CA', ca, '-rsigner', ca, '-rkey', folder.write('key.pem', issuer.key)];
  await openssl('ocsp', '-index', index, ...authority, '-reqin', request, '-respout', response, '-ndays', '1');
  return readFileSync(response).toString('base64');
}

/** As `openssl ca` keeps its list: state, end, revocation, serial number, file, name. */
function indexLine({ validTo, serialNumber }: X509Certificate, status: 'good' | 'revoked'): string {
  const [state, revoked] = status === 'good' ? ['V', ''] : ['R', utcTime(Date.now() - 3_600_000)];
  return `${[state, utcTime(Date.parse(validTo)), revoked, serialNumber, 'unknown', '/CN=leaf'].join('\t')}\n`;
}

function utcTime(time: number): string {
  return `${new Date(time).toISOString().replace(/^..|[-:T]|\..*/g, '')}Z`;
}

async function openssl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', args);
}
