import { type CertificateCompressionInput, certificateCompression, type EngineOptions } from 'opentls';
import { Secret } from '#opentls/crypto/secret';
import type { ExternalPsk } from '#opentls/keys/importer';
import { StrikeRegister } from '#opentls/session/replay';
import type { ExternalKey, Role, Settings } from '../types.ts';
import type { Compressions } from './subject.ts';

/** Options that JSON cannot carry, or that `node:tls` has no name for: those of `engine` are opentls's alone. */
export function featureOptions(role: Role, settings: Settings, seen: Compressions): object {
  const { session, earlyData, ticketKeys, psk, compressions } = settings;
  return {
    ...(role === 'client' && session !== undefined && { session: Buffer.from(session, 'base64') }),
    ...(role === 'client' && earlyData !== undefined && { earlyData: Buffer.from(earlyData) }),
    ...(ticketKeys !== undefined && { ticketKeys: Buffer.from(ticketKeys, 'hex') }),
    ...(psk?.hash === 'sha256' && { pskCallback: pskCallback(role, psk) }),
    ...(settings.requireStaple && { verification: { revocation: { mode: 'hard' } } }),
    ...(compressions && { certificateCompression: compressions.map((name) => counting(name, seen)) }),
    engine: engineOptions(role, settings),
  };
}

/** The algorithm of opentls, with a record of its use; its name where this Node has none of it. */
function counting(name: 'zlib' | 'brotli' | 'zstd', seen: Compressions): CertificateCompressionInput {
  const algorithm = certificateCompression[name];
  const { compress, decompress } = algorithm ?? {};
  if (algorithm === undefined || compress === undefined || decompress === undefined) return name;
  return {
    id: algorithm.id,
    compress: (message) => {
      seen.compressed.push(name);
      return compress(message);
    },
    decompress: (compressed, length) => {
      seen.decompressed.push(name);
      return decompress(compressed, length);
    },
  };
}

function pskCallback(role: Role, { identity, key }: ExternalKey): (socket: unknown, identity: string) => object | null {
  const psk = Buffer.from(key, 'hex');
  if (role === 'client') return () => ({ psk, identity });
  return (_socket, asked) => (asked === identity ? psk : null);
}

function engineOptions(role: Role, settings: Settings): EngineOptions {
  const { pskOnly, psk, ticketCount, maxFragmentLength, recordSizeLimit, postHandshakeAuth, takesEarlyData } = settings;
  return {
    ...(role === 'client' && settings.timestamps !== undefined && { requestTimestamps: true }),
    ...(pskOnly && { pskModes: ['psk_ke'] as const }),
    ...(psk?.hash === 'sha384' && pskOptions(role, externalPsk(psk))),
    ...(role === 'client' && maxFragmentLength !== undefined && { maxFragmentLength }),
    ...(recordSizeLimit !== undefined && { recordSizeLimit }),
    ...(role === 'client' && postHandshakeAuth && { postHandshakeAuth }),
    ...(role === 'server' && ticketCount !== undefined && { ticketCount }),
    ...(role === 'server' &&
      takesEarlyData && { earlyData: { maxSize: 16_384, replay: new StrikeRegister({}, Number.NEGATIVE_INFINITY) } }),
  };
}

/** `pskCallback` is for SHA-256 alone. */
function pskOptions(role: Role, psk: ExternalPsk): EngineOptions {
  if (role === 'client') return { externalPsks: [psk] };
  return { findPsk: (identity) => (Buffer.compare(identity, psk.identity) === 0 ? psk : undefined) };
}

export function externalPsk({ identity, key, hash }: ExternalKey): ExternalPsk {
  return { identity: Buffer.from(identity), secret: new Secret('psk', Buffer.from(key, 'hex')), hash };
}
