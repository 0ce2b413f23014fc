import type { CryptoProvider } from '../../crypto/provider.ts';
import { ExtensionType } from '../../wire/enums.ts';
import { type Extension, type KeyShareEntry, readExtensions, writeExtensions } from '../../wire/extensions.ts';
import type { ClientHello } from '../../wire/messages.ts';

/** Whether a code point is reserved so that peers learn to ignore what they do not know (RFC 8701 §2). */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 0xff);
}

/** Adds reserved values wherever a ClientHello lists something, RFC 8701 §3.1: they differ from hello to hello. */
export function addGrease(provider: CryptoProvider, hello: ClientHello): ClientHello {
  const [suite, group, scheme, version, first, second, mode] = greaseValues(provider);
  const values = readExtensions('CH', hello.extensions);
  const { supported_groups = [], signature_algorithms = [], supported_versions = [], key_share = [] } = values;
  const share: KeyShareEntry = { group, keyExchange: new Uint8Array(1) };
  const replaced = writeExtensions('CH', {
    supported_groups: [group, ...supported_groups],
    signature_algorithms: [...signature_algorithms, scheme],
    supported_versions: [version, ...supported_versions],
    key_share: [share, ...key_share],
    ...(values.psk_key_exchange_modes && { psk_key_exchange_modes: [...values.psk_key_exchange_modes, mode & 0xff] }),
  });
  const extensions = hello.extensions.map((old) => replaced.find(({ type }) => type === old.type) ?? old);
  return {
    ...hello,
    cipherSuites: [suite, ...hello.cipherSuites],
    extensions: [
      { type: first, data: new Uint8Array(0) },
      ...extensions,
      { type: second === first ? second ^ 0x1010 : second, data: new Uint8Array(1) },
    ],
  };
}

/** A reserved extension for a NewSessionTicket or CertificateRequest, RFC 8701 §4.1. */
export function greaseExtension(provider: CryptoProvider): Extension {
  return { type: greaseValues(provider)[0], data: new Uint8Array(0) };
}

/** Shuffles extensions, so that peers do not rely on their order; pre_shared_key stays last (RFC 9846 §4.3). */
export function shuffle(provider: CryptoProvider, extensions: readonly Extension[]): readonly Extension[] {
  const shuffled = [...extensions];
  const random = new DataView(provider.random(4 * shuffled.length).buffer);
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.getUint32(4 * i) % (i + 1);
    const [a, b] = [shuffled[i], shuffled[j]];
    if (a !== undefined && b !== undefined) [shuffled[i], shuffled[j]] = [b, a];
  }
  const last = shuffled.filter(({ type }) => type === ExtensionType.pre_shared_key);
  return [...shuffled.filter(({ type }) => type !== ExtensionType.pre_shared_key), ...last];
}

type Seven = readonly [number, number, number, number, number, number, number];

/** One of 0x0a0a, 0x1a1a … 0xfafa for each place of two bytes. */
function greaseValues(provider: CryptoProvider): Seven {
  const pick = (byte: number): number => (byte & 0xf0) * 0x101 + 0x0a0a;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = provider.random(7);
  return [pick(a), pick(b), pick(c), pick(d), pick(e), pick(f), pskModes[g & 7] ?? 0x0b];
}

/** PskKeyExchangeModes reserved by RFC 8701 §2. */
const pskModes = [0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4] as const;
