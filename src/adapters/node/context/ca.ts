import { readFileSync } from 'node:fs';
import nodeTls from 'node:tls';
import { decodePem, encodePem, readPem } from '../../../x509/asn1/pem.ts';
import type { Unreadable } from '../../../x509/path/pool.ts';
import { TrustStore } from '../../../x509/path/trust.ts';
import type { CertificateInput } from '../options/context.ts';
import { codedError, invalidArgType, invalidArgValue } from '../support/errors.ts';

/** Which certificates {@link getCACertificates} lists. */
export type CACertificateType = 'default' | 'system' | 'bundled' | 'extra';

/** The roots that come with Node: PEM, frozen. */
export function rootCertificates(): readonly string[] {
  return nodeTls.rootCertificates;
}

/**
 * The trust anchors of a kind, PEM. 'system' needs a Node that reads the system's store.
 * @throws ERR_INVALID_ARG_VALUE; ERR_FEATURE_UNAVAILABLE_ON_PLATFORM
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
 * Replaces the anchors of contexts that are made without `ca` from here on.
 * @throws ERR_INVALID_ARG_TYPE
 */
export function setDefaultCACertificates(certificates: readonly CertificateInput[]): void {
  if (!Array.isArray(certificates)) throw invalidArgType('certs', 'an instance of Array', certificates);
  defaults.replace(certificates.flatMap((input, i) => certificatesOf(input, `certs[${i}]`)));
}

/** The default anchors as they are now, indexed at first use and shared. */
export function defaultTrust(): TrustStore {
  return defaults.trust();
}

/**
 * The certificates of one input, DER, in order; none where there is neither PEM nor DER in it.
 * @throws ERR_INVALID_ARG_TYPE; RangeError for a broken PEM block
 */
export function certificatesOf(input: unknown, name: string): Uint8Array[] {
  return blocksOf(input, name, certificateLabels);
}

/** The same of PEM blocks with any of these labels. */
export function blocksOf(input: unknown, name: string, labels: readonly string[]): Uint8Array[] {
  const content = contentOf(input, name);
  if (typeof content !== 'string') return [content];
  return decodePem(content)
    .filter(({ label }) => labels.includes(label))
    .map(({ der }) => der);
}

/** The anchors of `ca`, and the entries that cannot be read. */
export interface Anchors {
  readonly anchors: readonly Uint8Array[];
  readonly unread: readonly Unreadable[];
}

/**
 * The certificates of `ca`. A broken block is passed over, as OpenSSL does; unlike it, this reads what comes behind it in
 * the same text: whoever put it there meant it.
 * @throws ERR_INVALID_ARG_TYPE
 */
export function anchorsOf(ca: unknown, name: string): Anchors {
  const anchors: Uint8Array[] = [];
  const unread: Unreadable[] = [];
  for (const [i, input] of (Array.isArray(ca) ? ca : [ca]).entries()) {
    const where = Array.isArray(ca) ? `${name}[${i}]` : name;
    const content = contentOf(input, name);
    const blocks = typeof content === 'string' ? readPem(content) : [{ label: 'CERTIFICATE', der: content }];
    for (const [j, block] of blocks.entries()) {
      if (!certificateLabels.includes(block.label)) continue;
      if ('der' in block) anchors.push(block.der);
      else unread.push({ which: `in ${where}, PEM block ${j + 1}`, reason: `it ${block.problem}` });
    }
  }
  return { anchors, unread };
}

/** DER, or bytes that may hold PEM. */
function contentOf(input: unknown, name: string): Uint8Array | string {
  if (typeof input !== 'string' && !ArrayBuffer.isView(input)) {
    throw invalidArgType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', input);
  }
  const bytes = typeof input === 'string' ? undefined : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes?.[0] === SEQUENCE) return Uint8Array.from(bytes);
  return typeof input === 'string' ? input : (bytes?.toString('latin1') ?? '');
}

/** The one piece of state that outlives contexts; `setDefaultCACertificates` is defined by it. */
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

/** Node 22 and later know of the system's store and of NODE_EXTRA_CA_CERTS; before, the latter is read here. */
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

/** Node's lists have no newline at the end. */
function toPem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der).trimEnd();
}

const SEQUENCE = 0x30;
const certificateLabels: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE'];
