import { context, DerError, DerReader, Tag } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { toAscii } from './identity.ts';
import { latin1 } from './names.ts';

/**
 * The mailbox of an otherName that is a SmtpUTF8Mailbox (RFC 9598 §3), its domain in A-labels and lower case; undefined
 * for other otherNames. Empty where it cannot be told: no mailbox is, so that whoever compares it finds as much.
 * @param otherName DER, with the tag that it has among GeneralNames
 */
export function utf8Mailbox(otherName: Uint8Array): string | undefined {
  try {
    const fields = new DerReader(otherName).enter(context(0, 'constructed'));
    if (fields.oid() !== Oid.smtpUtf8Mailbox) return undefined;
    const value = fields.enter(context(0, 'constructed'));
    fields.end();
    const { content } = value.element(Tag.utf8String);
    value.end();
    // RFC 9598 §3: no byte order mark, which a decoder would take away.
    if (latin1(content.subarray(0, 3)) === '\xef\xbb\xbf') return '';
    return normalMailbox(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    // A TypeError: it is no UTF-8.
    if (error instanceof DerError || error instanceof TypeError) return '';
    throw error;
  }
}

/**
 * RFC 9598 has A-labels alone; those who followed RFC 8398 wrote U-labels, and who reads mail takes both for the same
 * domain. The local part is compared as it is.
 */
function normalMailbox(mailbox: string): string {
  const at = mailbox.lastIndexOf('@');
  const domain = mailbox.slice(at + 1);
  // What else a URL may hold is not for a parser of URLs, which takes a part of it for the host.
  if (!/^[\p{L}\p{M}\p{N}_.-]+$/u.test(domain)) return '';
  const host = toAscii(domain);
  return isAscii(host) && !domain.endsWith('.') ? `${mailbox.slice(0, at + 1)}${host}` : '';
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  return /^[\x00-\x7f]*$/.test(text);
}
