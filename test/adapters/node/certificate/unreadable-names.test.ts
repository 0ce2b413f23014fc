import { describe, expect, test } from 'vitest';
import { checkServerIdentity, type IdentityCertificate } from '#opentls/adapters/node/certificate/identity';
import { node } from '#opentls/providers/node';
import { DerError, Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { subjectNames } from '#opentls/x509/certificate/subject-names';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile, type Profile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { now } from '../../../x509/made/chain.ts';
import { encodeOid, Field, hex, leaf, reissue, withExtension, withField } from '../../../x509/made/odd-certificates.ts';
import { plain, root } from '../../../x509/made/odd-leaves.ts';
import { modules } from '../sides.ts';
import { meet } from './odd-peer.ts';

const names = (...list: readonly Uint8Array[]): Uint8Array => element(Tag.sequence, ...list);

/** Values of subjectAltName that name no host and cannot be read. The common name is 'localhost' everywhere. */
const values: readonly (readonly [name: string, value: Uint8Array])[] = [
  ['an empty list', hex('3000')],
  ['an iPAddress of 5 bytes', names(hex('87057f00000101'))],
  ['an rfc822Name with a byte over 0x7f', names(element(0x81, hex('61ff62')))],
  ['a URI with a byte over 0x7f', names(element(0x86, hex('61ff62')))],
  ['a directoryName that is none', names(hex('a4020500'))],
  ['a registeredID that is none', names(hex('880180'))],
  ['a name of no known form', names(hex('8900'))],
  ['no list', hex('0403ffffff')],
  ['a list with bytes after it', hex('30000500')],
];
const leaves = values.map(([name, value]) => ({
  name,
  der: reissue(plain.der, root, withExtension(ExtensionOid.subjectAltName, value)),
}));

const judge = { ca: root.pem, key: plain.key, cert: plain.pem };
const serve = (der: Uint8Array, module: keyof typeof modules, rejectUnauthorized: boolean) =>
  meet({ by: 'server', chain: [der], signer: plain.signer }, { ...judge, tls: modules[module], rejectUnauthorized });
const identify = (shown: object) => checkServerIdentity('localhost', shown as IdentityCertificate);
const refused = { code: 'ERR_TLS_CERT_ALTNAME_INVALID', reason: 'Cert has altnames that cannot be read' };

describe('no common name matches in place of a subjectAltName that cannot be read', () => {
  test.each(leaves)('$name: what node:tls shows and might go by, opentls refuses', async ({ der }) => {
    const theirs = await serve(der, 'node', false);
    const ours = await serve(der, 'opentls', false);
    expect(theirs.shown.subject?.CN).toBe('localhost');
    expect(ours).toMatchObject({ reached: true, authorized: false });
    expect(ours.shown.unreadable).toEqual([expect.stringMatching(/^subjectAltName: /)]);
    expect(identify(ours.shown)).toMatchObject(refused);
    expect(await serve(der, 'opentls', true)).toMatchObject({
      reached: false,
      alert: 'bad_certificate',
      message: expect.stringContaining('subjectAltName cannot be read: '),
    });
  });

  const profiles: readonly Profile[] = [webpki, nodeProfile, rfc5280];

  test.each(profiles.flatMap((profile) => leaves.map((each) => ({ ...each, profile }))))(
    '$name, by the profile $profile.name',
    ({ der, profile }) => {
      const options = { trust: TrustStore.from([root.der]), verifiers: node.verifiers, time: now, profile };
      const verdict = verifyPeer([der], { ...options, purpose: 'server', name: { dns: 'localhost' } });
      expect(verdict).toMatchObject({ ok: false, code: 'INVALID_EXTENSION' });
      expect(() => subjectNames(parseCertificate(der))).toThrow(DerError);
    },
  );

  test('what is shown beside it of the form that counts, counts', () => {
    const odd = 'IP Address:<invalid length=5>';
    const shown = (entry: string) => ({
      subject: { CN: 'localhost' },
      subjectaltname: `${odd}, ${entry}`,
      unreadable: ['subjectAltName: an iPAddress of 5 bytes'],
    });
    expect(identify(shown('DNS:localhost'))).toBeUndefined();
    expect(checkServerIdentity('127.0.0.1', shown('IP Address:127.0.0.1'))).toBeUndefined();
    expect(identify(shown('DNS:other.test'))).toMatchObject({ code: refused.code });
    expect(identify(shown('IP Address:127.0.0.1'))).toMatchObject(refused);
  });
});

describe('nor where nobody knows whether there is a subjectAltName', () => {
  const san = encodeOid(ExtensionOid.subjectAltName);
  const wrapped = (...list: readonly Uint8Array[]) =>
    reissue(
      plain.der,
      root,
      withField(Field.extensions, () => leaf(element(0xa3, ...list))),
    );
  const extension = (...rest: readonly Uint8Array[]) => element(Tag.sequence, san, ...rest);
  const ip = element(Tag.octetString, names(hex('87047f000001')));
  const dns = element(Tag.octetString, names(element(0x82, Buffer.from('other.test'))));

  test.each([
    ['it is there twice', wrapped(names(extension(ip), extension(dns)))],
    ['its value is no OCTET STRING', wrapped(names(extension(hex('0500'))))],
    ['extensions are no list', wrapped(hex('0500'))],
  ])('%s', async (_, der) => {
    const ours = await serve(der, 'opentls', false);
    expect(ours).toMatchObject({ reached: true, authorized: false });
    expect(ours.shown.subject?.CN).toBe('localhost');
    expect(identify(ours.shown)).toMatchObject(refused);
  });

  test('a certificate without any is judged by its common name, as by node:tls', () => {
    const cert = { subject: { CN: 'localhost' } };
    expect(identify(cert)).toBeUndefined();
    expect(modules.node.checkServerIdentity('localhost', cert as never)).toBeUndefined();
    expect(identify({ ...cert, unreadable: ['keyUsage: an empty one'] })).toBeUndefined();
  });
});
