import { describe, expect, test } from 'vitest';
import type { Connection, Event } from '#opentls/connection';
import { AlertDescription } from '#opentls/errors';
import type { ClientConfig } from '#opentls/handshake/config';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import {
  type Extension,
  type ExtensionHome,
  type ExtensionValues,
  extensionTable,
  writeExtensions,
} from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { provider } from '../provider.ts';
import { randomBytes } from '../random.ts';
import { credential, newClient, newPair, newServer, settle, shuttle, trustAnything } from './pair.ts';
import { Peer } from './peer.ts';

// Every row of the extension table, in every message that carries extensions, said to the side that receives it by a
// peer that is honest but for that. The cases are made from the table: a row without a sample here fails.

type Name = keyof typeof extensionTable;
const names = Object.keys(extensionTable) as Name[];
const bytes = randomBytes(46);

/** An extension that is good in each message where it may stand: all of `asking()` below asked for it. */
const samples: { readonly [M in ExtensionHome]: Required<ExtensionValues[M]> } = {
  CH: {
    server_name: [{ nameType: 0, name: new TextEncoder().encode('localhost') }],
    max_fragment_length: 1,
    status_request: { statusType: 1, request: new Uint8Array(4) },
    supported_groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    signature_algorithms: [0x0403],
    application_layer_protocol_negotiation: [new Uint8Array([104, 50])],
    signed_certificate_timestamp: true,
    client_certificate_type: [0, 2],
    server_certificate_type: [0, 2],
    padding: new Uint8Array(3),
    compress_certificate: [1],
    record_size_limit: 16385,
    pre_shared_key: {
      identities: [{ identity: bytes(20), obfuscatedTicketAge: 1 }],
      binders: [bytes(32)],
    },
    early_data: true,
    supported_versions: [0x0304],
    cookie: bytes(8),
    psk_key_exchange_modes: [1],
    certificate_authorities: [new Uint8Array([0x30, 0])],
    post_handshake_auth: true,
    signature_algorithms_cert: [0x0403],
    key_share: [{ group: NamedGroup.x25519, keyExchange: bytes(32) }],
  },
  SH: {
    pre_shared_key: 0,
    supported_versions: 0x0304,
    key_share: { group: NamedGroup.x25519, keyExchange: bytes(32) },
  },
  HRR: { supported_versions: 0x0304, cookie: bytes(8), key_share: NamedGroup.secp256r1 },
  EE: {
    server_name: true,
    max_fragment_length: 1,
    client_certificate_type: 0,
    server_certificate_type: 0,
    record_size_limit: 16385,
    supported_groups: [NamedGroup.x25519],
    application_layer_protocol_negotiation: [new Uint8Array([104, 50])],
    early_data: true,
  },
  CT: {
    status_request: { statusType: 1, response: new Uint8Array([0x30, 0]) },
    signed_certificate_timestamp: new Uint8Array([0, 4, 0, 2, 7, 7]),
  },
  CR: {
    status_request: true,
    signature_algorithms: [0x0403],
    signed_certificate_timestamp: true,
    compress_certificate: [1],
    certificate_authorities: [new Uint8Array([0x30, 0])],
    oid_filters: new Uint8Array([0, 6, 2, 0x55, 0x1d, 0, 1, 0]),
    signature_algorithms_cert: [0x0403],
  },
  NST: { early_data: 1000, tls_flags: new Uint8Array([1]) },
};

