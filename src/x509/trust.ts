import { equal } from '../bytes/equal.ts';
import { anchorCertificate, anchorId, type TrustAnchor } from './anchor.ts';
import type { Certificate } from './certificate.ts';
import { type DistinguishedName, parseName } from './names.ts';
import { LazyCertificate, subjectOf } from './pool.ts';

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

  /** Anchors of this name; one that cannot be read anchors nothing. */
  named({ key }: DistinguishedName): readonly Certificate[] {
    return (this.#anchors.get(key) ?? []).flatMap(({ certificate }) => certificate ?? []);
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
    const { key } = nameOf(anchor);
    const known = this.#anchors.get(key) ?? [];
    if (known.some(({ id }) => equal(id, anchorId(anchor)))) return;
    this.#anchors.set(key, [...known, new Anchor(anchor)]);
    this.#size++;
  }
}

class Anchor extends LazyCertificate {
  readonly id: Uint8Array;

  constructor(given: TrustAnchor) {
    super(() => anchorCertificate(given));
    this.id = anchorId(given);
  }
}

function nameOf(anchor: TrustAnchor): DistinguishedName {
  if (anchor instanceof Uint8Array) return subjectOf(anchor);
  return 'spki' in anchor ? parseName(anchor.subject) : subjectOf(anchor.certificate);
}
