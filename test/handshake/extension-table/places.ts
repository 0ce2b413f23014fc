import type { Connection, Event } from '#opentls/connection/connection';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import {
  CipherSuiteId,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '#opentls/wire/enums';
import { type Extension, type ExtensionHome, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { credential, newClient, newPair, newServer, settle, shuttle, trustAnything } from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';
import { type Name, samples } from './samples.ts';

// Every message that carries extensions, at each point where it comes, and how it is said to the side that receives it
// by a peer that is honest but for that.

/** A message that carries extensions, at one of the points where it comes. */
export interface Place {
  readonly home: ExtensionHome;
  /** What the message cannot do without, beside the row in question. */
  readonly beside: readonly Name[];
  /** What the receiver makes of the message. `unasked`: an extension that it did not ask for. */
  say(extensions: readonly Extension[], unasked?: Name): Outcome;
}

/** What came of a message: the events before it are left out. */
export interface Outcome {
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

/** What no configuration asks for. */
const foreign = writeExtensions('CH', {
  delegated_credential: samples.CH.delegated_credential,
  tls_flags: samples.CH.tls_flags,
});

/** A second ClientHello has them already. */
function withoutForeign(extensions: readonly Extension[]): readonly Extension[] {
  return extensions.filter(({ type }) => foreign.every((added) => added.type !== type));
}

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
    certificateSchemes: [SignatureScheme.ecdsa_secp256r1_sha256],
    certificateCompression: [zlib],
    maxFragmentLength: 512,
    recordSizeLimit: 16385,
    postHandshakeAuth: true,
    credentials: [credential],
    shapeClientHello: (hello) => ({
      ...hello,
      extensions: [...foreign, ...withoutForeign(hello.extensions)].filter(({ type }) => !left.includes(type)),
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
    legacyVersion: ProtocolVersion.TLS12,
    random: clientRandom,
    legacySessionId: new Uint8Array(0),
    cipherSuites: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256],
    legacyCompressionMethods: new Uint8Array(1),
    extensions,
  });
}

const clientRandom = randomBytes(47)(32);

/** The ClientHello of a client that waits for its answer, and an answer to it. */
function answer(engine: Connection, fields: Partial<ServerHello>): Outcome {
  settle(engine);
  // After change_cipher_spec, if that comes.
  const slab = engine.takeOutput().at(-1) ?? new Uint8Array(0);
  const { body } = parseMessage(slab.slice(5)) as { body: ClientHello } & ReturnType<typeof parseMessage>;
  const hello: ServerHello = {
    legacyVersion: ProtocolVersion.TLS12,
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

export const places = {
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
      const server = newServer({
        groups: [NamedGroup.x25519],
        retryCookies: { seal: () => cookie, open: () => undefined },
      });
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
      const retry = writeExtensions('HRR', { supported_versions: ProtocolVersion.TLS13, cookie: samples.HRR.cookie });
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

export type PlaceName = keyof typeof places;