/** Width of the length prefix of the vector that an extension ends with; 0: it ends with no vector. */
const vectors: { readonly [M in ExtensionHome]: { readonly [K in keyof ExtensionValues[M]]-?: 0 | 1 | 2 | 3 } } = {
  CH: {
    server_name: 2,
    max_fragment_length: 0,
    status_request: 2,
    supported_groups: 2,
    signature_algorithms: 2,
    application_layer_protocol_negotiation: 2,
    signed_certificate_timestamp: 0,
    client_certificate_type: 1,
    server_certificate_type: 1,
    padding: 0,
    compress_certificate: 1,
    record_size_limit: 0,
    pre_shared_key: 2,
    early_data: 0,
    supported_versions: 1,
    cookie: 2,
    psk_key_exchange_modes: 1,
    certificate_authorities: 2,
    post_handshake_auth: 0,
    signature_algorithms_cert: 2,
    key_share: 2,
  },
  SH: { pre_shared_key: 0, supported_versions: 0, key_share: 2 },
  HRR: { supported_versions: 0, cookie: 2, key_share: 0 },
  EE: {
    server_name: 0,
    max_fragment_length: 0,
    client_certificate_type: 0,
    server_certificate_type: 0,
    record_size_limit: 0,
    supported_groups: 2,
    application_layer_protocol_negotiation: 2,
    early_data: 0,
  },
  CT: { status_request: 3, signed_certificate_timestamp: 2 },
  CR: {
    status_request: 0,
    signature_algorithms: 2,
    signed_certificate_timestamp: 0,
    compress_certificate: 1,
    certificate_authorities: 2,
    oid_filters: 2,
    signature_algorithms_cert: 2,
  },
  NST: { early_data: 0, tls_flags: 1 },
};

/** A message that carries extensions, at one of the points where it comes. */
interface Place {
  readonly home: ExtensionHome;
  /** What the message cannot do without, beside the row in question. */
  readonly beside: readonly Name[];
  /** What the receiver makes of the message. `unasked`: an extension that it did not ask for. */
  say(extensions: readonly Extension[], unasked?: Name): Outcome;
}

/** What came of a message: the events before it are left out. */
interface Outcome {
  readonly engine: Connection;
  readonly events: readonly Event[];
}

const h2 = [new Uint8Array([104, 50])];
const zlib = { id: 1, compress: (message: Uint8Array) => message, decompress: (message: Uint8Array) => message };
const policy = {
  tickets: new TicketKeys(provider),
  pskModes: ['psk_ke', 'psk_dhe_ke'] as const,
  earlyData: { maxSize: 1000, replay: { admit: () => true } },
};
/** A session without ALPN: 0-RTT data is accepted for that alone. */
const session: Session = (() => {
  const { clientEvents } = shuttle(newPair({ pskModes: policy.pskModes }, policy));
  for (const event of clientEvents) if (event.type === 'session') return event.session;
  throw new Error('no ticket came');
})();

/** A client that asks for everything there is, but for what is left out. */
function asking(unasked: Name | undefined, config: Partial<ClientConfig> = {}): Connection {
  const left: readonly number[] = [
    ...(unasked === undefined ? [] : [ExtensionType[unasked]]),
    // RFC 9846 §9.2: one does not go without the other.
    ...(unasked === 'supported_groups' ? [ExtensionType.key_share] : []),
  ];
  const { takeSession, ...others } = config;
  return newClient({
    alpn: h2,
    requestOcsp: true,
    requestTimestamps: true,
    certificateTypes: ['X509', 'RawPublicKey'],
    peerCertificateTypes: ['X509', 'RawPublicKey'],
    certificateSchemes: [0x0403],
    certificateCompression: [zlib],
    maxFragmentLength: 512,
    recordSizeLimit: 16385,
    postHandshakeAuth: true,
    credentials: [credential],
    shapeClientHello: (hello) => ({
      ...hello,
      extensions: hello.extensions.filter(({ type }) => !left.includes(type)),
    }),
    ...others,
    ...(takeSession && unasked !== 'pre_shared_key' && { takeSession }),
  });
}

function takeSession(): Session | undefined {
  return decodeSession(encodeSession(session));
}

function sayPlain(engine: Connection, message: Uint8Array): Outcome {
  settle(engine);
  engine.receive(
    Buffer.concat([new Uint8Array([ContentType.handshake, 3, 3, message.length >>> 8, message.length & 255]), message]),
  );
  return { engine, events: settle(engine) };
}

