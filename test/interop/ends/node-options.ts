import type { Role, Settings } from '../types.ts';

/** The options of `node:tls`, of which opentls has the same; JSON can carry them. */
export interface NodeOptions {
  readonly minVersion: 'TLSv1.3';
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly sigalgs?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly servername?: string;
  readonly ALPNProtocols?: string[];
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
  readonly allowHalfOpen?: boolean;
  readonly requestOCSP?: boolean;
  readonly certificateCompression?: Settings['compressions'];
}

export function nodeOptions(role: Role, settings: Settings): NodeOptions {
  const { suites, groups, schemes, credential, ca, servername, alpn, halfOpen, clientCertificate, requestOcsp } =
    settings;
  const { compressions, clientCertificateLater } = settings;
  return {
    minVersion: 'TLSv1.3',
    ...(suites && { ciphers: suites.join(':') }),
    ...(groups && { ecdhCurve: groups.join(':') }),
    ...(schemes && { sigalgs: schemes.join(':') }),
    ...(credential && { cert: credential.cert, key: credential.key }),
    ...(ca !== undefined && { ca }),
    ...(alpn && { ALPNProtocols: [...alpn] }),
    ...(halfOpen !== undefined && { allowHalfOpen: halfOpen }),
    ...(compressions && { certificateCompression: compressions }),
    ...(role === 'client' && servername !== undefined && { servername }),
    ...(role === 'client' && requestOcsp && { requestOCSP: true }),
    ...(role === 'server' && clientCertificateLater === 'optional' && { rejectUnauthorized: false }),
    ...(role === 'server' &&
      clientCertificate && { requestCert: true, rejectUnauthorized: clientCertificate === 'required' }),
  };
}
