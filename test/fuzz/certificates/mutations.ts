import { authority, type Holder, serverLeaf } from '../../x509/made/chain.ts';
import {
  childrenOf,
  type Element,
  hex,
  putTogether,
  signedAgain,
  takeApart,
} from '../../x509/made/odd-certificates.ts';
import { mutate, type Numbers } from '../mutate.ts';

/** A chain with one certificate changed. */
export interface MutatedChain {
  /** DER, leaf first, the root with it. */
  readonly chain: readonly Uint8Array[];
  readonly changed: 'leaf' | 'intermediate' | 'root';
}

const everything = [
  { oid: '1.3.6.1.5.5.7.1.1', critical: false, value: hex('3010 300e 06082b06010505073001 8602613a') },
  { oid: '2.5.29.31', critical: false, value: hex('300a 3008 a006 a004 8602613a') },
  { oid: '2.5.29.32', critical: false, value: hex('3006 3004 06022a03') },
  { oid: '2.5.29.18', critical: false, value: hex('3003 820161') },
  { oid: '1.3.6.1.5.5.7.1.24', critical: false, value: hex('3003 020105') },
];

export const root: Holder = authority('root', undefined, { extensions: everything });
const intermediate: Holder = authority('intermediate', root, { extensions: everything });
export const leaf: Holder = serverLeaf(intermediate, {
  subject: [
    { type: 'C', value: 'DE' },
    { type: 'O', value: 'Ünicode' },
    { type: 'CN', value: 'localhost' },
  ],
  subjectAltNames: {
    dns: ['localhost', 'a.example'],
    ip: ['127.0.0.1', '2001:db8::1'],
    email: ['me@a.example'],
    uri: ['https://a.example/'],
  },
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
  extensions: everything,
});

const members = [
  { changed: 'leaf', holder: leaf, issuer: intermediate },
  { changed: 'intermediate', holder: intermediate, issuer: root },
  { changed: 'root', holder: root, issuer: root },
] as const;

/** Half of them keep their structure, and three of four their signature: so they come as far as those who read them. */
export function mutatedChain(number: Numbers): MutatedChain {
  // The leaf is read by most.
  const at = number(5) < 3 ? 0 : 1 + number(2);
  const { changed, holder, issuer } = members[at] ?? members[0];
  const [tbs, algorithm] = childrenOf(takeApart(holder.der));
  if (tbs === undefined || algorithm === undefined) throw new TypeError('not a certificate');
  const change = (der: Uint8Array): Uint8Array => mutate(der, root.der, number);
  const body = number(2) === 0 ? change(putTogether(tbs)) : putTogether(withChange(tbs, number, change));
  const der = number(4) === 0 ? change(holder.der) : signedAgain(body, putTogether(algorithm), issuer);
  return { chain: members.map((member, i) => (i === at ? der : member.holder.der)), changed };
}

/** One element somewhere in it changed, and all lengths right. */
function withChange(node: Element, number: Numbers, change: (der: Uint8Array) => Uint8Array): Element {
  if ('raw' in node) return node;
  if ('children' in node) {
    if (node.children.length === 0 || number(12) === 0) return { raw: change(putTogether(node)) };
    const at = number(node.children.length);
    return {
      ...node,
      children: node.children.map((child, i) => (i === at ? withChange(child, number, change) : child)),
    };
  }
  const { tag, content } = node;
  // What an OCTET STRING holds of DER is as good a place.
  if (tag === 0x04 && content[0] === 0x30 && number(8) > 0) {
    return { tag, content: putTogether(withChange(takeApart(content), number, change)) };
  }
  return number(4) === 0 ? { raw: change(putTogether(node)) } : { tag, content: change(content) };
}