/** After `count` messages of an honest peer. */
function sayAfter(peer: Peer, engine: Connection, count: number, message: Uint8Array): Outcome {
  peer.play(engine, count);
  settle(engine, peer.events);
  const before = peer.events.length;
  peer.say(engine, ContentType.handshake, message);
  return { engine, events: peer.events.slice(before) };
}

function clientHello(extensions: readonly Extension[]): Uint8Array {
  return encodeMessage(HandshakeType.client_hello, {
    legacyVersion: 0x0303,
    random: clientRandom,
    legacySessionId: new Uint8Array(0),
    cipherSuites: [0x1301, 0x1303],
    legacyCompressionMethods: new Uint8Array(1),
    extensions,
  });
}
const clientRandom = bytes(32);

/** The ClientHello of a client that waits for its answer, and an answer to it. */
function answer(engine: Connection, fields: Partial<ServerHello>): Outcome {
  settle(engine);
  // After change_cipher_spec, if that comes.
  const slab = engine.takeOutput().at(-1) ?? new Uint8Array(0);
  const { body } = parseMessage(slab.slice(5)) as { body: ClientHello } & ReturnType<typeof parseMessage>;
  const hello: ServerHello = {
    legacyVersion: 0x0303,
    random: clientRandom,
    legacySessionIdEcho: body.legacySessionId,
    cipherSuite: session.suite,
    legacyCompressionMethod: 0,
    extensions: [],
    ...fields,
  };
  return sayPlain(engine, encodeMessage(HandshakeType.server_hello, hello));
}

function certificateMessage(extensions: readonly Extension[]): Uint8Array {
  const [certData = new Uint8Array(0)] = credential.chain;
  return encodeMessage(HandshakeType.certificate, {
    certificateRequestContext: new Uint8Array(0),
    certificateList: [{ certData, extensions }],
  });
}

const honest = { provider, verifyChain: trustAnything, credentials: [credential] };
const hello = ['supported_versions', 'supported_groups', 'signature_algorithms', 'psk_key_exchange_modes'] as const;

