import { sign } from 'node:crypto';
import { Tag } from '#opentls/x509/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/der-write';
import { encodePem } from '#opentls/x509/pem-write';
import { now } from './make-chain.ts';

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

export interface CrlOptions {
  /** DER of the issuer's name. */
  readonly issuer: Uint8Array;
  /** PEM. */
  readonly key: string;
  readonly revoked?: readonly Uint8Array[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
}

/** A list as a CA makes it, PEM: version 2, its number 1, signed with ECDSA and SHA-256. */
export function makeCrl({ issuer, key, revoked = [], thisUpdate = now, nextUpdate = now + day }: CrlOptions): string {
  const entries = revoked.map((serial) => element(Tag.sequence, element(Tag.integer, serial), timeOf(now)));
  const tbs = element(
    Tag.sequence,
    bytes('020101'),
    ecdsaWithSha256,
    issuer,
    timeOf(thisUpdate),
    timeOf(nextUpdate),
    ...(entries.length === 0 ? [] : [element(Tag.sequence, ...entries)]),
    bytes('a00e300c300a0603551d140403020101'),
  );
  const signature = new Uint8Array(sign('sha256', tbs, key));
  const der = element(Tag.sequence, tbs, ecdsaWithSha256, wholeBits(signature));
  return encodePem('X509 CRL', der);
}

const day = 86_400_000;

function timeOf(milliseconds: number): Uint8Array {
  const [date = '', clock = ''] = new Date(milliseconds).toISOString().split(/[T.]/);
  return time(`${date.slice(2).replaceAll('-', '')}${clock.replaceAll(':', '')}Z`);
}
