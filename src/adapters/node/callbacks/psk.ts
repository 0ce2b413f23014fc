/** External PSKs by `pskCallback`: for suites with SHA-256, as in OpenSSL, unless the answer has another `hash`. */
import type { Socket } from 'node:net';
import { Secret } from '../../../crypto/secret.ts';
import type { ExternalPsk } from '../../../keys/importer.ts';
import type { PskAnswer, PskCallbackFor } from '../options/socket.ts';
import { invalidArgType, invalidArgValue, invalidKeyType, validateObject } from '../support/errors.ts';

type Answer = ReturnType<PskCallbackFor<Socket>>;

/**
 * @throws ERR_INVALID_ARG_TYPE for an answer without key or identity; ERR_INVALID_ARG_VALUE for an identity that is empty
 * or too long, or a hash that no suite has
 */
export function clientPsks(answer: Answer): ExternalPsk[] {
  if (answer === null || answer === undefined) return [];
  if (ArrayBuffer.isView(answer)) throw invalidArgType('pskCallback()', 'an object with psk and identity', answer);
  validateAnswer(answer);
  const { psk, identity: text } = answer;
  if (typeof text !== 'string') throw invalidArgType('identity', 'of type string', text);
  const identity = new Uint8Array(Buffer.from(text));
  if (identity.length === 0 || identity.length > MAX_IDENTITY) throw invalidArgValue('identity', text.slice(0, 40));
  const found = pskOf(identity, psk, answer.hash);
  return found === undefined ? [] : [found];
}

/** @throws ERR_INVALID_ARG_TYPE for an answer without a key; ERR_INVALID_ARG_VALUE for a hash that no suite has */
export function serverPsk(identity: Uint8Array, answer: Answer): ExternalPsk | undefined {
  if (answer === null || answer === undefined) return undefined;
  if (ArrayBuffer.isView(answer)) return pskOf(identity, answer);
  validateAnswer(answer);
  return pskOf(identity, answer.psk, answer.hash);
}

/** The error does not quote the answer: a callback that does not answer an object may have answered the key. */
function validateAnswer(answer: unknown): asserts answer is PskAnswer {
  if (typeof answer !== 'object') throw invalidKeyType('pskCallback()', 'of type object', answer);
  validateObject(answer, 'pskCallback()');
}

/** @returns undefined for an empty key: the callback says by it that there is no key, as in `node:tls` */
function pskOf(
  identity: Uint8Array,
  psk: NodeJS.ArrayBufferView,
  hash: ExternalPsk['hash'] = 'sha256',
): ExternalPsk | undefined {
  if (hash !== 'sha256' && hash !== 'sha384') throw invalidArgValue('hash', hash, "must be 'sha256' or 'sha384'");
  const secret = secretOf(psk);
  return secret.length === 0 ? undefined : { identity, secret, hash };
}

function secretOf(psk: NodeJS.ArrayBufferView): Secret<'psk'> {
  if (!ArrayBuffer.isView(psk)) {
    throw invalidKeyType('psk', 'an instance of Buffer, TypedArray, or DataView', psk);
  }
  return new Secret('psk', new Uint8Array(psk.buffer, psk.byteOffset, psk.byteLength).slice());
}

/** Bytes: the list of 2^16-1 (RFC 9846 §4.3.11) holds the identity, its length and its age. */
const MAX_IDENTITY = 0xffff - 6;
