import zlib from 'node:zlib';
import { equal } from '#opentls/bytes/equal';
import type { Signer } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, CommonConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { CertificateCompression, Credential } from '#opentls/handshake/terms/credential';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, NamedGroup } from '#opentls/wire/enums';
import { createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { newPair, shuttle, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { now } from '../../kit/watched.ts';
import type { Asked } from './answers.ts';
import type { Plan } from './plan.ts';
import { type Ledger, watched } from './provider.ts';

// The configurations of both sides that follow from a plan.

const TIME = Date.UTC(2026, 0, 1);
const keys = new TicketKeys(provider, { now: () => TIME });
const credential = ed25519Credential();
export const external = {
  identity: new Uint8Array([112, 115, 107]),
  secret: new Secret('psk', new Uint8Array(32).fill(5)),
  hash: 'sha256',
} as const;
const protocol = new Uint8Array([104, 50]);

/** Everything about it is as long each time, so that a seed leads to the same run. */
function ed25519Credential(): Credential {
  const signer = provider.signer(generatePrivateKey('ed25519', provider.random));
  const created = createCertificate({
    provider,
    signer,
    subject: 'localhost',
    serialNumber: 9846n,
    notBefore: TIME,
    notAfter: TIME + 1000,
  });
  return now(created, ({ der }) => ({ chain: [der], signer }));
}

/** Of either suite, to be copied for each run. */
const sessions = new Map<number, Session>();
for (const suite of [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_AES_256_GCM_SHA384]) {
  const clock = { now: () => TIME, suites: [suite] };
  const server = {
    ...clock,
    credentials: [credential],
    tickets: keys,
    earlyData: { maxSize: 4000, replay: { admit: () => true } },
  };
  for (const event of shuttle(newPair(clock, server)).clientEvents) {
    if (event.type === 'session') sessions.set(suite, event.session);
  }
}

function takeSession(plan: Plan, ledger: Ledger): Session | undefined {
  const kept = sessions.get(plan.suite);
  const session = kept && decodeSession(encodeSession(kept));
  if (session !== undefined) ledger.secret(session.psk);
  return session;
}

function common(plan: Plan, ledger: Ledger, asked: Asked): CommonConfig & { readonly credentials: Credential[] } {
  const signer: Signer = {
    schemes: credential.signer.schemes,
    sign: (scheme, message) => asked('sign', () => credential.signer.sign(scheme, message)),
  };
  const compression: CertificateCompression = {
    id: 1,
    compress: (message) => asked('compress', () => new Uint8Array(zlib.deflateSync(message))),
    decompress: (compressed, length) =>
      asked('decompress', () => new Uint8Array(zlib.inflateSync(compressed, { maxOutputLength: length }))),
  };
  return {
    provider: watched(provider, ledger, asked),
    // PSKs from outside are of SHA-256.
    suites: plan.external ? [CipherSuiteId.TLS_AES_128_GCM_SHA256] : [plan.suite],
    verifyChain: (request) => asked('verifyChain', () => trustAnything(request)),
    credentials: [{ chain: credential.chain, signer }],
    certificateCompression: plan.compression ? [compression] : [],
    pskModes: plan.exchange ? ['psk_dhe_ke'] : ['psk_ke', 'psk_dhe_ke'],
    keylog: plan.keylog,
    grease: plan.grease,
    now: () => TIME,
  };
}

export function clientOf(plan: Plan, ledger: Ledger, asked: Asked): ClientConfig {
  const { credentials, ...config } = common(plan, ledger, asked);
  return {
    ...config,
    chooseCredentials: () => asked('chooseClientCredentials', () => credentials),
    groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    keyShares: [NamedGroup.x25519],
    serverName: 'localhost',
    shuffleExtensions: false,
    middleboxCompatibility: plan.compatible,
    postHandshakeAuth: plan.askLater,
    earlyData: plan.early,
    ...(plan.alpn && { alpn: [protocol] }),
    ...(plan.resume && { takeSession: () => asked('takeSession', () => takeSession(plan, ledger)) }),
    ...(plan.external && { externalPsks: [external] }),
  };
}

export function serverOf(plan: Plan, ledger: Ledger, asked: Asked): ServerConfig {
  const { credentials, ...config } = common(plan, ledger, asked);
  return {
    ...config,
    groups: plan.retry ? [NamedGroup.secp256r1] : [NamedGroup.x25519, NamedGroup.secp256r1],
    clientCertificate: plan.clientCertificate,
    chooseCredentials: () => asked('chooseCredentials', () => credentials),
    ...(plan.alpn && { chooseProtocol: () => asked('chooseProtocol', () => protocol) }),
    ...(plan.external && {
      findPsk: (identity) => asked('findPsk', () => (equal(identity, external.identity) ? external : undefined)),
    }),
    ...(plan.early && { earlyData: { maxSize: 4000, replay: { admit: () => asked('admitEarlyData', () => true) } } }),
    ...(plan.tickets && {
      tickets: {
        seal: (state) => asked('sealTicket', () => keys.seal(state)),
        open: (ticket) =>
          asked('openTicket', () => {
            const state = keys.open(ticket);
            if (state !== undefined) ledger.secret(state.psk);
            return state;
          }),
      },
    }),
  };
}
