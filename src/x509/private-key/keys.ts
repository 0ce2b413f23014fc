import { fromHex } from '../../bytes/hex.ts';
import { ascii, utf8 } from '../../bytes/utf8.ts';
import { wipe } from '../../bytes/wipe.ts';
import { Secret } from '../../crypto/secret.ts';
import { misuse, TlsError } from '../../errors.ts';
import { wrongKind } from '../../options.ts';
import { context, DerError, DerReader, Tag } from '../asn1/der.ts';
import { element, unsignedInteger } from '../asn1/der-write.ts';
import { decodePem, type PemBlock } from '../asn1/pem.ts';
import { decryptPbes2 } from './pbes2.ts';
import { decryptRfc1421, isEncrypted } from './rfc1421.ts';

/**
 * A private key of any usual container: PKCS#8 (`PRIVATE KEY`, and `ENCRYPTED PRIVATE KEY` under PBES2), SEC 1
 * (`EC PRIVATE KEY`) and PKCS#1 (`RSA PRIVATE KEY`), PEM or DER. Of a PEM text the first private key is taken, whatever
 * stands around it.
 * @param passphrase text is taken as UTF-8
 * @returns PKCS#8 PrivateKeyInfo, DER, in memory of its own; `input` is not changed. Whether the key itself is sound
 * is for `provider.signer` to say
 * @throws TlsError ERR_TLS_KEY_DECODE; ERR_TLS_UNSUPPORTED_KEY for a container of another kind
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { parsePrivateKey } from 'opentls/x509';
 *
 * const signer = noble.signer(parsePrivateKey(key));
 * console.log(signer.schemes); // [ 1027 ]
 * ```
 */
export function parsePrivateKey(input: string | Uint8Array, passphrase?: string | Uint8Array): Secret<'private key'> {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) {
    wrongKind('parsePrivateKey: input', 'the text of a PEM file, or DER or PEM bytes', input);
  }
  if (passphrase !== undefined && typeof passphrase !== 'string' && !(passphrase instanceof Uint8Array)) {
    misuse('ERR_TLS_CONFIG', 'parsePrivateKey: passphrase must be a string or a Uint8Array');
  }
  const password = typeof passphrase === 'string' ? utf8(passphrase) : passphrase;
  if (typeof input !== 'string' && input[0] === Tag.sequence) return normalise(input, password);
  const block = findKey(typeof input === 'string' ? input : ascii(input));
  try {
    return normalise(block.der, password, block.headers);
  } finally {
    wipe(block.der);
  }
}

function findKey(text: string): PemBlock {
  const blocks = blocksOf(text);
  const block = blocks.find(({ label }) => /\bPRIVATE KEY$/.test(label));
  if (block === undefined) {
    const found =
      blocks.length === 0 ? '' : `; there is ${[...new Set(blocks.map(({ label }) => label))].slice(0, 3).join(', ')}`;
    return refuse(`no private key: neither DER nor a PEM block of one${found}`);
  }
  if (!labels.has(block.label)) misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key as ${block.label}`);
  return block;
}

function blocksOf(text: string): readonly PemBlock[] {
  try {
    return decodePem(text);
  } catch (cause) {
    return refuse('a private key that is not PEM', cause);
  }
}

function normalise(der: Uint8Array, password: Uint8Array | undefined, headers = ''): Secret<'private key'> {
  try {
    if (!isEncrypted(headers)) return new Secret('private key', toPkcs8(der, password));
    return new Secret(
      'private key',
      decrypted(password, (given) => decryptRfc1421(headers, der, given)),
    );
  } catch (cause) {
    if (cause instanceof DerError) return refuse(`a malformed private key: ${cause.message}`, cause);
    throw cause;
  }
}

/** The container shows in the types of the first two members; the labels of PEM are not needed for it. */
function toPkcs8(der: Uint8Array, password: Uint8Array | undefined): Uint8Array {
  const outer = new DerReader(der);
  const key = outer.sequence();
  outer.end();
  if (key.nextTag === Tag.sequence) {
    if (holdsCertificate(key)) throw new DerError('it is a certificate');
    return decrypted(password, (given) => decryptPbes2(der, given));
  }
  key.smallInteger();
  switch (key.nextTag) {
    case Tag.sequence:
      return der.slice();
    case Tag.octetString:
      return wrapSec1(der, key);
    case Tag.integer:
      return wrap(RSA_ENCRYPTION, der);
    default:
      throw new DerError('none of PKCS#8, SEC 1 and PKCS#1');
  }
}

/** The TBSCertificate of a certificate begins with its version or serial number, where PBES2 has an object identifier. */
function holdsCertificate(outer: DerReader): boolean {
  const first = new DerReader(outer.rest).sequence().nextTag;
  return first === context(0, 'constructed') || first === Tag.integer;
}

/** The key within an encrypted one. @throws TlsError ERR_TLS_KEY_PASSPHRASE where the passphrase is missing or wrong */
function decrypted(
  password: Uint8Array | undefined,
  decrypt: (password: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  if (password === undefined) {
    misuse('ERR_TLS_KEY_PASSPHRASE', 'the private key is encrypted and needs a passphrase');
  }
  const wrongPassphrase = 'the passphrase is wrong, or the private key is damaged';
  const plain = decrypt(password) ?? misuse('ERR_TLS_KEY_PASSPHRASE', wrongPassphrase);
  try {
    return toPkcs8(plain, undefined);
  } catch (error) {
    // The padding may fit by chance.
    if (error instanceof DerError) misuse('ERR_TLS_KEY_PASSPHRASE', wrongPassphrase);
    throw error;
  } finally {
    wipe(plain);
  }
}

/** ECPrivateKey, RFC 5915 §3: the curve moves to where PKCS#8 wants it. */
function wrapSec1(der: Uint8Array, key: DerReader): Uint8Array {
  key.octetString();
  const curve = key.enterOptional(context(0, 'constructed'))?.element(Tag.oid);
  if (curve === undefined) throw new DerError('an EC key that names no curve');
  return wrap(element(Tag.sequence, EC_PUBLIC_KEY, curve.raw), der);
}

/** PrivateKeyInfo, RFC 5958 §2, version v1. */
function wrap(algorithm: Uint8Array, key: Uint8Array): Uint8Array {
  const inner = element(Tag.octetString, key);
  const whole = element(Tag.sequence, unsignedInteger(new Uint8Array(1)), algorithm, inner);
  wipe(inner);
  return whole;
}

function refuse(message: string, cause?: unknown): never {
  throw new TlsError('ERR_TLS_KEY_DECODE', message, { blame: 'config', cause });
}

const labels: ReadonlySet<string> = new Set([
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'EC PRIVATE KEY',
  'RSA PRIVATE KEY',
]);

/** `Oid.rsaEncryption` with its NULL (RFC 3279 §2.3.1), encoded: reading a key needs no ASN.1 library. */
const RSA_ENCRYPTION = fromHex('300d06092a864886f70d0101010500');
/** `Oid.ecPublicKey` (RFC 5480 §2.1.1), encoded. */
const EC_PUBLIC_KEY = fromHex('06072a8648ce3d0201');
