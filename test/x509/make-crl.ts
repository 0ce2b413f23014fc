import { Tag } from '#opentls/x509/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/der-write';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const time = (text: string): Uint8Array => element(Tag.utcTime, new TextEncoder().encode(text));
const ecdsaWithSha256 = bytes('300a06082a8648ce3d040302');
/** CN=ca */
const issuer = bytes('300d310b300906035504030c026361');

/** A list that nobody signed, of certificates with the serial numbers 0x1000000 and on, without reasons. */
export function bigList(count: number): Uint8Array {
  const date = time('260101000000Z');
  const entries = Array.from({ length: count }, (_, n) => {
    const serial = unsignedInteger(Uint8Array.of(1, (n >>> 16) & 255, (n >>> 8) & 255, n & 255));
    return element(Tag.sequence, serial, date);
  });
  const tbs = element(
    Tag.sequence,
    bytes('020101'),
    ecdsaWithSha256,
    issuer,
    time('260101000000Z'),
    time('270101000000Z'),
    element(Tag.sequence, ...entries),
  );
  return element(Tag.sequence, tbs, ecdsaWithSha256, wholeBits(bytes('3006020101020101')));
}
