import { Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { authority, type Holder, serverLeaf } from './chain.ts';
import {
  childrenOf,
  type Element,
  encodeOid,
  Field,
  hex,
  leaf,
  putTogether,
  reissue,
  withExtension,
  withField,
} from './odd-certificates.ts';

/** A leaf of which something is odd: its signature is good, and its key. */
export interface OddLeaf {
  readonly name: string;
  readonly der: Uint8Array;
  /** Which extension it is. */
  readonly field?: string;
}

export const root: Holder = authority('root');
export const plain: Holder = serverLeaf(root, {
  subject: 'localhost',
  subjectAltNames: { dns: ['localhost'], ip: ['127.0.0.1'] },
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
});

const make = (
  change: (tbs: readonly Element[]) => readonly Element[],
  outer?: (algorithm: Element) => Element,
): Uint8Array => reissue(plain.der, root, change, outer);

const garbage = hex('0403ffffff');
const names = (...list: readonly Uint8Array[]): Uint8Array => element(Tag.sequence, ...list);
const localhost = element(0x82, Buffer.from('localhost'));

/** Values of extensions that their readers refuse, or may. */
const extensions: readonly (readonly [name: string, oid: string, value: Uint8Array])[] = [
  ['an empty subjectAltName', ExtensionOid.subjectAltName, hex('3000')],
  ['a dNSName with a byte over 0x7f', ExtensionOid.subjectAltName, names(localhost, element(0x82, hex('61ff62')))],
  ['an iPAddress of 5 bytes', ExtensionOid.subjectAltName, names(localhost, element(0x87, hex('7f00000101')))],
  ['a directoryName that is none', ExtensionOid.subjectAltName, names(localhost, hex('a4020500'))],
  ['a registeredID that is none', ExtensionOid.subjectAltName, names(localhost, hex('880180'))],
  ['a name of no known form', ExtensionOid.subjectAltName, names(localhost, hex('8900'))],
  ['a subjectAltName that is no list', ExtensionOid.subjectAltName, garbage],
  ['a subjectAltName with bytes after it', ExtensionOid.subjectAltName, Buffer.concat([names(localhost), hex('0500')])],
  ['an unreadable authorityInfoAccess', ExtensionOid.authorityInfoAccess, garbage],
  ['an unreadable extKeyUsage', ExtensionOid.extKeyUsage, garbage],
  ['an empty extKeyUsage', ExtensionOid.extKeyUsage, hex('3000')],
  ['an unreadable basicConstraints', ExtensionOid.basicConstraints, garbage],
  ['basicConstraints with a BOOLEAN of BER', ExtensionOid.basicConstraints, hex('3003010101')],
  ['an unreadable keyUsage', ExtensionOid.keyUsage, garbage],
  ['a keyUsage without any usage', ExtensionOid.keyUsage, hex('03020000')],
  ['a keyUsage without digitalSignature', ExtensionOid.keyUsage, hex('03020520')],
  ['an unreadable subjectKeyIdentifier', ExtensionOid.subjectKeyIdentifier, hex('3000')],
  ['an unreadable authorityKeyIdentifier', ExtensionOid.authorityKeyIdentifier, garbage],
  ['unreadable nameConstraints', ExtensionOid.nameConstraints, garbage],
  ['unreadable certificatePolicies', ExtensionOid.certificatePolicies, garbage],
  ['unreadable crlDistributionPoints', ExtensionOid.crlDistributionPoints, garbage],
  ['an unreadable issuerAltName', ExtensionOid.issuerAltName, garbage],
  ['an unreadable TLS feature', ExtensionOid.tlsFeature, garbage],
  ['unreadable timestamps', ExtensionOid.sctList, hex('3000')],
];

const commonName = (value: Uint8Array): Uint8Array =>
  element(Tag.sequence, element(Tag.set, element(Tag.sequence, encodeOid('2.5.4.3'), value)));
const subject = (value: Uint8Array): Uint8Array => make(withField(Field.subject, () => leaf(commonName(value))));
const time = (tag: number, text: string): Uint8Array =>
  make(
    withField(Field.validity, (validity) => {
      const [from = validity] = childrenOf(validity);
      return { tag: Tag.sequence, children: [from, leaf(element(tag, Buffer.from(text)))] };
    }),
  );
const serial = (content: string): Uint8Array =>
  make(withField(Field.serial, () => leaf(element(Tag.integer, hex(content)))));

const extended = (change: (list: readonly Element[]) => readonly Element[]): Uint8Array =>
  make(
    withField(Field.extensions, (wrapper) => {
      const [list = wrapper] = childrenOf(wrapper);
      return { tag: 0xa3, children: [{ tag: Tag.sequence, children: change(childrenOf(list)) }] };
    }),
  );
const note = (critical: Uint8Array): Element =>
  leaf(element(Tag.sequence, encodeOid('1.2.3.4'), critical, element(Tag.octetString, hex('0500'))));

/** Leaves that DER, RFC 5280 or their readers refuse; OpenSSL reads all but those of the last lines. */
export const oddLeaves: readonly OddLeaf[] = [
  ...extensions.map(([name, oid, value]) => ({
    name,
    der: make(withExtension(oid, value)),
    field: Object.entries(ExtensionOid).find(([, each]) => each === oid)?.[0] ?? oid,
  })),
  { name: 'a common name that is an OCTET STRING', der: subject(element(Tag.octetString, Buffer.from('localhost'))) },
  { name: 'a common name that is no UTF-8', der: subject(element(Tag.utf8String, hex('61ff'))) },
  { name: 'a common name of half a character', der: subject(element(Tag.bmpString, hex('006100'))) },
  { name: 'a common name with a zero byte', der: subject(element(Tag.utf8String, hex('610062'))) },
  { name: 'an empty RelativeDistinguishedName', der: make(withField(Field.subject, () => leaf(hex('30023100')))) },
  { name: 'a negative serial number', der: serial('ff01') },
  { name: 'a serial number that is not minimal', der: serial('000001') },
  { name: 'a serial number without content', der: serial('') },
  { name: 'a time without seconds', der: time(Tag.utcTime, '4901010000Z') },
  { name: 'a time of another zone', der: time(Tag.utcTime, '490101000000+0100') },
  { name: 'a time with fractions', der: time(Tag.generalizedTime, '20490101000000.5Z') },
  { name: 'a time that is none', der: time(Tag.utcTime, 'forever and a day') },
  { name: 'a day that does not exist', der: time(Tag.utcTime, '490230000000Z') },
  { name: 'version 4', der: make(withField(Field.version, () => leaf(hex('a003020103')))) },
  { name: 'version 1 with extensions', der: make((tbs) => tbs.slice(1)) },
  { name: 'version 1 that is written', der: make((tbs) => [leaf(hex('a003020100')), ...tbs.slice(1, 7)]) },
  { name: 'an empty list of extensions', der: extended(() => []) },
  { name: 'an extension twice', der: extended((list) => [...list, note(hex('')), note(hex(''))]) },
  { name: 'an extension that says that it is not critical', der: extended((list) => [...list, note(hex('010100'))]) },
  { name: 'a critical extension that nobody knows', der: extended((list) => [...list, note(hex('0101ff'))]) },
  { name: 'a BOOLEAN of BER', der: extended((list) => [...list, note(hex('010101'))]) },
  {
    name: 'two signature algorithms',
    der: make(
      (tbs) => tbs,
      () => leaf(element(Tag.sequence, encodeOid('1.2.840.10045.4.3.3'))),
    ),
  },
  {
    name: 'a signature algorithm that nobody knows',
    der: make(
      withField(Field.algorithm, () => leaf(element(Tag.sequence, encodeOid('1.2.3.5')))),
      () => leaf(element(Tag.sequence, encodeOid('1.2.3.5'))),
    ),
  },
  {
    name: 'parameters of a signature algorithm that has none',
    der: make(
      withField(Field.algorithm, (algorithm) => ({
        tag: Tag.sequence,
        children: [...childrenOf(algorithm), leaf(hex('0500'))],
      })),
      (algorithm) => ({ tag: Tag.sequence, children: [...childrenOf(algorithm), leaf(hex('0500'))] }),
    ),
  },
  { name: 'a length that is not minimal', der: make(withField(Field.serial, () => leaf(hex('02810101')))) },
  {
    name: 'an indefinite length',
    der: make(
      withField(Field.subject, (name) =>
        leaf(Buffer.concat([hex('3080'), ...childrenOf(name).map(putTogether), hex('0000')])),
      ),
    ),
  },
  {
    name: 'a unique identifier of bits that are not zero',
    der: make((tbs) => [...tbs.slice(0, 7), leaf(hex('81020101')), ...tbs.slice(7)]),
  },
];
