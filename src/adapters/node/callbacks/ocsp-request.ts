import type { EventEmitter } from 'node:events';
import type { Credential } from '../../../handshake/terms/credential.ts';
import { codedError } from '../support/errors.ts';

/**
 * Asks the application for a response to staple: 'OCSPRequest' (certificate, issuer or null, callback).
 * @param fail ends the connection, for a second answer
 * @returns the credentials, with what it answered at the first
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
