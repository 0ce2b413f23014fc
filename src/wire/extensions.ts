import { ReadError, Reader } from '../bytes/reader.ts';
import { ascii, utf8 } from '../bytes/utf8.ts';
import { Writer } from '../bytes/writer.ts';
import { type LocalErrorCode, type PeerAlert, reject } from '../errors.ts';
import { type Dump, dumpRest } from './dump.ts';
import { type ExtensionName, ExtensionType, NamedGroup, nameOf, SignatureScheme } from './enums.ts';
import { type Codec, code, empty, keepingBytes, list, opaque, rest, struct, u8, u16, u32 } from './schema.ts';

/** The messages that carry extensions, as in the table of RFC 9846 §4.3. */
export type ExtensionHome = 'CH' | 'SH' | 'HRR' | 'EE' | 'CT' | 'CR' | 'NST';

/** struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } Extension;  RFC 9846 §4.3 */
export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** struct { NamedGroup group; opaque key_exchange<1..2^16-1>; } KeyShareEntry;  RFC 9846 §4.3.8 */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

/** struct { opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age; } PskIdentity;  RFC 9846 §4.3.11 */
export interface PskIdentity {
  readonly identity: Uint8Array;
  readonly obfuscatedTicketAge: number;
}

/** struct { PskIdentity identities<7..2^16-1>; PskBinderEntry binders<33..2^16-1>; } OfferedPsks;  RFC 9846 §4.3.11 */
export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  readonly binders: readonly Uint8Array[];
}

/** struct { NameType name_type; opaque name<1..2^16-1>; } ServerName;  RFC 6066 §3 */
export interface ServerName {
  readonly nameType: number;
  readonly name: Uint8Array;
}

/**
 * struct {
 *     CertificateStatusType status_type = ocsp;
 *     ResponderID responder_id_list<0..2^16-1>;
 *     Extensions request_extensions<0..2^16-1>;
 * } CertificateStatusRequest;  RFC 6066 §8, of other types unread
 */
export interface CertificateStatusRequest {
  readonly statusType: number;
  readonly request: Uint8Array;
}

/** struct { CertificateStatusType status_type = ocsp; opaque OCSPResponse<1..2^24-1>; } CertificateStatus;  RFC 6066 §8 */
export interface CertificateStatus {
  readonly statusType: number;
  readonly response: Uint8Array;
}

/** The value of each extension in each message where it may stand. */
export interface ExtensionValues {
  readonly CH: {
    readonly server_name?: readonly ServerName[];
    readonly max_fragment_length?: number;
    readonly status_request?: CertificateStatusRequest;
    readonly supported_groups?: readonly number[];
    readonly signature_algorithms?: readonly number[];
    readonly application_layer_protocol_negotiation?: readonly Uint8Array[];
    readonly signed_certificate_timestamp?: true;
    readonly client_certificate_type?: readonly number[];
    readonly server_certificate_type?: readonly number[];
    readonly padding?: Uint8Array;
    readonly compress_certificate?: readonly number[];
    readonly record_size_limit?: number;
    readonly delegated_credential?: readonly number[];
    readonly pre_shared_key?: OfferedPsks;
    readonly early_data?: true;
    readonly supported_versions?: readonly number[];
    readonly cookie?: Uint8Array;
    readonly psk_key_exchange_modes?: readonly number[];
    readonly certificate_authorities?: readonly Uint8Array[];
    readonly post_handshake_auth?: true;
    readonly signature_algorithms_cert?: readonly number[];
    readonly key_share?: readonly KeyShareEntry[];
    readonly tls_flags?: Uint8Array;
  };
  readonly SH: {
    readonly pre_shared_key?: number;
    readonly supported_versions?: number;
    readonly key_share?: KeyShareEntry;
    readonly tls_flags?: Uint8Array;
  };
  readonly HRR: {
    readonly supported_versions?: number;
    readonly cookie?: Uint8Array;
    readonly key_share?: number;
    readonly tls_flags?: Uint8Array;
  };
  readonly EE: {
    readonly server_name?: true;
    readonly max_fragment_length?: number;
    readonly client_certificate_type?: number;
    readonly server_certificate_type?: number;
    readonly record_size_limit?: number;
    readonly supported_groups?: readonly number[];
    readonly application_layer_protocol_negotiation?: readonly Uint8Array[];
    readonly early_data?: true;
    readonly tls_flags?: Uint8Array;
  };
  readonly CT: {
    readonly status_request?: CertificateStatus;
    readonly signed_certificate_timestamp?: Uint8Array;
    readonly delegated_credential?: Uint8Array;
    readonly tls_flags?: Uint8Array;
  };
  readonly CR: {
    /** RFC 9261 §4: means nothing in a handshake. */
    readonly server_name?: Uint8Array;
    readonly status_request?: true;
    readonly signature_algorithms?: readonly number[];
    readonly signed_certificate_timestamp?: true;
    readonly compress_certificate?: readonly number[];
    readonly delegated_credential?: readonly number[];
    readonly certificate_authorities?: readonly Uint8Array[];
    readonly oid_filters?: Uint8Array;
    readonly signature_algorithms_cert?: readonly number[];
    readonly tls_flags?: Uint8Array;
  };
  readonly NST: {
    readonly early_data?: number;
    readonly tls_flags?: Uint8Array;
  };
}

