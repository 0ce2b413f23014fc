import { type Change, type Malformation, malformations } from './changes.ts';
import { type PlaceName, places } from './places.ts';
import type { Name } from './samples.ts';

// What has to come of each change to each row, and by which rule: sections are of RFC 9846 where no other is named.

export interface Verdict {
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
const noType = refused('illegal_parameter', 'RFC 7250 §4.1: nobody sends a list that says nothing');
const binderTooMany = refused('illegal_parameter', '§4.3.11: an empty binder, for no identity');
const unread = taken(
  '§4.3: this does not apply to what the receiver does not implement; §4.3.5: filters on OIDs it does not know are ignored',
);

const meaningless = taken('RFC 9261 §4: it is for authentication outside of the handshake, and passed over here');
const unreadFlags = taken('draft-ietf-tls-tlsflags may stand everywhere, and no flag of this message is implemented');
const noFlags = refused('unsupported_extension', '§4.3: a server that asks for no flags');
const unreadDelegation = taken('RFC 9345 §4: only who means to use it reads it');
const noDelegation = refused('unsupported_extension', 'RFC 9345 §4.1.2: a server that does not ask for it');

type Exceptions = { readonly [K in Name]?: { readonly [C in Change]?: Verdict } };

const anyClientHello: Exceptions = {
  status_request: { 'with a byte of garbage inside': opaqueBytes },
  supported_groups: { absent: notThere },
  signature_algorithms: { absent: notThere },
  client_certificate_type: { ...oneMore, 'with nothing inside': noType },
  server_certificate_type: { ...oneMore, 'with nothing inside': noType },
  padding: noBytesLess,
  pre_shared_key: { 'with a byte of garbage inside': binderTooMany },
  supported_versions: { absent: noVersion },
  tls_flags: every(unreadFlags),
};

const firstClientHello: Exceptions = {
  ...anyClientHello,
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
    ...anyClientHello,
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
    tls_flags: every(unreadFlags),
    supported_versions: { absent: noVersion },
    key_share: {
      absent: notThere,
      'with a byte of garbage inside': refused('illegal_parameter', '§4.3.8: not the length of a share of the group'),
    },
  },
  'ServerHello after HelloRetryRequest': {
    tls_flags: every(unreadFlags),
    supported_versions: { absent: refused('illegal_parameter', '§4.2.4: the version of the HelloRetryRequest stays') },
    key_share: {
      absent: notThere,
      'with a byte of garbage inside': refused('illegal_parameter', '§4.3.8: not the length of a share of the group'),
    },
  },
  HelloRetryRequest: {
    tls_flags: every(unreadFlags),
    supported_versions: { absent: noVersion },
    cookie: {
      unsolicited: taken('§4.3: the one exception'),
      'with a byte of garbage inside': opaqueBytes,
    },
    key_share: { absent: refused('illegal_parameter', '§4.2.4: it would change nothing') },
  },
  EncryptedExtensions: { tls_flags: every(unreadFlags) },
  'Certificate of a server': {
    tls_flags: every(unreadFlags),
    status_request: { 'with a byte of garbage inside': opaqueBytes },
    delegated_credential: every(unreadDelegation),
  },
  'Certificate of a client': {
    tls_flags: { 'as it is': noFlags, ...every(noFlags) },
    status_request: { 'with a byte of garbage inside': opaqueBytes },
    delegated_credential: { 'as it is': noDelegation, ...every(noDelegation) },
  },
  CertificateRequest: {
    signature_algorithms: { absent: refused('missing_extension', '§4.4.2: it must be specified') },
    server_name: every(meaningless),
    oid_filters: every(unread),
    tls_flags: every(unreadFlags),
  },
  'CertificateRequest after the handshake': {
    signature_algorithms: { absent: refused('missing_extension', '§4.4.2: it must be specified') },
    server_name: every(meaningless),
    oid_filters: every(unread),
    tls_flags: every(unreadFlags),
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

/** Where the rules of §4.3 and §6.2 lead. */
export function expected(place: PlaceName, name: Name, change: Change): Verdict {
  const exception = exceptions[place]?.[name]?.[change];
  if (exception !== undefined) return exception;
  switch (change) {
    case 'as it is':
    case 'absent':
      return taken('it is optional');
    case 'duplicated':
      return refused(
        places[place].home === 'CH' || places[place].home === 'EE' ? 'decode_error' : 'illegal_parameter',
        '§4.3: not more than one; no alert is named',
      );
    case 'misplaced':
      return refused('illegal_parameter', '§4.3: recognized, and not specified for the message');
    case 'unsolicited':
      return refused('unsupported_extension', '§4.3: a response without a request');
    default:
      return refused('decode_error', '§6.2: not according to the syntax; §4.3: data left over');
  }
}
