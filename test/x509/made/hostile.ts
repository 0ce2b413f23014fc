import { Tag } from '#opentls/x509/asn1/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/asn1/der-write';
import { authority, type Holder, serverLeaf } from './chain.ts';

/** A chain that costs whoever verifies it, and whom it may be verified against. */
export interface HostileChain {
  /** Leaf first. */
  readonly sent: readonly Uint8Array[];
  readonly root: Holder;
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const text = (tag: number, value: string): Uint8Array => element(tag, new TextEncoder().encode(value));
const commonName = (value: string): Uint8Array =>
  element(Tag.sequence, element(Tag.set, element(Tag.sequence, bytes('0603550403'), text(Tag.utf8String, value))));

const ecdsaWithSha256 = bytes('300a06082a8648ce3d040302');
const validity = element(Tag.sequence, text(Tag.utcTime, '200101000000Z'), text(Tag.utcTime, '491231235959Z'));
/** basicConstraints, CA. */
const caExtensions = element(0xa3, element(Tag.sequence, bytes('300f0603551d130101ff040530030101ff')));

/** A hundred CAs, each certified by each: ten thousand edges, none of which comes from the root. */
export function mesh(): HostileChain {
  const edges = Array.from({ length: 10_000 }, (_, edge) => {
    const to = edge % 100;
    return forge(`ca ${Math.floor(edge / 100)}`, `ca ${to}`, edge, keyOf(to));
  });
  return { sent: [serverLeaf(authority('ca 0')).der, ...edges], root: authority('root') };
}

/** A hundred issuers of one name with a key each, all as if from the root. */
export function namesakes(): HostileChain {
  const issuers = Array.from({ length: 100 }, (_, n) => forge('root', 'ca', n, keyOf(n)));
  return { sent: [serverLeaf(authority('ca')).der, ...issuers], root: authority('root') };
}

/** An intermediate that excludes 500 names, and a leaf that has as many as are wanted: the product is compared. */
export function constrained(names: number): HostileChain {
  const root = authority('root');
  const dns = (count: number, letter: string): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => text(0x82, `${letter}${n}.test`));
  const subtrees = dns(500, 'x').map((name) => element(Tag.sequence, name));
  const value = element(Tag.sequence, element(0xa1, ...subtrees));
  const middle = authority('middle', root, { extensions: [{ oid: '2.5.29.30', critical: true, value }] });
  const leaf = serverLeaf(middle, {
    subjectAltNames: {},
    extensions: [{ oid: '2.5.29.17', critical: false, value: element(Tag.sequence, ...dns(names, 'n')) }],
  });
  return { sent: [leaf.der, middle.der], root };
}

/**
 * Eight levels of two CAs each, of one name but of two keys, so that there are 256 paths; each CA has this many
 * policies, each mapped to itself.
 */
export function policyTwins(policies: number): HostileChain {
  const root = authority('root');
  const oids = Array.from({ length: policies }, (_, n) => element(Tag.oid, Uint8Array.of(42, n >> 7, n & 127)));
  const mappings = oids.map((oid) => element(Tag.sequence, oid, oid));
  const list = oids.map((oid) => element(Tag.sequence, oid));
  const extensions = [
    { oid: '2.5.29.32', critical: false, value: element(Tag.sequence, ...list) },
    { oid: '2.5.29.33', critical: true, value: element(Tag.sequence, ...mappings) },
  ];
  const sent: Uint8Array[] = [];
  let issuer = root;
  for (let level = 0; level < 8; level++) {
    const [first, second] = [0, 1].map(() => authority(`ca ${level}`, issuer, { extensions }));
    if (first === undefined || second === undefined) break;
    sent.unshift(first.der, second.der);
    issuer = first;
  }
  return { sent: [serverLeaf(issuer).der, ...sent], root };
}

/** A CA certificate that nobody signed: made by hand, ten thousand in a moment. */
function forge(issuer: string, subject: string, serial: number, spki: Uint8Array): Uint8Array {
  const tbs = element(
    Tag.sequence,
    bytes('a003020102'),
    unsignedInteger(Uint8Array.of(1, serial >> 8, serial & 255)),
    ecdsaWithSha256,
    commonName(issuer),
    validity,
    commonName(subject),
    spki,
    caExtensions,
  );
  return element(Tag.sequence, tbs, ecdsaWithSha256, wholeBits(bytes('3006020101020101')));
}

/** SubjectPublicKeyInfo of P-256 with some point: nobody looks. */
function keyOf(n: number): Uint8Array {
  const point = new Uint8Array(65).fill(n & 255);
  point[0] = 4;
  point[64] = n >> 8;
  return element(Tag.sequence, bytes('301306072a8648ce3d020106082a8648ce3d030107'), wholeBits(point));
}
