import { wipe } from '../bytes/wipe.ts';
import type { CipherSuite, RecordAead } from '../crypto/provider.ts';
import { expandLabel } from './hkdf.ts';

/** The key of one ticket, derived from the long-lived secret and the ticket's salt. */
export function ticketKey(
  { hash, aead }: CipherSuite,
  secret: Uint8Array,
  salt: Uint8Array,
): { readonly aead: RecordAead; readonly nonce: Uint8Array } {
  const key = expandLabel(hash, secret, 'ticket key', salt, aead.keyLength);
  const nonce = expandLabel(hash, secret, 'ticket iv', salt, aead.ivLength);
  const sealer = aead.create(key);
  wipe(key);
  return { aead: sealer, nonce };
}