const places = {
  ClientHello: {
    home: 'CH',
    beside: [...hello, 'key_share'],
    say: (extensions) => sayPlain(newServer(), clientHello(extensions)),
  },
  'ClientHello with a PSK': {
    home: 'CH',
    beside: [...hello, 'key_share', 'pre_shared_key'],
    say: (extensions) => sayPlain(newServer(), clientHello(extensions)),
  },
  'second ClientHello': {
    home: 'CH',
    beside: [...hello, 'key_share', 'cookie'],
    say(extensions) {
      // The first has everything that the second may not add, and a share for a group that the server does not want.
      const cookie = samples.CH.cookie;
      const server = newServer({ groups: [NamedGroup.x25519], retryCookie: () => cookie });
      const first = writeExtensions('CH', {
        supported_versions: samples.CH.supported_versions,
        supported_groups: samples.CH.supported_groups,
        signature_algorithms: samples.CH.signature_algorithms,
        psk_key_exchange_modes: samples.CH.psk_key_exchange_modes,
        key_share: [],
      });
      const name = extensions.filter(({ type }) => type === ExtensionType.server_name).slice(0, 1);
      const named = name.length === 0 ? [] : writeExtensions('CH', { server_name: samples.CH.server_name });
      sayPlain(server, clientHello([...first, ...named]));
      server.takeOutput();
      return sayPlain(server, clientHello(extensions));
    },
  },
  ServerHello: {
    home: 'SH',
    beside: ['supported_versions', 'key_share'],
    say: (extensions, unasked) => answer(asking(unasked, { takeSession }), { extensions }),
  },
  'ServerHello after HelloRetryRequest': {
    home: 'SH',
    beside: ['supported_versions', 'key_share'],
    say(extensions, unasked) {
      const client = asking(unasked, { takeSession });
      const retry = writeExtensions('HRR', { supported_versions: 0x0304, cookie: samples.HRR.cookie });
      const retried = answer(client, { random: helloRetryRequestRandom, extensions: retry });
      // A version that was not asked for is refused as soon as it comes.
      return retried.events.length > 0 ? retried : answer(client, { extensions });
    },
  },
  HelloRetryRequest: {
    home: 'HRR',
    beside: ['supported_versions', 'key_share'],
    say: (extensions, unasked) =>
      answer(asking(unasked, { takeSession }), { random: helloRetryRequestRandom, extensions }),
  },
  EncryptedExtensions: {
    home: 'EE',
    beside: [],
    say(extensions, unasked) {
      // Without a key exchange, so that nothing in the ClientHello is indispensable.
      const peer = new Peer('server', { ...honest, tickets: policy.tickets, pskModes: ['psk_ke'] });
      const client = asking(unasked, { takeSession, pskModes: ['psk_ke'], earlyData: true });
      return sayAfter(peer, client, 1, encodeMessage(HandshakeType.encrypted_extensions, { extensions }));
    },
  },
  'Certificate of a server': {
    home: 'CT',
    beside: [],
    say: (extensions, unasked) =>
      sayAfter(new Peer('server', honest), asking(unasked), 2, certificateMessage(extensions)),
  },
  'Certificate of a client': {
    home: 'CT',
    beside: [],
    say(extensions, unasked) {
      const server = newServer({
        clientCertificate: 'required',
        requestOcsp: unasked !== 'status_request',
        requestTimestamps: unasked !== 'signed_certificate_timestamp',
      });
      return sayAfter(new Peer('client', honest), server, 1, certificateMessage(extensions));
    },
  },
  CertificateRequest: {
    home: 'CR',
    beside: ['signature_algorithms'],
    say(extensions, unasked) {
      const request = { certificateRequestContext: new Uint8Array(0), extensions };
      const message = encodeMessage(HandshakeType.certificate_request, request);
      return sayAfter(new Peer('server', honest), asking(unasked), 2, message);
    },
  },
  'CertificateRequest after the handshake': {
    home: 'CR',
    beside: ['signature_algorithms'],
    say(extensions, unasked) {
      const request = { certificateRequestContext: new Uint8Array(8), extensions };
      const message = encodeMessage(HandshakeType.certificate_request, request);
      return sayAfter(new Peer('server', honest), asking(unasked), 5, message);
    },
  },
  NewSessionTicket: {
    home: 'NST',
    beside: [],
    say(extensions, unasked) {
      const message = encodeMessage(HandshakeType.new_session_ticket, {
        ticketLifetime: 100,
        ticketAgeAdd: 1,
        ticketNonce: new Uint8Array(2),
        ticket: new Uint8Array(20),
        extensions,
      });
      return sayAfter(new Peer('server', honest), asking(unasked), 5, message);
    },
  },
} as const satisfies Readonly<Record<string, Place>>;

type PlaceName = keyof typeof places;

/** What is done to the row in question. */
type Change = 'as it is' | 'absent' | 'duplicated' | 'misplaced' | 'unsolicited' | Malformation;

/** Bytes that are not what the declaration says; undefined where there is nothing to break like that. */
const malformations = {
  empty: (data: Uint8Array) => (data.length === 0 ? undefined : new Uint8Array(0)),
  'one byte short': (data: Uint8Array) => (data.length < 2 ? undefined : data.subarray(0, -1)),
  'one byte long': (data: Uint8Array) => Uint8Array.from([...data, 0]),
  'with a byte of garbage inside': (data: Uint8Array, width: number) => {
    const at = vectorAt(data, width);
    if (at === undefined) return undefined;
    return Uint8Array.from([
      ...data.subarray(0, at),
      ...uint(data.length - at - width + 1, width),
      ...data.subarray(at + width),
      0,
    ]);
  },
  'with nothing inside': (data: Uint8Array, width: number) => {
    const at = vectorAt(data, width);
    if (at === undefined || at + width === data.length) return undefined;
    return Uint8Array.from([...data.subarray(0, at), ...uint(0, width)]);
  },
} as const;
type Malformation = keyof typeof malformations;

