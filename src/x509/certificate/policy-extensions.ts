import { checkValue, context, DerError, type DerReader, Tag, toSmallInteger } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { whole } from './extensions.ts';

/** RFC 5280 §4.2.1.4 */
export const anyPolicy: typeof Oid.anyPolicy = Oid.anyPolicy;

/** PolicyInformation, RFC 5280 §4.2.1.4. */
export interface PolicyInformation {
  readonly policy: string;
  readonly qualifiers: readonly PolicyQualifier[];
}

export interface PolicyQualifier {
  /** id-qt-cps or id-qt-unotice, or one that the RFC does not define. */
  readonly oid: string;
  /** DER */
  readonly value: Uint8Array;
}

/** RFC 5280 §4.2.1.5 */
export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** RFC 5280 §4.2.1.11: after how many certificates each begins. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

export function parseCertificatePolicies(der: Uint8Array): readonly PolicyInformation[] {
  const policies = listOf(whole(der).sequence(), parsePolicyInformation);
  if (new Set(policies.map(({ policy }) => policy)).size < policies.length) throw new DerError('a policy comes twice');
  return policies;
}

/** Whether all qualifiers are of the two kinds that RFC 5280 defines. */
export function qualifiersAreKnown({ qualifiers }: PolicyInformation): boolean {
  return qualifiers.every(({ oid }) => knownQualifiers.has(oid));
}

/** anyPolicy may be mapped in neither direction: the path fails for it, not the parser (§6.1.4 (a)). */
export function parsePolicyMappings(der: Uint8Array): readonly PolicyMapping[] {
  return listOf(whole(der).sequence(), (reader) => {
    const mapping = { issuerDomainPolicy: reader.oid(), subjectDomainPolicy: reader.oid() };
    reader.end();
    return mapping;
  });
}

export function parsePolicyConstraints(der: Uint8Array): PolicyConstraints {
  const reader = whole(der).sequence();
  const count = (n: number): number | undefined => {
    const found = reader.optional(context(n, 'primitive'));
    return found && toSmallInteger(found.content);
  };
  const constraints = { requireExplicitPolicy: count(0), inhibitPolicyMapping: count(1) };
  reader.end();
  const empty = constraints.requireExplicitPolicy === undefined && constraints.inhibitPolicyMapping === undefined;
  if (empty) throw new DerError('empty policy constraints');
  return constraints;
}

/** RFC 5280 §4.2.1.14 */
export function parseInhibitAnyPolicy(der: Uint8Array): number {
  return whole(der).smallInteger();
}

function parsePolicyInformation(reader: DerReader): PolicyInformation {
  const policy = reader.oid();
  const list = reader.enterOptional(Tag.sequence);
  reader.end();
  const qualifiers = list === undefined ? [] : listOf(list, parseQualifier);
  const information = { policy, qualifiers };
  // RFC 5280 §4.2.1.4: with anyPolicy, qualifiers are limited to the two.
  if (policy === anyPolicy && !qualifiersAreKnown(information)) throw new DerError('a qualifier of anyPolicy');
  return information;
}

function parseQualifier(reader: DerReader): PolicyQualifier {
  const oid = reader.oid();
  const value = reader.element();
  checkValue(value);
  reader.end();
  return { oid, value: value.raw };
}

function listOf<T>(sequence: DerReader, parse: (reader: DerReader) => T): readonly T[] {
  const items: T[] = [];
  while (!sequence.done) items.push(parse(sequence.sequence()));
  if (items.length === 0) throw new DerError('an empty list of policies');
  return items;
}

const knownQualifiers: ReadonlySet<string> = new Set([Oid.cpsUri, Oid.userNotice]);
