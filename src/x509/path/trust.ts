import { equal } from '../../bytes/equal.ts';
import { messageOf, misuse } from '../../errors.ts';
import { derBytes, flag, object, ownDer, type Rules, settle, wrong } from '../../options.ts';
import { DerError } from '../asn1/der.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { type DistinguishedName, latin1, nameText, parseName } from '../certificate/names.ts';
import { anchorCertificate, anchorId, type CertificateAnchor, type KeyAnchor, type TrustAnchor } from './anchor.ts';
import { LazyCertificate, namesOf, type Unreadable } from './pool.ts';

/** Options of {@link TrustStore}. */
export interface TrustStoreOptions {
  /** Accept an anchor that is not self-signed, as `allowPartialTrustChain` of node:tls. Default false. */
  readonly allowPartial?: boolean;
  /** Certificates, DER, that no path may go through. Default none. */
  readonly distrusted?: Iterable<Uint8Array>;
  /**
   * What was to be an anchor and could not even be decoded, as a broken block of a PEM file: a refusal names it among
   * what was passed over. Default none.
   */
  readonly unread?: Iterable<Unreadable>;
}

/**
 * Trust anchors by subject. A certificate is looked at when it is added, indexed by name when the first path is
 * sought, and parsed when a path reaches it: a web browser's set of roots is ready in milliseconds.
 */
export class TrustStore {
  readonly allowPartial: boolean;
  /** The anchors by the bytes of their subject. */
  readonly #anchors = new Map<string, Anchor[]>();
  /** The anchors by the key of their subject: names that are equal by RFC 5280 §7.1 have the same key. */
  #index: ReadonlyMap<string, readonly Anchor[]> | undefined;
  readonly #distrusted: readonly Uint8Array[];
  /** The anchors in which no name can be found. */
  readonly #unread: Unreadable[];
  #size = 0;

  /**
   * What cannot be read anchors nothing, and is no reason to do without the others: a refusal says that it was there.
   * @throws TlsError ERR_TLS_CONFIG for what is of no form of an anchor, and for a wrong option
   *
   * @example
   * ```js
   * import { decodePem, TrustStore } from 'opentls/x509';
   *
   * const trust = TrustStore.from(decodePem(cert).map(({ der }) => der));
   * ```
   */
  static from(anchors: Iterable<TrustAnchor>, options: TrustStoreOptions = {}): TrustStore {
    return new TrustStore(anchors, options);
  }

  private constructor(anchors: Iterable<TrustAnchor>, options: TrustStoreOptions) {
    const settled = settle<TrustStoreOptions>(options, trustRules, 'TrustStore');
    const { allowPartial = false, distrusted = [], unread = [] } = settled;
    this.allowPartial = allowPartial;
    this.#distrusted = [...distrusted];
    this.#unread = [...unread];
    checkList(anchors);
    let place = 0;
    for (const anchor of anchors) this.#take(checkAnchor(anchor, `anchors[${place}]`), ++place);
  }

  /** The number of anchors, each counted once; bytes that are no certificate are not counted. */
  get size(): number {
    return this.#size;
  }

  /** The anchors of this name. An anchor that cannot be read is in {@link unreadable} instead. */
  named({ key }: DistinguishedName): readonly Certificate[] {
    // Certificates without an issuer's name are not issued by an anchor without a name.
    if (key === '') return [];
    return this.#withKey(key).flatMap(({ certificate }) => certificate ?? []);
  }

  /** The anchors of this name that cannot be read. */
  unreadable({ key }: DistinguishedName): readonly Unreadable[] {
    const anchors = key === '' ? [] : this.#withKey(key);
    return anchors.flatMap(({ subject, failure }) =>
      failure === undefined ? [] : [{ which: nameText(parseName(subject)), reason: failure }],
    );
  }

  /** The anchors whose name cannot be read: no path leads to them. */
  get nameless(): readonly Unreadable[] {
    const nameless = this.#withKey('').flatMap(({ nameFailure }) =>
      nameFailure === undefined ? [] : [{ which: 'of a name that cannot be read', reason: nameFailure }],
    );
    return [...this.#unread, ...nameless];
  }

  /** Whether this very certificate is an anchor. */
  has(certificate: Certificate): boolean {
    const found = this.#anchors.get(latin1(certificate.subject.raw)) ?? [];
    return found.some(({ id }) => equal(id, certificate.raw));
  }

  /** Whether `distrusted` lists this certificate. */
  distrusts(certificate: Certificate): boolean {
    return this.#distrusted.some((raw) => equal(raw, certificate.raw));
  }

  #withKey(key: string): readonly Anchor[] {
    this.#index ??= indexByKey([...this.#anchors.values()].flat());
    return this.#index.get(key) ?? [];
  }

  #take(given: TrustAnchor, place: number): void {
    let anchor: Anchor;
    try {
      anchor = new Anchor(given);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      this.#unread.push({ which: `${place} of those given`, reason: messageOf(error) });
      return;
    }
    this.#add(anchor);
  }

  #add(anchor: Anchor): void {
    const subject = latin1(anchor.subject);
    const known = this.#anchors.get(subject) ?? [];
    if (known.some(({ id }) => equal(id, anchor.id))) return;
    this.#anchors.set(subject, [...known, anchor]);
    this.#size++;
  }
}

class Anchor extends LazyCertificate {
  readonly id: Uint8Array;
  /** DER */
  readonly subject: Uint8Array;

  constructor(given: TrustAnchor) {
    super(() => anchorCertificate(given));
    this.id = anchorId(given);
    this.subject = given instanceof Uint8Array || !('spki' in given) ? namesOf(this.id).subject : given.subject;
  }

  /** No name has the empty key: an anchor whose own cannot be read is found by none. */
  get key(): string {
    return this.#name.key;
  }

  get nameFailure(): string | undefined {
    return this.#name.failure;
  }

  get #name(): { readonly key: string; readonly failure?: string } {
    try {
      return { key: parseName(this.subject).key };
    } catch (error) {
      return { key: '', failure: messageOf(error) };
    }
  }
}

const trustRules: Rules<TrustStoreOptions> = { allowPartial: flag, distrusted: object, unread: object };

function checkAnchor(given: TrustAnchor, name: string): TrustAnchor {
  if (typeof given === 'string') return derBytes(given, name);
  if (given instanceof Uint8Array) return ownDer(given, name);
  const { certificate, subject, spki } = object<Partial<CertificateAnchor & KeyAnchor>>(given, name);
  const parts: readonly unknown[] = spki === undefined ? [certificate] : [subject, spki];
  if (parts.every((part) => part instanceof Uint8Array)) return given;
  return misuse('ERR_TLS_CONFIG', `${name} must be a certificate, DER, or hold one, or a subject and its spki`);
}

function indexByKey(anchors: readonly Anchor[]): ReadonlyMap<string, readonly Anchor[]> {
  const index = new Map<string, Anchor[]>();
  for (const anchor of anchors) {
    const { key } = anchor;
    const known = index.get(key);
    if (known === undefined) index.set(key, [anchor]);
    else known.push(anchor);
  }
  return index;
}

/** A text or bytes are iterable, too: of characters or numbers, which are no anchors. */
function checkList(anchors: unknown): void {
  const list = typeof anchors === 'object' && anchors !== null && Symbol.iterator in anchors;
  if (list && !(anchors instanceof Uint8Array)) return;
  wrong('TrustStore.from: anchors', 'a list of certificates, each as DER bytes, or of other anchors', anchors);
}
