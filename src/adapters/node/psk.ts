/** External PSKs by `pskCallback`: for suites with SHA-256, as OpenSSL takes them, unless the answer says otherwise. */
import { Secret } from '../../crypto/secret.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { invalidArgType } from './errors.ts';
import type { PskCallback } from './socket-options.ts';

type Answer = ReturnType<PskCallback>;

/** @throws ERR_INVALID_ARG_TYPE for an answer without key or identity */
export function clientPsks(answer: Answer): ExternalPsk[] {
  if (answer === null || answer === undefined) return [];
  if (ArrayBuffer.isView(answer)) throw invalidArgType('pskCallback()', 'an object with psk and identity', answer);
  const { psk, identity, hash = 'sha256' } = answer;
  if (typeof identity !== 'string') throw invalidArgType('identity', 'of type string', identity);
  return [{ identity: new Uint8Array(Buffer.from(identity)), secret: secretOf(psk), hash }];
}

/** @throws ERR_INVALID_ARG_TYPE for an answer that is no key */
export function serverPsk(identity: Uint8Array, answer: Answer): ExternalPsk | undefined {
  if (answer === null || answer === undefined) return undefined;
  const { psk, hash = 'sha256' } = ArrayBuffer.isView(answer) ? { psk: answer } : answer;
  return { identity, secret: secretOf(psk), hash };
}

function secretOf(psk: NodeJS.ArrayBufferView): Secret<'psk'> {
  if (!ArrayBuffer.isView(psk)) {
    throw invalidArgType('psk', 'an instance of Buffer, TypedArray, or DataView', psk);
  }
  return new Secret('psk', new Uint8Array(psk.buffer, psk.byteOffset, psk.byteLength).slice());
}
