import { DerError, type DerReader, Tag } from '../asn1/der.ts';
import { whole } from './extensions.ts';

/** status_request, the TLS extension by which a server staples an OCSP response (RFC 6066 §8). */
export const STATUS_REQUEST = 5;

/** TLS Feature (RFC 7633 §4.1): TLS extensions that a server with this certificate has to support. */
export function parseTlsFeature(der: Uint8Array): readonly number[] {
  const list: DerReader = whole(der).sequence();
  const features: number[] = [];
  while (!list.done) features.push(list.smallInteger());
  return features;
}

/** The SignedCertificateTimestampList of a certificate or an OCSP response (RFC 6962 §3.3), out of its OCTET STRING. */
export function parseSctList(der: Uint8Array): Uint8Array {
  const list = whole(der).element(Tag.octetString).content;
  if (list.length < 2) throw new DerError('a list of timestamps of less than two bytes');
  return list;
}
