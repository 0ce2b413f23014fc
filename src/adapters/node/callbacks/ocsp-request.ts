import type { EventEmitter } from 'node:events';
import type { Credential } from '../../../handshake/terms/credential.ts';
import { codedError } from '../support/errors.ts';

/**
 * Emits 'OCSPRequest' (certificate, issuer or null, callback), by which the application staples an OCSP response.
 * @param fail ends the connection, where the application calls back twice
 * @returns the credentials, the first with that response
 */
export function askOcsp(
  server: EventEmitter,
  credentials: readonly Credential[],
  fail: (error: Error) => void,
): Promise<readonly Credential[]> {
  const [first, ...others] = credentials;
  const [leaf, issuer] = first?.chain ?? [];
  return new Promise((resolve, reject) => {
    if (first === undefined || leaf === undefined) return resolve(credentials);
    let answered = false;
    server.emit(
      'OCSPRequest',
      Buffer.from(leaf),
      issuer === undefined ? null : Buffer.from(issuer),
      (error?: Error | null, response?: Uint8Array | null) => {
        if (answered) return fail(codedError('ERR_MULTIPLE_CALLBACK', 'Callback called multiple times'));
        answered = true;
        if (error) return reject(error);
        resolve(response ? [{ ...first, ocspResponse: response }, ...others] : credentials);
      },
    );
  });
}
