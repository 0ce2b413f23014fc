import { equal } from '../bytes/equal.ts';
import { anchorCertificate, anchorId, type TrustAnchor } from './anchor.ts';
import type { Certificate } from './certificate.ts';
import { context, DerReader, Tag } from './der.ts';
import { type DistinguishedName, parseName } from './names.ts';

export interface TrustStoreOptions {
  /** Accept an anchor that is not self-signed, as `allowPartialTrustChain` of node:tls. Default false. */
  readonly allowPartial?: boolean;
  /** Certificates, DER, that no path may go through, whoever vouches for them. Default none. */
  readonly distrusted?: Iterable<Uint8Array>;
}

/**
 * Trust anchors by subject. Certificates are indexed when they are added and parsed when a path reaches them: a web
 * browser's set of roots is ready in milliseconds.
 */
export class TrustStore {
  readonly allowPartial: boolean;
  readonly #anchors = new Map<string, Anchor[]>();
  readonly #distrusted: readonly Uint8Array[];
  #size = 0;

  /** @throws DerError where one is no certificate, or no name, at all */
  static from(anchors: Iterable<TrustAnchor>, options: TrustStoreOptions = {}): TrustStore {
    return new TrustStore(anchors, options);
  }

  private constructor(anchors: Iterable<TrustAnchor>, { allowPartial = false, distrusted = [] }: TrustStoreOptions) {
    this.allowPartial = allowPartial;
    this.#distrusted = [...distrusted];
    for (const anchor of anchors) this.#add(anchor);
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
    return found.some((anchor) => equal(anchor.id, certificate.raw));
  }

  distrusts(certificate: Certificate): boolean {
    return this.#distrusted.some((raw) => equal(raw, certificate.raw));
  }

  #add(anchor: TrustAnchor): void {
    const { key } = subjectOf(anchor);
    const known = this.#anchors.get(key) ?? [];
    if (known.some(({ id }) => equal(id, anchorId(anchor)))) return;
    this.#anchors.set(key, [...known, new Anchor(anchor)]);
    this.#size++;
  }
}

class Anchor {
  readonly #given: TrustAnchor;
  #certificate: Certificate | undefined;
  #broken = false;

  constructor(given: TrustAnchor) {
    this.#given = given;
  }

  get id(): Uint8Array {
    return anchorId(this.#given);
  }

  /** Undefined for one that cannot be read: it then anchors nothing. */
  get certificate(): Certificate | undefined {
    if (this.#certificate === undefined && !this.#broken) {
      try {
        this.#certificate = anchorCertificate(this.#given);
      } catch {
        this.#broken = true;
      }
    }
    return this.#certificate;
  }
}

/** Of a certificate, the subject alone: a walk over the first fields, about a microsecond. */
function subjectOf(anchor: TrustAnchor): DistinguishedName {
  if (!(anchor instanceof Uint8Array) && 'spki' in anchor) return parseName(anchor.subject);
  const tbs = new DerReader(anchorId(anchor)).sequence().sequence();
  tbs.optional(context(0, 'constructed'));
  tbs.element(Tag.integer);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  return parseName(tbs.element(Tag.sequence).raw);
}