type HomesOf<K extends ExtensionName> = {
  [M in ExtensionHome]: K extends keyof ExtensionValues[M] ? M : never;
}[ExtensionHome];

/** A row of the table of RFC 9846 §4.3: where an extension may stand and what it holds there. */
export type ExtensionRow<K extends ExtensionName> = {
  readonly [M in HomesOf<K>]: K extends keyof ExtensionValues[M] ? Codec<NonNullable<ExtensionValues[M][K]>> : never;
};

/** struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } Extension;  RFC 9846 §4.3 */
export const Extension: Codec<Extension> = {
  read: (r) => ({ type: r.u16(), data: r.take(r.u16()) }),
  write(w, value) {
    w.u16(value.type);
    const mark = w.open(2);
    w.raw(value.data);
    w.close(mark, 2);
  },
  describe(d, r, field) {
    const start = r.offset;
    const type = r.u16();
    d.line(start, r.offset, `${field} ${nameOf(ExtensionType, type)}`);
    d.nest(() => rest.describe(d, r.sub(r.u16()), 'extension_data'));
  },
};

/** `Extension extensions<0..2^16-1>` of a message that is described with the codecs of its row. */
export function extensionList(home: ExtensionHome): Codec<readonly Extension[]> {
  const plain = list('u16', Extension);
  return {
    read: plain.read,
    write: plain.write,
    describe(d, r, field) {
      const start = r.offset;
      const inner = r.sub(r.u16());
      d.line(start, start + 2, `${field}: ${inner.remaining} bytes`);
      d.nest(() => {
        while (inner.remaining > 0) describeExtension(d, inner, home);
      });
    },
  };
}

/** KeyShareEntry client_shares<0..2^16-1>;  RFC 9846 §4.3.8 */
const KeyShareEntry: Codec<KeyShareEntry> = struct<KeyShareEntry>('KeyShareEntry', {
  group: code(2, NamedGroup),
  keyExchange: opaque('u16', 1),
});
const OfferedPsks: Codec<OfferedPsks> = struct<OfferedPsks>('OfferedPsks', {
  identities: list(
    'u16',
    struct<PskIdentity>('PskIdentity', { identity: opaque('u16', 1), obfuscatedTicketAge: u32 }),
    7,
  ),
  // PskBinderEntry<32..255>: the server checks the length.
  binders: list('u16', opaque('u8'), 1),
});
const ServerNameList: Codec<readonly ServerName[]> = list(
  'u16',
  struct<ServerName>('ServerName', { nameType: u8, name: opaque('u16', 1) }),
  1,
);
const SignatureSchemeList: Codec<readonly number[]> = list('u16', code(2, SignatureScheme), 2, 0xfffe);
const NamedGroupList: Codec<readonly number[]> = list('u16', code(2, NamedGroup), 2, 0xffff);
const ProtocolNameList: Codec<readonly Uint8Array[]> = list('u16', opaque('u8', 1), 2);
const DistinguishedNames: Codec<readonly Uint8Array[]> = list('u16', opaque('u16', 1), 3);
const cookie: Codec<Uint8Array> = opaque('u16', 1);
const OcspStatusRequest = keepingBytes(
  struct<{ readonly responderIdList: Uint8Array; readonly requestExtensions: Uint8Array }>('OCSPStatusRequest', {
    responderIdList: opaque('u16'),
    requestExtensions: opaque('u16'),
  }),
);
const CertificateStatusRequest: Codec<CertificateStatusRequest> = {
  read(r) {
    const statusType = u8.read(r);
    return { statusType, request: statusType === 1 ? OcspStatusRequest.read(r) : rest.read(r) };
  },
  write(w, { statusType, request }) {
    u8.write(w, statusType);
    rest.write(w, request);
  },
  describe(d, r, field) {
    d.heading(r.offset, `${field}: CertificateStatusRequest`);
    d.nest(() => {
      u8.describe(d, r, 'status_type');
      rest.describe(d, r, 'request');
    });
  },
};
const CertificateStatus = struct<CertificateStatus>('CertificateStatus', {
  statusType: u8,
  response: opaque('u24', 1),
});
/** opaque SerializedSCT<1..2^16-1>; SerializedSCT sct_list<1..2^16-1>;  RFC 6962 §3.3 */
const SignedCertificateTimestampList: Codec<Uint8Array> = keepingBytes(list('u16', opaque('u16', 1), 1));

