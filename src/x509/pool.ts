import { type Certificate, parseCertificate } from './certificate.ts';
import { context, DerReader, Tag } from './der.ts';
import { type DistinguishedName, parseName } from './names.ts';

/**
 * Certificates by subject, parsed when a path reaches them: of ten thousand that a stranger sends, the search for a
 * path looks at few.
 */
export class CertificatePool {
  readonly #bySubject = new Map<string, LazyCertificate[]>();

  /** What cannot be read cannot be part of a path; that alone is no reason to refuse the others. */
  static from(chain: Iterable<Uint8Array>): CertificatePool {
    const pool = new CertificatePool();
    for (const der of chain) pool.add(der);
    return pool;
  }

  add(der: Uint8Array): void {
    const key = keyOf(der);
    if (key === undefined) return;
    const lazy = new LazyCertificate(() => parseCertificate(der));
    const known = this.#bySubject.get(key);
    if (known === undefined) this.#bySubject.set(key, [lazy]);
    else known.push(lazy);
  }

  named({ key }: DistinguishedName): readonly Certificate[] {
    return (this.#bySubject.get(key) ?? []).flatMap(({ certificate }) => certificate ?? []);
  }
}

/** A certificate that is read when it is asked for. */
export class LazyCertificate {
  readonly #read: () => Certificate;
  #certificate: Certificate | undefined;
  #broken = false;

  constructor(read: () => Certificate) {
    this.#read = read;
  }

  /** Undefined for one that cannot be read. */
  get certificate(): Certificate | undefined {
    if (this.#certificate === undefined && !this.#broken) {
      try {
        this.#certificate = this.#read();
      } catch {
        this.#broken = true;
      }
    }
    return this.#certificate;
  }
}

function keyOf(der: Uint8Array): string | undefined {
  try {
    return parseName(subjectOf(der)).key;
  } catch {
    return undefined;
  }
}

/** The subject alone, DER: a walk over the first fields. @throws DerError */
export function subjectOf(der: Uint8Array): Uint8Array {
  const tbs = new DerReader(der).sequence().sequence();
  tbs.optional(context(0, 'constructed'));
  tbs.element(Tag.integer);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  tbs.element(Tag.sequence);
  return tbs.element(Tag.sequence).raw;
}
