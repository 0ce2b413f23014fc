import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Signer } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { misuse, TlsError } from '../../errors.ts';
import { parseSpki } from '../../x509/certificate/spki.ts';
import { checkSecretKey } from '../shared/pkcs8.ts';
import { parametersFor, schemesOf } from '../shared/signature-algorithms.ts';
import { plain } from './hash.ts';
import { digestName, keyInput } from './verify.ts';

/** The shortest RSA modulus to sign with, bits; the same as in the noble provider. */
const RSA_BITS_MIN = 2048;

/** Makes a signer by OpenSSL, whose RSA is constant time, too. */
export function nodeSigner(secret: Secret<'private key'>): Signer {
  checkSecretKey(secret);
  const key = importKey(secret);
  const publicKey = plain(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const schemes = schemesOf(publicKey);
  const { algorithm, bits } = parseSpki(publicKey);
  if ((algorithm === 'rsa' || algorithm === 'rsa-pss') && bits < RSA_BITS_MIN) {
    misuse('ERR_TLS_UNSUPPORTED_KEY', `an RSA key of ${bits} bits; ${RSA_BITS_MIN} or more can sign`);
  }
  // Newer Nodes read keys of ML-DSA, but here it is an option (ml-dsa.ts).
  if (algorithm.startsWith('ml_dsa')) misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key of ${algorithm}`);
  return {
    schemes,
    publicKey,
    sign(scheme, message) {
      const { family, hash } = parametersFor(schemes, scheme);
      return plain(sign(digestName(family, hash), message, keyInput(family, key)));
    },
  };
}

function importKey(secret: Secret<'private key'>): KeyObject {
  const der = Buffer.from(secret.expose());
  const read = (): KeyObject => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  try {
    try {
      return read();
    } catch {
      // OpenSSL's queue may hold an older error: X509Certificate of Node 20 leaves one there for a certificate that it cannot
      // read. The failed call has emptied the queue.
      return read();
    }
  } catch (cause) {
    throw new TlsError('ERR_TLS_KEY_DECODE', 'a malformed private key', { blame: 'config', cause });
  } finally {
    der.fill(0);
    secret.wipe();
  }
}
