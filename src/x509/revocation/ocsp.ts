import { context, DerError, DerReader, readTime, Tag } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { type CertificateExtension, parseExtensions, readable } from '../certificate/extensions.ts';
import { type DistinguishedName, parseName } from '../certificate/names.ts';
import { type RevocationReason, readReason } from '../certificate/revocation-status.ts';
import { type CertificateSignature, readSigned, readWhole } from '../certificate/signed-object.ts';

/** What a responder answers about one certificate (RFC 6960 §4.2.1). */
export interface SingleResponse {
  readonly certId: CertId;
  readonly certStatus: CertStatus;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly extensions: readonly CertificateExtension[];
}

export type CertStatus =
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly date: number | undefined };

/** RFC 6960 §4.1.1: hashes of the issuer's name and key, by the algorithm of this object identifier. */
export interface CertId {
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serialNumber: Uint8Array;
}

/** BasicOCSPResponse, RFC 6960 §4.2.1. Byte fields are views. */
export interface OcspResponse {
  readonly raw: Uint8Array;
  /** ResponseData, what is signed. */
  readonly tbs: Uint8Array;
  readonly responder: { readonly name: DistinguishedName } | { readonly keyHash: Uint8Array };
  /** Milliseconds since 1970. */
  readonly producedAt: number;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly CertificateExtension[];
  readonly signature: CertificateSignature;
  /** Certificates that came with it, DER: among them the responder's, where it is not the issuer. */
  readonly certificates: readonly Uint8Array[];
}

/** A response of more bytes is not read: with a responder's certificate they take some 2 KiB. */
export const MAX_OCSP_RESPONSE = 0x1_0000;

/**
 * Reads an OCSP response.
 * @param der one OCSPResponse; kept, not copied
 * @throws TlsError INVALID_OCSP_RESPONSE for what is malformed, and for a responder that reports an error
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const what = {
    name: 'OCSP response',
    code: 'INVALID_OCSP_RESPONSE',
    alert: 'bad_certificate_status_response',
  } as const;
  return readWhole(der, MAX_OCSP_RESPONSE, what, (reader) => Object.freeze(parse(der, reader)));
}

function parse(raw: Uint8Array, response: DerReader): OcspResponse {
  const [status, ...more] = response.element(Tag.enumerated).content;
  if (status === undefined || more.length > 0 || !Object.hasOwn(statusNames, status)) {
    throw new DerError('a response status that is not defined');
  }
  if (status !== 0) throw new DerError(`the responder says ${statusNames[status as 1]}`);
  const bytes = response.enter(context(0, 'constructed'));
  response.end();
  const wrapped = bytes.sequence();
  bytes.end();
  if (wrapped.oid() !== Oid.ocspBasic) throw new DerError('a response of another type than basic');
  const basic = new DerReader(wrapped.octetString());
  wrapped.end();
  const parsed = parseBasic(raw, basic.sequence());
  basic.end();
  return parsed;
}

function parseBasic(raw: Uint8Array, basic: DerReader): OcspResponse {
  const { tbs, body, signature } = readSigned(basic);
  const list = basic.enterOptional(context(0, 'constructed'))?.sequence();
  basic.end();
  const certificates: Uint8Array[] = [];
  while (list !== undefined && !list.done) certificates.push(list.element(Tag.sequence).raw);
  return { raw, tbs, ...parseData(body), signature, certificates };
}

/** ResponseData */
function parseData(data: DerReader): Pick<OcspResponse, 'responder' | 'producedAt' | 'responses' | 'extensions'> {
  const version = data.enterOptional(context(0, 'constructed'));
  // v1 is 0. It is the default, and so not to be written; responders that write it exist.
  if (version !== undefined && version.smallInteger() !== 0) throw new DerError('an unknown version');
  version?.end();
  const responder = parseResponder(data);
  const producedAt = readTime(data.element(Tag.generalizedTime));
  const list = data.sequence();
  const responses: SingleResponse[] = [];
  while (!list.done) responses.push(parseSingle(list.sequence()));
  const extensions = parseOptionalExtensions(data, 1);
  data.end();
  return { responder, producedAt, responses, extensions };
}

function parseResponder(data: DerReader): OcspResponse['responder'] {
  const byName = data.enterOptional(context(1, 'constructed'));
  if (byName !== undefined) {
    const name = parseName(byName.element(Tag.sequence).raw);
    byName.end();
    return { name };
  }
  const byKey = data.enter(context(2, 'constructed'));
  const keyHash = byKey.octetString();
  byKey.end();
  return { keyHash };
}

function parseSingle(reader: DerReader): SingleResponse {
  const certId = parseCertId(reader.sequence());
  const certStatus = parseStatus(reader);
  const thisUpdate = readTime(reader.element(Tag.generalizedTime));
  const next = reader.enterOptional(context(0, 'constructed'));
  const nextUpdate = next && readTime(next.element(Tag.generalizedTime));
  next?.end();
  const extensions = parseOptionalExtensions(reader, 1);
  reader.end();
  return { certId, certStatus, thisUpdate, nextUpdate, extensions };
}

function parseCertId(reader: DerReader): CertId {
  const algorithm = reader.sequence();
  const hashAlgorithm = algorithm.oid();
  if (!algorithm.done) algorithm.null();
  algorithm.end();
  const issuerNameHash = reader.octetString();
  const issuerKeyHash = reader.octetString();
  const serialNumber = reader.integerBytes();
  reader.end();
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber };
}

function parseStatus(reader: DerReader): CertStatus {
  const { tag, content } = reader.element();
  switch (tag) {
    case context(0, 'primitive'):
    case context(2, 'primitive'):
      if (content.length > 0) throw new DerError('a status with content');
      return { status: tag === context(0, 'primitive') ? 'good' : 'unknown' };
    case context(1, 'constructed'):
      return parseRevoked(reader.within(content));
    default:
      throw new DerError(`a certificate status with tag 0x${tag.toString(16)}`);
  }
}

/** A certificate that a response calls revoked is revoked, even where the date or the reason cannot be read. */
function parseRevoked(reader: DerReader): CertStatus {
  const time = reader.element(Tag.generalizedTime);
  const date = readable(() => readTime(time));
  const wrapped = reader.enterOptional(context(0, 'constructed'));
  const code = wrapped?.element(Tag.enumerated).content;
  wrapped?.end();
  reader.end();
  const reason = (code && readable(() => readReason(code))) ?? 'unspecified';
  return { status: 'revoked', reason, date };
}

function parseOptionalExtensions(reader: DerReader, n: number): readonly CertificateExtension[] {
  const wrapped = reader.enterOptional(context(n, 'constructed'));
  return wrapped === undefined ? [] : parseExtensions(wrapped);
}

/** OCSPResponseStatus, RFC 6960 §4.2.1 */
const statusNames = {
  0: 'successful',
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
} as const;