function uint(value: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 255);
}

/** Where the vector begins that takes all bytes to the end. */
function vectorAt(data: Uint8Array, width: number): number | undefined {
  for (let at = 0; width > 0 && at + width <= data.length; at++) {
    const prefix = data.subarray(at, at + width).reduce((sum, byte) => sum * 256 + byte, 0);
    if (prefix === data.length - at - width) return at;
  }
  if (width > 0) throw new Error(`no vector of width ${width} in ${Buffer.from(data).toString('hex')}`);
  return undefined;
}

interface Verdict {
  /** undefined: the message is taken. */
  readonly alert: string | undefined;
  readonly why: string;
}

const taken = (why: string): Verdict => ({ alert: undefined, why });
const refused = (alert: string, why: string): Verdict => ({ alert, why });
const opaqueBytes = taken('it is opaque: the byte belongs to it');
const notThere = refused('missing_extension', '§9.2');
const noVersion = refused('protocol_version', '§4.3.1: without it, the message is of an older version');
const changed = refused('illegal_parameter', '§4.2.2: the second ClientHello is the first, but for what is listed');
const noCookieYet = refused('illegal_parameter', '§4.3.2: nobody has given one');
const noBytesLess = {
  empty: taken('RFC 7685 §3: it may be empty'),
  'one byte short': taken('RFC 7685 §3: it is as long as the client likes'),
  'one byte long': taken('RFC 7685 §3: it is as long as the client likes'),
};
const oneMore = { 'with a byte of garbage inside': taken('a list of single bytes: it is one more of them') };
const unread = taken(
  '§4.3: this does not apply to what the receiver does not implement; §4.3.5: filters on OIDs it does not know are ignored',
);

type Exceptions = { readonly [K in Name]?: { readonly [C in Change]?: Verdict } };

const firstClientHello: Exceptions = {
  status_request: { 'with a byte of garbage inside': opaqueBytes },
  supported_groups: { absent: notThere },
  signature_algorithms: { absent: notThere },
  client_certificate_type: oneMore,
  server_certificate_type: oneMore,
  padding: noBytesLess,
  supported_versions: { absent: noVersion },
  cookie: { 'as it is': noCookieYet, 'with a byte of garbage inside': noCookieYet },
  psk_key_exchange_modes: oneMore,
  key_share: { absent: notThere, 'with nothing inside': taken('§4.3.8: client_shares may be empty') },
};

/** Where something else happens than what the kind of change leads to expect, and why. */
const exceptions: {
  readonly [P in PlaceName]?: Exceptions;
} = {
  ClientHello: firstClientHello,
  'ClientHello with a PSK': {
    ...firstClientHello,
    psk_key_exchange_modes: {
      ...oneMore,
      absent: refused('missing_extension', '§4.3.9: it comes with pre_shared_key'),
    },
  },
  'second ClientHello': {
    status_request: { 'with a byte of garbage inside': opaqueBytes },
    supported_groups: { absent: notThere },
    signature_algorithms: { absent: notThere },
    client_certificate_type: oneMore,
    server_certificate_type: oneMore,
    padding: noBytesLess,
    supported_versions: { absent: noVersion },
    cookie: {
      absent: refused('illegal_parameter', '§4.3.2: it must come back'),
      'with a byte of garbage inside': refused('illegal_parameter', '§4.3.2: it must come back as it was'),
    },
    psk_key_exchange_modes: { absent: changed, 'with a byte of garbage inside': changed },
    key_share: {
      absent: notThere,
      'with nothing inside': refused('illegal_parameter', '§4.3.8: it must hold the share that was asked for'),
    },
  },
  ServerHello: {
    supported_versions: { absent: noVersion },
    key_share: {
      absent: notThere,
      'with a byte of garbage inside': refused('illegal_parameter', '§4.3.8: not the length of a share of the group'),
    },
  },
  'ServerHello after HelloRetryRequest': {
    supported_versions: { absent: refused('illegal_parameter', '§4.2.4: the version of the HelloRetryRequest stays') },
    key_share: {
      absent: notThere,
      'with a byte of garbage inside': refused('illegal_parameter', '§4.3.8: not the length of a share of the group'),
    },
  },
  HelloRetryRequest: {
    supported_versions: { absent: noVersion },
    cookie: {
      unsolicited: taken('§4.3: the one exception'),
      'with a byte of garbage inside': opaqueBytes,
    },
    key_share: { absent: refused('illegal_parameter', '§4.2.4: it would change nothing') },
  },
  'Certificate of a server': { status_request: { 'with a byte of garbage inside': opaqueBytes } },
  'Certificate of a client': { status_request: { 'with a byte of garbage inside': opaqueBytes } },
  CertificateRequest: {
    signature_algorithms: { absent: refused('missing_extension', '§4.4.2: it must be specified') },
    oid_filters: every(unread),
  },
  'CertificateRequest after the handshake': {
    signature_algorithms: { absent: refused('missing_extension', '§4.4.2: it must be specified') },
    oid_filters: every(unread),
  },
  NewSessionTicket: {
    tls_flags: {
      'with a byte of garbage inside': refused('illegal_parameter', 'draft-ietf-tls-tlsflags §2: no zero at the end'),
    },
  },
};

