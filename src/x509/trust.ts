import { equal } from '../bytes/equal.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { context, DerReader, Tag } from './der.ts';
import { type DistinguishedName, parseName } from './names.ts';

export interface TrustStoreOptions {
  /** Accept an anchor that is not self-signed, as `allowPartialTrustChain` of node:tls. Default false. */
  readonly allowPartial?: boolean;
}

/**
 * Trust anchors by subject. Certificates are indexed when they are added and parsed when a path reaches them: a web
 * browser's set of roots is ready in milliseconds.
 */
export class TrustStore {
  readonly allowPartial: boolean;
  readonly #anchors = new Map<string, Anchor[]>();
  #size = 0;

  /** @throws DerError where one is no certificate at all */
  static from(anchors: Iterable<Uint8Array>, options: TrustStoreOptions = {}): TrustStore {
    return new TrustStore(anchors, options.allowPartial === true);
  }

  private constructor(anchors: Iterable<Uint8Array>, allowPartial: boolean) {
    this.allowPartial = allowPartial;
    for (const der of anchors) this.#add(der);
  }

  get size(): number {
    return this.#size;
  }

  /** Anchors of this name. */
  named(name: DistinguishedName): readonly Certificate[] {
    const found = this.#anchors.get(name.key) ?? [];
    return found.map((anchor) => anchor.certificate).filter((certificate) => certificate !== undefined);
  }

  /** Whether this very certificate is an anchor. */
  has(certificate: Certificate): boolean {
    const found = this.#anchors.get(certificate.subject.key) ?? [];
    return found.some((anchor) => equal(anchor.raw, certificate.raw));
  }

  #add(der: Uint8Array): void {
    const key = subjectOf(der).key;
    const known = this.#anchors.get(key) ?? [];
    if (known.some((anchor) => equal(anchor.raw, der))) return;
    this.#anchors.set(key, [...known, new Anchor(der)]);
    this.#size++;
  }
}

class Anchor {
  readonly raw: Uint8Array;
  #certificate: Certificate | undefined;
  #broken = false;

  constructor(raw: Uint8Array) {
    this.raw = raw;
  }

  /** Undefined for one that cannot be read: it then anchors nothing. */
  get certificate(): Certificate | undefined {
    if (this.#certificate === undefined && !this.#broken) {
      try {
        this.#certificate = parseCertificate(this.raw);
      } catch {
        this.#broken = true;
      }
    }
    return this.#certificate;
  }
}

/** The subject alone: a walk over the first fields, about a microsecond. */
function subjectOf(der: Uint8Array): DistinguishedName {
  const tbs = new DerReader(der).sequence().sequence();
  tbs.optional(context(0, 'constructed'));
  tbs.element(Tag.integer);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  return parseName(tbs.element(Tag.sequence).raw);
}