/**
 * Every extension that opentls understands (RFC 9846 §4.3). It ignores the others where the RFC says so. A server's
 * `server_name` (RFC 6066 §3) has no data.
 */
export const extensionTable: { readonly [K in ExtensionName]?: ExtensionRow<K> } = {
  server_name: { CH: ServerNameList, EE: empty, CR: rest },
  max_fragment_length: { CH: u8, EE: u8 },
  status_request: { CH: CertificateStatusRequest, CT: CertificateStatus, CR: empty },
  supported_groups: { CH: NamedGroupList, EE: NamedGroupList },
  signature_algorithms: { CH: SignatureSchemeList, CR: SignatureSchemeList },
  application_layer_protocol_negotiation: { CH: ProtocolNameList, EE: ProtocolNameList },
  signed_certificate_timestamp: { CH: empty, CT: SignedCertificateTimestampList, CR: empty },
  client_certificate_type: { CH: list('u8', u8), EE: u8 },
  server_certificate_type: { CH: list('u8', u8), EE: u8 },
  padding: { CH: rest },
  compress_certificate: { CH: list('u8', u16, 2, 254), CR: list('u8', u16, 2, 254) },
  record_size_limit: { CH: u16, EE: u16 },
  delegated_credential: { CH: SignatureSchemeList, CT: rest, CR: SignatureSchemeList },
  pre_shared_key: { CH: OfferedPsks, SH: u16 },
  early_data: { CH: empty, EE: empty, NST: u32 },
  supported_versions: { CH: list('u8', u16, 2, 254), SH: u16, HRR: u16 },
  cookie: { CH: cookie, HRR: cookie },
  psk_key_exchange_modes: { CH: list('u8', u8, 1) },
  certificate_authorities: { CH: DistinguishedNames, CR: DistinguishedNames },
  oid_filters: { CR: rest },
  post_handshake_auth: { CH: empty },
  signature_algorithms_cert: { CH: SignatureSchemeList, CR: SignatureSchemeList },
  // draft-ietf-tls-tlsflags puts it everywhere. opentls knows one flag, of NewSessionTicket (handshake/shared/tickets.ts).
  tls_flags: { CH: rest, SH: rest, HRR: rest, EE: rest, CT: rest, CR: rest, NST: opaque('u8', 1) },
  key_share: { CH: list('u16', KeyShareEntry), SH: KeyShareEntry, HRR: code(2, NamedGroup) },
};

/**
 * Reads the extensions of one message by the rules of RFC 9846 §4.3: no type stands twice; a known type must be allowed in
 * this message; with `offered`, each must answer an extension that this side has sent.
 */
export function readExtensions<M extends ExtensionHome>(
  home: M,
  extensions: readonly Extension[],
  offered?: ReadonlySet<number>,
): ExtensionValues[M] {
  checkUnique(home, extensions);
  const values: Record<string, unknown> = {};
  for (const { type, data } of extensions) {
    const row = rowOf(type);
    const codec = row?.codecs[home];
    if (offered !== undefined && legacyTypes.has(type)) {
      refuse('ERR_TLS_LEGACY_EXTENSION', 'unsupported_extension', type, `in ${homeNames[home]} is not of TLS 1.3`);
    }
    if (row !== undefined && codec === undefined) {
      refuse('ERR_TLS_UNEXPECTED_EXTENSION', 'illegal_parameter', type, `does not belong in ${homeNames[home]}`);
    }
    if (offered !== undefined && !offered.has(type)) {
      refuse('ERR_TLS_UNSOLICITED_EXTENSION', 'unsupported_extension', type, `in ${homeNames[home]} was not offered`);
    }
    if (row !== undefined && codec !== undefined) values[row.name] = decode(codec, data, row.name);
  }
  return values as ExtensionValues[M];
}

/** Writes the extensions of one message, in the order of the keys of `values`. */
export function writeExtensions<M extends ExtensionHome>(home: M, values: ExtensionValues[M]): Extension[] {
  const w = new Writer(256);
  const ends: number[] = [];
  const types = Object.entries(values).map(([name, value]) => {
    const type = ExtensionType[name as ExtensionName];
    const codec = rowOf(type)?.codecs[home];
    if (codec === undefined) throw new RangeError(`extension ${name} does not belong in ${homeNames[home]}`);
    codec.write(w, value);
    ends.push(w.length);
    return type;
  });
  const bytes = w.finish();
  return types.map((type, i) => ({ type, data: bytes.subarray(ends[i - 1] ?? 0, ends[i]) }));
}

