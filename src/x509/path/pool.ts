import { equal } from '../../bytes/equal.ts';
import { messageOf } from '../../errors.ts';
import { context, DerReader, Tag } from '../asn1/der.ts';
import { type Certificate, parseCertificate } from '../certificate/certificate.ts';
import { type DistinguishedName, parseName } from '../certificate/names.ts';

/** A certificate that could not be read, and is therefore in no path. */
export interface Unreadable {
  readonly which: string;
  readonly reason: string;
}

interface Entry {
  readonly which: string;
  readonly lazy: LazyCertificate;
  /** The answer of `isSelfIssued`, known before the certificate is read. */
  readonly selfIssued: boolean;
}

/**
 * Certificates by subject, parsed when a path reaches them: of ten thousand that a peer sends, the search for a
 * path looks at few.
 */
export class CertificatePool {
  readonly #bySubject = new Map<string, Entry[]>();
  readonly #nameless: Unreadable[] = [];

  /**
   * A certificate that cannot be read is in no path; the others are used all the same.
   * @param chain without the leaf
   */
  static from(chain: Iterable<Uint8Array>): CertificatePool {
    const pool = new CertificatePool();
    let place = 1;
    for (const der of chain) pool.add(der, `${++place} of the chain`);
    return pool;
  }

  /** @param which names the certificate in a refusal, where it cannot be read */
  add(der: Uint8Array, which: string): void {
    let key: string;
    let names: { readonly issuer: Uint8Array; readonly subject: Uint8Array };
    try {
      names = namesOf(der);
      key = parseName(names.subject).key;
    } catch (error) {
      this.#nameless.push({ which, reason: messageOf(error) });
      return;
    }
    const lazy = new LazyCertificate(() => parseCertificate(der));
    const entry = { which, lazy, selfIssued: equal(names.issuer, names.subject) };
    const known = this.#bySubject.get(key);
    if (known === undefined) this.#bySubject.set(key, [entry]);
    else known.push(entry);
  }

  named({ key }: DistinguishedName): readonly Certificate[] {
    return (this.#bySubject.get(key) ?? []).flatMap(({ lazy }) => lazy.certificate ?? []);
  }

  /** The self-issued certificates of {@link named}. Certificates of this name that are not self-issued stay unread. */
  selfIssued({ key }: DistinguishedName): readonly Certificate[] {
    const entries = this.#bySubject.get(key) ?? [];
    return entries.flatMap(({ selfIssued, lazy }) => (selfIssued ? (lazy.certificate ?? []) : []));
  }

  /** The certificates of this name that cannot be read. */
  unreadable({ key }: DistinguishedName): readonly Unreadable[] {
    const entries = this.#bySubject.get(key) ?? [];
    return entries.flatMap(({ which, lazy }) => (lazy.failure === undefined ? [] : [{ which, reason: lazy.failure }]));
  }

  /** The certificates whose name cannot be read. */
  get nameless(): readonly Unreadable[] {
    return this.#nameless;
  }
}

/** A certificate that is read when it is asked for. */
export class LazyCertificate {
  readonly #read: () => Certificate;
  #certificate: Certificate | undefined;
  #failure: string | undefined;

  constructor(read: () => Certificate) {
    this.#read = read;
  }

  /** The certificate; undefined where it cannot be read. */
  get certificate(): Certificate | undefined {
    if (this.#certificate === undefined && this.#failure === undefined) {
      try {
        this.#certificate = this.#read();
      } catch (error) {
        this.#failure = messageOf(error);
      }
    }
    return this.#certificate;
  }

  /** Why it cannot be read; undefined where it can, or was not asked for. */
  get failure(): string | undefined {
    return this.#failure;
  }
}

/** Issuer and subject alone, DER: a walk over the first fields. @throws DerError */
export function namesOf(der: Uint8Array): { readonly issuer: Uint8Array; readonly subject: Uint8Array } {
  const tbs = new DerReader(der).sequence().sequence();
  tbs.optional(context(0, 'constructed'));
  tbs.element(Tag.integer);
  tbs.element(Tag.sequence);
  const issuer = tbs.element(Tag.sequence).raw;
  tbs.element(Tag.sequence);
  return { issuer, subject: tbs.element(Tag.sequence).raw };
}
