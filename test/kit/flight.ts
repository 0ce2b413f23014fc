import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { Opener } from '#opentls/record/opener';
import { ContentType, ExtensionType, HandshakeType } from '#opentls/wire/enums';
import { type ExtensionHome, type ExtensionValues, readExtensions } from '#opentls/wire/extensions';
import { type HandshakeMessage, parseMessage } from '#opentls/wire/messages';
import { recordsOf, suiteOf } from '../record/records.ts';
import { type Ends, newPair, shuttle } from './pair.ts';
import { provider } from './provider.ts';

/** A handshake, with the messages of both sides that were protected with handshake keys. */
export interface Flights extends Ends {
  readonly fromServer: readonly HandshakeMessage[];
  readonly fromClient: readonly HandshakeMessage[];
}

export function watch(client: Partial<ClientConfig> = {}, server: Partial<ServerConfig> = {}): Flights {
  const output = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const ends = shuttle(newPair({ keylog: true, ...client }, server), (from, slab) => {
    output[from].push(slab);
    return [slab];
  });
  const suite = suiteOf(provider, ends.client.facts?.suite.id ?? 0);
  const read = (label: string, slabs: readonly Uint8Array[]): HandshakeMessage[] => {
    const logged = ends.clientEvents.find((event) => event.type === 'secret' && event.label === label);
    if (logged?.type !== 'secret') throw new Error(`${label} was not logged`);
    const opener = new Opener(suite, new Secret('s hs traffic', logged.secret.slice()));
    // A record that does not open is protected with another key.
    const content = recordsOf(Buffer.concat(slabs)).flatMap((view) => {
      const opened = view.type === ContentType.application_data ? opener.tryOpen(view) : undefined;
      return opened?.type === ContentType.handshake ? [opened.bytes] : [];
    });
    return split(new Uint8Array(Buffer.concat(content)));
  };
  return {
    ...ends,
    fromServer: read('SERVER_HANDSHAKE_TRAFFIC_SECRET', output.server),
    fromClient: read('CLIENT_HANDSHAKE_TRAFFIC_SECRET', output.client),
  };
}

/** Returns the extensions of EncryptedExtensions, of CertificateRequest, or of the leaf in Certificate. */
export function extensionsOf<M extends 'EE' | 'CR' | 'CT'>(
  home: M,
  messages: readonly HandshakeMessage[],
): ExtensionValues[M] | undefined {
  for (const { type, body } of messages) {
    if (type !== homes[home]) continue;
    const list =
      'certificateList' in body ? body.certificateList[0]?.extensions : 'extensions' in body && body.extensions;
    if (list) return readExtensions(home, list);
  }
  return undefined;
}

/** What a client sends in its ClientHello. */
export function offered(config: Partial<ClientConfig>): ExtensionValues['CH'] {
  let values: ExtensionValues['CH'] = {};
  const shapeClientHello: ClientConfig['shapeClientHello'] = (hello) => {
    values = readExtensions('CH', hello.extensions);
    return hello;
  };
  shuttle(newPair({ ...config, shapeClientHello }));
  return values;
}

const homes = {
  EE: HandshakeType.encrypted_extensions,
  CR: HandshakeType.certificate_request,
  CT: HandshakeType.certificate,
} as const satisfies Partial<Record<ExtensionHome, number>>;

function split(content: Uint8Array): HandshakeMessage[] {
  const messages: HandshakeMessage[] = [];
  for (let offset = 0; offset < content.length; ) {
    const [, high = 0, middle = 0, low = 0] = content.subarray(offset);
    const end = offset + 4 + ((high << 16) | (middle << 8) | low);
    messages.push(parseMessage(content.subarray(offset, end)));
    offset = end;
  }
  return messages;
}

/** Makes an extension that a Connection would not send in that message, or not with these data. */
export function rawExtension(name: keyof typeof ExtensionType, ...data: readonly number[]) {
  return { type: ExtensionType[name], data: Uint8Array.from(data) };
}