/** The HostName of the host_name entry (RFC 6066 §3); entries of other types are ignored. */
export function hostNameIn(names: readonly ServerName[] | undefined): string | undefined {
  const entry = names?.find((name) => name.nameType === 0);
  return entry === undefined ? undefined : ascii(entry.name);
}

export function hostNameList(host: string): readonly ServerName[] {
  return [{ nameType: 0, name: utf8(host) }];
}

/** RFC 9846 §4.3 names no alert for a type that stands twice; other implementations send decode_error. */
function checkUnique(home: ExtensionHome, extensions: readonly Extension[]): void {
  const seen = new Set<number>();
  const alert = home === 'CH' || home === 'EE' ? 'decode_error' : 'illegal_parameter';
  for (const { type } of extensions) {
    if (seen.has(type)) refuse('ERR_TLS_DUPLICATE_EXTENSION', alert, type, 'comes twice');
    seen.add(type);
  }
}

function decode(codec: Codec<unknown>, data: Uint8Array, name: string): unknown {
  try {
    const r = new Reader(data);
    const value = codec.read(r);
    r.done();
    return value;
  } catch (error) {
    if (error instanceof ReadError) {
      const code = decodeCodes.get(name) ?? 'ERR_TLS_EXTENSION_DECODE';
      reject(code, 'decode_error', `extension ${name} is malformed: ${error.message}`);
    }
    throw error;
  }
}

/** Extensions without which there is no handshake have an error code of their own. */
const decodeCodes: ReadonlyMap<string, LocalErrorCode> = new Map<ExtensionName, LocalErrorCode>([
  ['application_layer_protocol_negotiation', 'ERR_TLS_ALPN_DECODE'],
  ['client_certificate_type', 'ERR_TLS_CERTIFICATE_TYPE_DECODE'],
  ['server_certificate_type', 'ERR_TLS_CERTIFICATE_TYPE_DECODE'],
  ['cookie', 'ERR_TLS_COOKIE_DECODE'],
  ['tls_flags', 'ERR_TLS_FLAGS_DECODE'],
  ['key_share', 'ERR_TLS_KEY_SHARE_DECODE'],
  ['pre_shared_key', 'ERR_TLS_PSK_DECODE'],
  ['signature_algorithms', 'ERR_TLS_SIGNATURE_ALGORITHMS_DECODE'],
  ['status_request', 'ERR_TLS_STATUS_DECODE'],
]);

/** Extensions of versions before 1.3, which a TLS 1.3 server never answers. */
const legacyTypes: ReadonlySet<number> = new Set([
  ExtensionType.ec_point_formats,
  ExtensionType.extended_main_secret,
  ExtensionType.session_ticket,
  ExtensionType.renegotiation_info,
]);

function describeExtension(d: Dump, r: Reader, home: ExtensionHome): void {
  const start = r.offset;
  const type = r.u16();
  const length = r.u16();
  d.line(start, r.offset, `${nameOf(ExtensionType, type)}: ${length} bytes`);
  const data = r.sub(length);
  const codec = rowOf(type)?.codecs[home] ?? rest;
  d.nest(() => {
    codec.describe(d, data, 'extension_data');
    if (data.remaining > 0) dumpRest(d, data, 'left over');
  });
}

function refuse(code: LocalErrorCode, alert: PeerAlert, type: number, why: string): never {
  return reject(code, alert, `extension ${nameOf(ExtensionType, type)} ${why}`);
}

interface NamedRow {
  readonly name: string;
  readonly codecs: Partial<Record<ExtensionHome, Codec<unknown>>>;
}

function rowOf(type: number): NamedRow | undefined {
  return rowsById.get(type);
}

const rowsById: ReadonlyMap<number, NamedRow> = new Map(
  Object.entries(extensionTable).map(([name, row]) => {
    const codecs = row as NamedRow['codecs'];
    return [ExtensionType[name as ExtensionName], { name, codecs }];
  }),
);

const homeNames: Readonly<Record<ExtensionHome, string>> = {
  CH: 'ClientHello',
  SH: 'ServerHello',
  HRR: 'HelloRetryRequest',
  EE: 'EncryptedExtensions',
  CT: 'Certificate',
  CR: 'CertificateRequest',
  NST: 'NewSessionTicket',
};
