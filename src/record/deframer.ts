import type { Inbox } from '../bytes/inbox.ts';
import { ascii } from '../bytes/utf8.ts';
import { reject } from '../errors.ts';
import { MAX_CIPHERTEXT, RECORD_HEADER } from '../limits.ts';
import { ContentType } from '../wire/enums.ts';
import { RECORD_VERSION, readHeader, readVersion } from './header.ts';

/** A record in the inbox, as views that are valid until {@link Deframer.consume}. */
export interface RecordView {
  readonly type: number;
  /** The five header bytes: the additional data of the AEAD (RFC 9846 §5.2). */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** Cuts the inbox into records. It reports a wrong header as soon as the header is there. */
export class Deframer {
  #first = true;
  #record = 0;
  readonly #checkVersion: boolean;

  /** @param checkVersion whether to check legacy_record_version, which RFC 9846 §5.1 says to ignore */
  constructor(checkVersion = false) {
    this.#checkVersion = checkVersion;
  }

  next(inbox: Inbox): RecordView | undefined {
    if (this.#first) checkFirstBytes(inbox);
    const header = inbox.peek(RECORD_HEADER);
    if (header === undefined) return undefined;
    const { type, length } = readHeader(header);
    if (type < ContentType.change_cipher_spec || type > ContentType.application_data) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', `a record of content type ${type}`);
    }
    if (this.#checkVersion) checkVersion(type, header, this.#first);
    // openPlain (record/opener.ts) checks the lower limit of records without protection.
    if (length > MAX_CIPHERTEXT) {
      reject('ERR_TLS_RECORD_OVERFLOW', 'record_overflow', `a record of ${length} bytes`);
    }
    const record = inbox.peek(RECORD_HEADER + length);
    if (record === undefined) return undefined;
    this.#first = false;
    this.#record = record.length;
    return { type, header, body: record.subarray(RECORD_HEADER) };
  }

  /** Drops the record last returned. */
  consume(inbox: Inbox): void {
    inbox.consume(this.#record);
  }
}

function checkVersion(type: number, header: Uint8Array, first: boolean): void {
  const version = readVersion(header);
  // All versions of SSL 3.0 and TLS have this major byte.
  if (first && version >> 8 !== 3)
    reject('ERR_TLS_NOT_TLS', 'protocol_version', `a first record of version ${version}`);
  if (!first && type === ContentType.application_data && version !== RECORD_VERSION) {
    reject('ERR_TLS_NOT_TLS', 'protocol_version', `a protected record of version ${version}`);
  }
}

/** Recognises other protocols by their first four bytes. */
function checkFirstBytes(inbox: Inbox): void {
  const start = inbox.peek(4);
  if (start === undefined) return;
  const text = ascii(start);
  if (text === 'CONN') {
    reject('ERR_TLS_HTTPS_PROXY_REQUEST', 'unexpected_message', 'an HTTP proxy request came instead of TLS');
  }
  if (httpMethods.has(text)) {
    reject('ERR_TLS_HTTP_REQUEST', 'unexpected_message', 'an HTTP request came instead of TLS');
  }
  const [type = 0, , third = 0] = start;
  // RFC 5246 Appendix E.2: a two-byte length with the high bit set, then msg_type 1.
  if ((type & 0x80) !== 0 && third === 1) {
    reject('ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version', 'an SSLv2 ClientHello');
  }
  const known = type >= ContentType.change_cipher_spec && type <= ContentType.application_data;
  if (!known) reject('ERR_TLS_NOT_TLS', 'unexpected_message', 'the peer does not speak TLS');
}

/** The first four characters of the request methods of RFC 9110 §9 and RFC 5789. */
const httpMethods: ReadonlySet<string> = new Set(['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'TRAC', 'PATC']);
