import { readFileSync } from 'node:fs';
import nodeTls from 'node:tls';
import { decodePem, encodePem, readPem } from '../../../x509/asn1/pem.ts';
import type { Unreadable } from '../../../x509/path/pool.ts';
import { TrustStore } from '../../../x509/path/trust.ts';
import type { CertificateInput } from '../options/context.ts';
import { codedError, invalidArgType, invalidArgValue } from '../support/errors.ts';

/** Which certificates {@link getCACertificates} lists. */
export type CACertificateType = 'default' | 'system' | 'bundled' | 'extra';

/** The root certificates that come with Node: PEM, in a frozen array. */
export function rootCertificates(): readonly string[] {
  return nodeTls.rootCertificates;
}

/**
 * Lists trust anchors, PEM. For 'system', Node has to have `tls.getCACertificates()`.
 * @throws ERR_INVALID_ARG_VALUE; ERR_FEATURE_UNAVAILABLE_ON_PLATFORM for 'system' on an older Node
 */
export function getCACertificates(type: CACertificateType = 'default'): readonly string[] {
  switch (type) {
    case 'default':
      return defaults.pem();
    case 'bundled':
      return rootCertificates();
    case 'extra':
      return extraCertificates();
    case 'system':
      return systemCertificates();
    default:
      throw invalidArgValue('type', type);
  }
}

/**
 * Sets the trust anchors of contexts that are made without `ca` from now on.
 * @throws ERR_INVALID_ARG_TYPE
 */
export function setDefaultCACertificates(certificates: readonly CertificateInput[]): void {
  if (!Array.isArray(certificates)) throw invalidArgType('certs', 'an instance of Array', certificates);
  defaults.replace(certificates.flatMap((input, i) => certificatesOf(input, `certs[${i}]`)));
}

/** The trust store of contexts without `ca`, made at first use and shared by all of them. */
export function defaultTrust(): TrustStore {
  return defaults.trust();
}

/**
 * The certificates in one input, DER, in order; an empty list for text without PEM.
 * @throws ERR_INVALID_ARG_TYPE; RangeError for a broken PEM block
 */
export function certificatesOf(input: unknown, name: string): Uint8Array[] {
  return blocksOf(input, name, certificateLabels);
}

/** As {@link certificatesOf}, for PEM blocks with any of these labels. */
export function blocksOf(input: unknown, name: string, labels: readonly string[]): Uint8Array[] {
  const content = contentOf(input, name);
  if (typeof content !== 'string') return [content];
  return decodePem(content)
    .filter(({ label }) => labels.includes(label))
    .map(({ der }) => der);
}

/** The anchors of `ca`, and the PEM blocks that cannot be read. */
export interface Anchors {
  readonly anchors: readonly Uint8Array[];
  readonly unread: readonly Unreadable[];
}

/**
 * Reads `ca`. It passes over a broken PEM block, as OpenSSL does, but goes on with the next block of the same text, where
 * OpenSSL stops.
 * @throws ERR_INVALID_ARG_TYPE
 */
export function anchorsOf(ca: unknown, name: string): Anchors {
  const anchors: Uint8Array[] = [];
  const unread: Unreadable[] = [];
  for (const [i, input] of (Array.isArray(ca) ? ca : [ca]).entries()) {
    const where = Array.isArray(ca) ? `${name}[${i}]` : name;
    const content = contentOf(input, name);
    const blocks = typeof content === 'string' ? readPem(content) : [{ label: 'CERTIFICATE', der: content }];
    if (blocks.length === 0) unread.push({ which: `in ${where}`, reason: 'it holds no PEM block' });
    for (const [j, block] of blocks.entries()) {
      if (!certificateLabels.includes(block.label)) continue;
      if ('der' in block) anchors.push(block.der);
      else unread.push({ which: `in ${where}, PEM block ${j + 1}`, reason: `it ${block.problem}` });
    }
  }
  return { anchors, unread };
}

/** @returns bytes: DER; text: what may be PEM */
function contentOf(input: unknown, name: string): Uint8Array | string {
  if (typeof input !== 'string' && !ArrayBuffer.isView(input)) {
    throw invalidArgType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', input);
  }
  const bytes = typeof input === 'string' ? undefined : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes?.[0] === SEQUENCE) return Uint8Array.from(bytes);
  return typeof input === 'string' ? input : (bytes?.toString('latin1') ?? '');
}

/** The default trust anchors: state of the module, which `setDefaultCACertificates` has to change for all contexts. */
class DefaultCertificates {
  #replaced: readonly Uint8Array[] | undefined;
  #trust: TrustStore | undefined;

  replace(certificates: readonly Uint8Array[]): void {
    this.#replaced = certificates;
    this.#trust = undefined;
  }

  pem(): readonly string[] {
    if (this.#replaced === undefined) return Object.freeze([...initialCertificates()]);
    return Object.freeze(this.#replaced.map(toPem));
  }

  trust(): TrustStore {
    this.#trust ??= TrustStore.from(
      this.#replaced ?? initialCertificates().flatMap((pem) => certificatesOf(pem, 'default')),
    );
    return this.#trust;
  }
}

const defaults = new DefaultCertificates();

/** `tls.getCACertificates()` of newer Nodes includes the system's store and NODE_EXTRA_CA_CERTS; else this reads the latter. */
function initialCertificates(): readonly string[] {
  const list: unknown = Reflect.get(nodeTls, 'getCACertificates');
  if (typeof list === 'function') return list('default');
  return [...rootCertificates(), ...extraCertificates()];
}

function systemCertificates(): readonly string[] {
  const list: unknown = Reflect.get(nodeTls, 'getCACertificates');
  if (typeof list === 'function') return list('system');
  throw codedError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', 'this version of Node does not read the system store');
}

function extraCertificates(): readonly string[] {
  const path = process.env['NODE_EXTRA_CA_CERTS'];
  if (path === undefined || path === '') return [];
  try {
    return certificatesOf(readFileSync(path), 'NODE_EXTRA_CA_CERTS').map(toPem);
  } catch (cause) {
    process.emitWarning(`Ignoring extra certs from \`${path}\`: ${cause}`);
    return [];
  }
}

/** Without a newline at the end, like the PEM of Node's lists. */
function toPem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der).trimEnd();
}

const SEQUENCE = 0x30;
const certificateLabels: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE'];
