import { concat } from '#opentls/bytes/concat';
import { Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import type { Holder } from './chain.ts';

/** One element of DER, taken apart: what a test changes before it is put together again. */
export type Element = Branch | Twig;

interface Branch {
  readonly tag: number;
  readonly children: readonly Element[];
}

/** Its contents; or the whole of it as `raw`, however wrong. */
type Twig = { readonly tag: number; readonly content: Uint8Array } | { readonly raw: Uint8Array };

/** Positions in TBSCertificate of version 3, RFC 5280 §4.1. */
export const Field = {
  version: 0,
  serial: 1,
  algorithm: 2,
  issuer: 3,
  validity: 4,
  subject: 5,
  spki: 6,
  extensions: 7,
} as const;

/**
 * A certificate with its signed part changed, and signed again by its issuer: it is odd, and its signature good.
 * @param outer the AlgorithmIdentifier outside, where it is to be another
 */
export function reissue(
  certificate: Uint8Array,
  issuer: Holder,
  change: (tbs: readonly Element[]) => readonly Element[],
  outer: (algorithm: Element) => Element = (algorithm) => algorithm,
): Uint8Array {
  const [tbs, algorithm] = childrenOf(takeApart(certificate));
  if (tbs === undefined || algorithm === undefined) throw new TypeError('not a certificate');
  const body = putTogether({ tag: Tag.sequence, children: change(childrenOf(tbs)) });
  return signedAgain(body, putTogether(outer(algorithm)), issuer);
}

/** @param tbs what is signed, whatever it is @param algorithm AlgorithmIdentifier, DER */
export function signedAgain(tbs: Uint8Array, algorithm: Uint8Array, issuer: Holder): Uint8Array {
  const [scheme] = issuer.signer.schemes;
  const signature = issuer.signer.sign(scheme ?? 0, tbs);
  if (!(signature instanceof Uint8Array)) throw new TypeError('the signer signs at once');
  return element(Tag.sequence, tbs, algorithm, element(Tag.bitString, Uint8Array.of(0), signature));
}

/** Replaces one field. */
export function withField(
  at: number,
  change: (field: Element) => Element,
): (tbs: readonly Element[]) => readonly Element[] {
  return (tbs) => tbs.map((field, i) => (i === at ? change(field) : field));
}

/** Replaces the value of an extension, or adds it. @param value what its OCTET STRING holds */
export function withExtension(
  oid: string,
  value: Uint8Array,
  critical: 'critical' | 'not critical' = 'not critical',
): (tbs: readonly Element[]) => readonly Element[] {
  const id = encodeOid(oid);
  const extension = leaf(
    element(
      Tag.sequence,
      id,
      critical === 'critical' ? Uint8Array.of(1, 1, 0xff) : new Uint8Array(0),
      element(Tag.octetString, value),
    ),
  );
  return withField(Field.extensions, (wrapper) => {
    const [list] = childrenOf(wrapper);
    const others = childrenOf(list ?? wrapper).filter((item) => !startsWith(childrenOf(item)[0], id));
    return { tag: 0xa3, children: [{ tag: Tag.sequence, children: [...others, extension] }] };
  });
}

export function leaf(raw: Uint8Array): Element {
  return { raw };
}

export function childrenOf(node: Element): readonly Element[] {
  return 'children' in node ? node.children : [];
}

export function takeApart(der: Uint8Array): Element {
  const { tag, start, end } = header(der, 0);
  if ((tag & 0x20) === 0) return { tag, content: der.subarray(start, end) };
  const children: Element[] = [];
  for (let at = start; at < end; ) {
    const next = header(der, at).end;
    children.push(takeApart(der.subarray(at, next)));
    at = next;
  }
  return { tag, children };
}

export function putTogether(node: Element): Uint8Array {
  if ('raw' in node) return node.raw;
  if ('content' in node) return element(node.tag, node.content);
  return element(node.tag, ...node.children.map(putTogether));
}

export function encodeOid(oid: string): Uint8Array {
  const [first = 0, second = 0, ...others] = oid.split('.').map(Number);
  const bytes = [40 * first + second, ...others].flatMap((arc) => {
    const septets = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) septets.unshift(128 + (rest % 128));
    return septets;
  });
  return element(Tag.oid, Uint8Array.from(bytes));
}

function startsWith(node: Element | undefined, raw: Uint8Array): boolean {
  return node !== undefined && Buffer.compare(putTogether(node), raw) === 0;
}

function header(der: Uint8Array, at: number): { readonly tag: number; readonly start: number; readonly end: number } {
  const [tag = 0, first = 0] = der.subarray(at);
  const count = first < 0x80 ? 0 : first & 0x7f;
  let length = count === 0 ? first : 0;
  for (const byte of der.subarray(at + 2, at + 2 + count)) length = length * 256 + byte;
  const start = at + 2 + count;
  return { tag, start, end: start + length };
}

/** Joins what a test writes as hexadecimal. */
export function hex(...parts: readonly string[]): Uint8Array {
  return concat(parts.map((part) => Uint8Array.from(Buffer.from(part.replaceAll(' ', ''), 'hex'))));
}
