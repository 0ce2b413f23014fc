import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { Connection, type Event } from '#opentls/connection/connection';
import type { CryptoProvider, Group, Signer } from '#opentls/crypto/provider';
import type { ChainRequest, ChainVerdict, ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { perform } from '#opentls/handshake/terms/script';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import type { Session } from '#opentls/session/session';
import { ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { type ClientHello, encodeMessage, type MessageOf, parseMessage } from '#opentls/wire/messages';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { fixedGroup } from '../kit/fixed-group.ts';

interface Trace {
  readonly title: string;
  readonly ephemerals: readonly { role: Role; group: 'x25519' | 'secp256r1'; privateKey: string }[];
  readonly messages: readonly { role: Role; name: string; hex: string }[];
  readonly records: readonly { role: Role; type: string; payload: string; record: string }[];
  readonly secrets: Readonly<Record<string, string>>;
}
type Role = 'client' | 'server';

function load(section: number): Trace {
  const url = new URL(`../../vectors/rfc8448/section${section}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Trace;
}

function message<T extends keyof typeof HandshakeType>(trace: Trace, role: Role, name: string, type: T, index = 0) {
  const found = trace.messages.filter((entry) => entry.role === role && entry.name === name)[index];
  if (found === undefined) throw new Error(`no ${name} of the ${role}`);
  const parsed = parseMessage(fromHex(found.hex));
  expect(parsed.type).toBe(HandshakeType[type]);
  return parsed as MessageOf<(typeof HandshakeType)[T]>;
}

/** The provider with the trace's ephemeral keys and random values in place of fresh ones. */
function replay(base: CryptoProvider, trace: Trace, role: Role, random: Uint8Array): CryptoProvider {
  const groups: Group[] = trace.ephemerals
    .filter((entry) => entry.role === role)
    .map((entry) => fixedGroup(NamedGroup[entry.group], fromHex(entry.privateKey)));
  return { ...base, groups, random: () => random };
}

/** Signs with the recorded signature: RSASSA-PSS is randomised, so no key could make it again. */
function recordedSigner(scheme: number, signature: Uint8Array): Signer {
  return { schemes: [scheme], sign: () => signature };
}

function recordedCredential(trace: Trace, role: Role) {
  const { body: certificate } = message(trace, role, 'Certificate', 'certificate');
  const { body: verify } = message(trace, role, 'CertificateVerify', 'certificate_verify');
  return {
    chain: certificate.certificateList.map((entry) => entry.certData),
    signer: recordedSigner(verify.algorithm, verify.signature),
  };
}

/** The certificates are from 2016 and of no known CA: what is tested is everything else. */
function trustAnything({ chain }: ChainRequest): ChainVerdict {
  return { ok: true, peer: dangerouslyTrust(chain) };
}

function clientConfig(base: CryptoProvider, trace: Trace): ClientConfig {
  let sent = 0;
  const first = message(trace, 'client', 'ClientHello', 'client_hello');
  const withCertificate = trace.messages.some(({ role, name }) => role === 'client' && name === 'Certificate');
  return {
    provider: replay(base, trace, 'client', first.body.random),
    serverName: 'server',
    keyShares: [NamedGroup.x25519],
    middleboxCompatibility: first.body.legacySessionId.length > 0,
    shapeClientHello: () => message(trace, 'client', 'ClientHello', 'client_hello', sent++).body,
    credentials: withCertificate ? [recordedCredential(trace, 'client')] : [],
    keylog: true,
    verifyChain: trustAnything,
  };
}

function serverConfig(base: CryptoProvider, trace: Trace): ServerConfig {
  const { body } = message(trace, 'server', 'ServerHello', 'server_hello');
  const { body: encrypted } = message(trace, 'server', 'EncryptedExtensions', 'encrypted_extensions');
  const retry = trace.messages.some(({ name }) => name === 'HelloRetryRequest');
  return {
    provider: replay(base, trace, 'server', body.random),
    suites: [body.cipherSuite],
    credentials: [recordedCredential(trace, 'server')],
    // What NSS sent there and this library does not: supported_groups and record_size_limit.
    encryptedExtensions: encrypted.extensions.filter(
      ({ type }) => type === ExtensionType.supported_groups || type === ExtensionType.record_size_limit,
    ),
    retryCookies: retry ? { seal: () => recordedCookie(trace), open: () => undefined } : undefined,
    keylog: true,
    verifyChain: trustAnything,
  };
}

function recordedCookie(trace: Trace): Uint8Array {
  const { body } = message(trace, 'server', 'HelloRetryRequest', 'server_hello');
  const cookie = body.extensions.find(({ type }) => type === ExtensionType.cookie)?.data;
  if (cookie === undefined) throw new Error('no cookie in the HelloRetryRequest');
  return cookie.slice(2);
}

/** Plays the trace against one engine: gives it the peer's records, and compares its output with the trace. */
function play(engine: Connection, trace: Trace, role: Role): readonly Event[] {
  const events: Event[] = [];
  let expected = '';
  for (const entry of trace.records) {
    if (entry.role !== role) engine.receive(fromHex(entry.record));
    else if (entry.type === 'alert') engine.closeWrite();
    else if (entry.type === 'application_data') engine.write([fromHex(entry.payload)]);
    if (entry.role === role) expected += entry.record;
    settle(engine, events);
    if (entry.role === role && isLastOfFlight(trace, entry)) {
      expect(hexOf(engine.takeOutput())).toBe(expected);
      expected = '';
    }
  }
  return events;
}

function isLastOfFlight(trace: Trace, entry: Trace['records'][number]): boolean {
  return trace.records[trace.records.indexOf(entry) + 1]?.role !== entry.role || entry.type === 'alert';
}

function settle(engine: Connection, events: Event[]): void {
  for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
    if (event.type === 'error') throw event.error;
    if (event.type === 'ask') engine.answer(event.ask, perform(event.ask.request) as never);
    else events.push(event);
  }
}

/** The session of the NewSessionTicket in section 3, as the client of section 4 has it. */
function sessionOfSection3(base: CryptoProvider): Session {
  const events = play(Connection.client(clientConfig(base, load(3))), load(3), 'client');
  const session = events.find((event) => event.type === 'session');
  if (session?.type !== 'session') throw new Error('section 3 gave no session');
  return session.session;
}

/** Section 4 prints the ClientHello without its binders: its record has them. */
function section4Hello(trace: Trace): ClientHello {
  const record = trace.records[0]?.record ?? '';
  const parsed = parseMessage(fromHex(record).subarray(5));
  if (parsed.type !== HandshakeType.client_hello) throw new Error('no ClientHello');
  return parsed.body;
}

/** The age of the ticket is told as its difference from this clock. */
function ageOf(hello: ClientHello, session: Session): number {
  const { pre_shared_key: offered } = readExtensions('CH', hello.extensions);
  return ((offered?.identities[0]?.obfuscatedTicketAge ?? 0) - session.ticketAgeAdd) >>> 0;
}

function hexOf(parts: readonly Uint8Array[]): string {
  return parts.map(toHex).join('');
}

function secretsOf(events: readonly Event[]): Record<string, string> {
  const secrets = events.flatMap((event) => (event.type === 'secret' ? [[event.label, toHex(event.secret)]] : []));
  return Object.fromEntries(secrets) as Record<string, string>;
}

function expectedSecrets({ secrets }: Trace): Record<string, string | undefined> {
  return {
    SERVER_HANDSHAKE_TRAFFIC_SECRET: secrets['serverHandshakeTraffic'],
    CLIENT_HANDSHAKE_TRAFFIC_SECRET: secrets['clientHandshakeTraffic'],
    SERVER_TRAFFIC_SECRET_0: secrets['serverApplicationTraffic0'],
    CLIENT_TRAFFIC_SECRET_0: secrets['clientApplicationTraffic0'],
    EXPORTER_SECRET: secrets['exporterMaster'],
  };
}

describe.each([noble, node])('RFC 8448 through the engine, $name provider', (provider) => {
  test.each([3, 5, 6, 7])('section %i, client: every record after the ClientHello is the trace', (section) => {
    const trace = load(section);
    const events = play(Connection.client(clientConfig(provider, trace)), trace, 'client');
    expect(secretsOf(events)).toEqual(expectedSecrets(trace));
    expect(events.at(-1)).toEqual({ type: 'end', closeNotify: true });
  });

  test.each([5, 7])('section %i, server: every record is the trace', (section) => {
    const trace = load(section);
    const events = play(Connection.server(serverConfig(provider, trace)), trace, 'server');
    expect(secretsOf(events)).toEqual(expectedSecrets(trace));
    expect(events.at(-1)).toEqual({ type: 'end', closeNotify: true });
  });

  test('section 3, server: the trace up to the NewSessionTicket, whose age_add and nonce were random there', () => {
    const whole = load(3);
    const end = whole.records.findIndex(({ payload }) => payload.startsWith('04'));
    const trace = { ...whole, records: whole.records.slice(0, end) };
    const events = play(Connection.server(serverConfig(provider, trace)), trace, 'server');
    expect(secretsOf(events)).toEqual(expectedSecrets(trace));
    expect(events.at(-1)).toMatchObject({ type: 'open', facts: { serverName: 'server' } });
  });
});

describe.each([noble, node])('RFC 8448 section 4, resumed with 0-RTT data, $name provider', (provider) => {
  const trace = load(4);
  const hello = section4Hello(trace);
  const secrets = {
    ...expectedSecrets(trace),
    CLIENT_EARLY_TRAFFIC_SECRET: trace.secrets['clientEarlyTraffic'],
    EARLY_EXPORTER_SECRET: trace.secrets['earlyExporterMaster'],
  };

  test('client: every record is the trace, from the binder on', () => {
    const session = sessionOfSection3(provider);
    const client = Connection.client({
      provider: { ...replay(provider, trace, 'client', hello.random) },
      serverName: 'server',
      keyShares: [NamedGroup.x25519],
      middleboxCompatibility: false,
      shapeClientHello: () => hello,
      takeSession: () => session,
      earlyData: true,
      now: () => session.ticketTime + ageOf(hello, session),
      keylog: true,
      verifyChain: trustAnything,
    });
    const events: Event[] = [];
    settle(client, events);
    client.writeEarly(fromHex(trace.records[1]?.payload ?? ''));
    const [sent] = [hexOf(client.takeOutput())];
    expect(sent).toBe(
      trace.records
        .slice(0, 2)
        .map(({ record }) => record)
        .join(''),
    );
    events.push(...play(client, { ...trace, records: trace.records.slice(2) }, 'client'));
    expect(secretsOf(events)).toEqual(secrets);
    expect(client.facts).toMatchObject({ resumed: true, earlyData: 'accepted' });
    expect(events.at(-1)).toEqual({ type: 'end', closeNotify: true });
  });

  test('server: every record is the trace', () => {
    const session = sessionOfSection3(provider);
    const { body } = message(trace, 'server', 'ServerHello', 'server_hello');
    const { body: encrypted } = message(trace, 'server', 'EncryptedExtensions', 'encrypted_extensions');
    const state = { ...session, maxEarlyDataSize: 1024 };
    const server = Connection.server({
      provider: replay(provider, trace, 'server', body.random),
      suites: [body.cipherSuite],
      tickets: { seal: () => undefined, open: () => state },
      earlyData: { maxSize: 1024, replay: { admit: () => true } },
      // And server_name, which this library leaves out where a session is resumed (RFC 6066 §3).
      encryptedExtensions: encrypted.extensions.filter(
        ({ type }) =>
          type === ExtensionType.supported_groups ||
          type === ExtensionType.record_size_limit ||
          type === ExtensionType.server_name,
      ),
      now: () => session.ticketTime + ageOf(hello, session),
      keylog: true,
      verifyChain: trustAnything,
    });
    const events = play(server, trace, 'server');
    expect(secretsOf(events)).toEqual(secrets);
    expect(events.find((event) => event.type === 'data')).toMatchObject({ early: true });
    expect(server.facts).toMatchObject({ resumed: true, earlyData: 'accepted' });
    expect(events.at(-1)).toEqual({ type: 'end', closeNotify: true });
  });
});

test.each([3, 4, 5, 6, 7])('section %i: every message is read and written back byte for byte', (section) => {
  for (const { name, hex } of load(section).messages) {
    if (section === 4 && name === 'ClientHello') continue; // printed there without its binders
    const raw = fromHex(hex);
    const { type, body } = parseMessage(raw);
    expect(toHex(encodeMessage(type, body)), name).toBe(hex);
  }
});

test('the traces hold what these tests rely on', () => {
  expect(ContentType.alert).toBe(21);
  expect(
    load(6)
      .messages.filter(({ role }) => role === 'client')
      .map(({ name }) => name),
  ).toEqual(['ClientHello', 'Certificate', 'CertificateVerify', 'Finished']);
});