function every(verdict: Verdict): { readonly [M in Malformation]: Verdict } {
  const all = Object.keys(malformations).map((malformation) => [malformation, verdict]);
  return Object.fromEntries(all) as { readonly [M in Malformation]: Verdict };
}

/** What the tests do not decide. */
const open: readonly (readonly [ExtensionHome, Name, Change])[] = [
  // The table of §4.3 has it there, for RFC 9261; ours does not.
  ['CR', 'server_name', 'misplaced'],
  // RFC 6066 §8: what follows the type is of a form of its own, which we do not read.
  ['CH', 'status_request', 'one byte short'],
  ['CH', 'status_request', 'one byte long'],
  // RFC 7250 §3: a list of one at least; §4.1: nobody sends a useless one.
  ['CH', 'client_certificate_type', 'with nothing inside'],
  ['CH', 'server_certificate_type', 'with nothing inside'],
  // §4.3.11: an empty binder is too short, and one too many.
  ['CH', 'pre_shared_key', 'with a byte of garbage inside'],
];

/** Where the rules of §4.3 and §6.2 lead. */
function expected(place: PlaceName, name: Name, change: Change): Verdict {
  const exception = exceptions[place]?.[name]?.[change];
  if (exception !== undefined) return exception;
  switch (change) {
    case 'as it is':
    case 'absent':
      return taken('it is optional');
    case 'duplicated':
      return refused('decode_error or illegal_parameter', '§4.3: not more than one; no alert is named');
    case 'misplaced':
      return refused('illegal_parameter', '§4.3: recognized, and not specified for the message');
    case 'unsolicited':
      return refused('unsupported_extension', '§4.3: a response without a request');
    default:
      return refused('decode_error', '§6.2: not according to the syntax; §4.3: data left over');
  }
}

/** The extension as it is on the wire: what stands there, or else where it may stand. */
function encoded(name: Name, home: ExtensionHome): Extension {
  const value = (samples[home] as Record<string, unknown>)[name];
  if (value === undefined) throw new Error(`${name} has no sample for ${home}`);
  const [extension] = writeExtensions(home, { [name]: value });
  if (extension === undefined) throw new Error(`${name} does not encode`);
  return extension;
}

function homesOf(name: Name): ExtensionHome[] {
  return Object.keys(extensionTable[name] ?? {}) as ExtensionHome[];
}

/** The extensions of the message, with the row in question changed; undefined where that cannot be done to it. */
function message({ home, beside }: Place, name: Name, change: Change): readonly Extension[] | undefined {
  const others = beside.filter((other) => other !== name).map((other) => encoded(other, home));
  const pskLast = (extensions: readonly Extension[]) =>
    home === 'CH' ? [...extensions].sort((a, b) => Number(isPsk(a)) - Number(isPsk(b))) : extensions;
  if (change === 'absent') return others;
  if (change === 'misplaced') {
    const [elsewhere] = homesOf(name);
    if (elsewhere === undefined) throw new Error(`${name} stands nowhere`);
    return [encoded(name, elsewhere), ...others];
  }
  const { type, data } = encoded(name, home);
  if (change === 'as it is' || change === 'unsolicited') return pskLast([...others, { type, data }]);
  if (change === 'duplicated') return pskLast([...others, { type, data }, { type, data }]);
  const broken = malformations[change](data, (vectors[home] as Record<string, number>)[name] ?? 0);
  return broken && pskLast([...others, { type, data: broken }]);
}

function isPsk({ type }: Extension): boolean {
  return type === ExtensionType.pre_shared_key;
}

function changesOf({ home }: Place, name: Name): Change[] {
  if (!homesOf(name).includes(home)) return ['misplaced'];
  const answers = home === 'SH' || home === 'HRR' || home === 'EE' || home === 'CT';
  return [
    'as it is',
    'absent',
    'duplicated',
    ...(answers ? (['unsolicited'] as const) : []),
    ...(Object.keys(malformations) as Malformation[]),
  ];
}

const codes: Readonly<Partial<Record<Change, RegExp>>> = {
  duplicated: /^ERR_TLS_DUPLICATE_EXTENSION$/,
  misplaced: /^ERR_TLS_UNEXPECTED_EXTENSION$/,
  unsolicited: /^ERR_TLS_UNSOLICITED_EXTENSION$/,
};

const anyCode = /^ERR_TLS_[A-Z_]+$/;

describe.each(Object.keys(places) as PlaceName[])('%s', (where) => {
  const place: Place = places[where];
  const rows = names.flatMap((name) =>
    changesOf(place, name).flatMap((change) => {
      if (open.some(([home, row, left]) => home === place.home && row === name && left === change)) return [];
      const extensions = message(place, name, change);
      if (extensions === undefined) return [];
      const { alert, why } = expected(where, name, change);
      return [[name, change, alert ?? 'no alert', why, extensions, alert] as const];
    }),
  );
  test.each(rows)('%s %s: %s (%s)', (name, change, _, __, extensions, alert) => {
    const outcome = place.say(extensions, change === 'unsolicited' ? name : undefined);
    if (alert === undefined) return expectTaken(outcome);
    expectRefused(outcome, alert, codes[change] ?? anyCode);
  });
});

function expectTaken({ engine, events }: Outcome): void {
  expect(events.filter(({ type }) => type === 'error')).toEqual([]);
  expect(['handshake', 'open']).toContain(engine.phase);
}

/** One error, with its alert and a code of its own; nothing before it, and nothing after it. */
function expectRefused({ engine, events }: Outcome, alert: string, code: RegExp): void {
  expect(events.map(({ type }) => type)).toEqual(['error']);
  const [event] = events;
  if (event?.type !== 'error') return;
  expect(alert.split(' or ')).toContain(event.error.alert);
  expect(event.error.code).toMatch(code);
  if (event.error.alert === 'decode_error' && code === anyCode) expect(event.error.code).toMatch(/_DECODE$/);
  expect([engine.phase, engine.writable, engine.earlyRoom]).toEqual(['failed', false, undefined]);
  const output = engine.takeOutput().at(-1) ?? [];
  // Until there are keys, it can be read.
  const inTheClear = [ContentType.alert, 3, 3, 0, 2, 2, AlertDescription[event.error.alert ?? 'close_notify']];
  if (output[0] === ContentType.alert) expect([...output]).toEqual(inTheClear);
  else expect(output.length).toBe(5 + 2 + 1 + 16);
  engine.receive(new Uint8Array([ContentType.handshake, 3, 3, 0, 1, 0]));
  engine.receiveEnd();
  expect(engine.poll()).toBeUndefined();
  expect(engine.takeOutput()).toEqual([]);
}
