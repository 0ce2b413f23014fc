import { spawnSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { nullValue, objectIdentifier, sequence } from '#opentls/x509/asn1/asn1js';
import { DerError, Tag } from '#opentls/x509/asn1/der';
import { element, wholeBits } from '#opentls/x509/asn1/der-write';
import { encodePem } from '#opentls/x509/asn1/pem';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { TrustStore } from '#opentls/x509/path/trust';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { hashOfKey } from '#opentls/x509/revocation/ocsp-id';
import { nodeProfile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, now, serverLeaf } from '../made/chain.ts';
import { hex } from '../made/odd-certificates.ts';
import { makeCrlDer, type NewEntry, reasonCode } from './make-crl.ts';

const ca = authority('ca');
const leaf = serverLeaf(ca);
const other = serverLeaf(ca);
const serialOf = ({ der }: Holder): Uint8Array => parseCertificate(der).serialNumber;

const utc = (text: string): Uint8Array => element(Tag.utcTime, Buffer.from(text));
const generalized = (text: string): Uint8Array => element(Tag.generalizedTime, Buffer.from(text));
const reason = (value: string) => ({ extensions: [{ oid: ExtensionOid.reasonCode, value: hex(value) }] });

/** Of the entry that lists the leaf. */
const odd: Readonly<Record<string, Omit<NewEntry, 'serialNumber'>>> = {
  'a day that does not exist': { date: utc('260230000000Z') },
  'a month that does not exist': { date: utc('991300000000Z') },
  'an hour that does not exist': { date: generalized('20510101250000Z') },
  'a reason that is not defined': reason('0a0107'),
  'a reason beyond the last': reason('0a017f'),
  'a reason of two bytes': reason('0a020001'),
  'a reason that is none': reason('020101'),
  'an empty reason': reason('0a00'),
  'an invalidity date that does not exist': {
    extensions: [
      reasonCode('keyCompromise'),
      { oid: ExtensionOid.invalidityDate, value: generalized('20260230000000Z') },
    ],
  },
};

const listOf = (entry: Omit<NewEntry, 'serialNumber'>): Uint8Array =>
  makeCrlDer({
    issuer: parseCertificate(ca.der).subject.raw,
    key: ca.key,
    revoked: [{ ...entry, serialNumber: serialOf(leaf) }],
  });

function judge({ der }: Holder, said: Pick<VerifyOptions, 'crls' | 'revocation'>, profile = rfc5280): string {
  const verdict = verifyPeer([der], {
    trust: TrustStore.from([ca.der]),
    verifiers: node.verifiers,
    purpose: 'server',
    name: 'any',
    time: now + 1000,
    profile,
    ...said,
  });
  if ('then' in verdict) throw new TypeError('the provider answers at once');
  return verdict.ok ? 'good' : `${verdict.code}: ${verdict.reason}`;
}

/** OCSPResponse of the CA itself (RFC 6960 §4.2.1). @param status CertStatus, DER */
function responseAbout(subject: Holder, status: Uint8Array): Uint8Array {
  const issuer = parseCertificate(ca.der);
  const sha1 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(data).digest());
  const octets = (content: Uint8Array): Uint8Array => element(Tag.octetString, content);
  const certId = sequence(
    sequence(objectIdentifier('1.3.14.3.2.26'), nullValue()),
    octets(sha1(issuer.subject.raw)),
    octets(hashOfKey(issuer, node.hashes.sha1)),
    element(Tag.integer, serialOf(subject)),
  );
  const date = generalized(`${new Date(now).toISOString().replace(/[-:T]|\.\d+/g, '')}`);
  const tbs = sequence(element(0xa1, issuer.subject.raw), date, sequence(sequence(certId, status, date)));
  const signature = wholeBits(new Uint8Array(sign('sha256', tbs, ca.key)));
  const basic = sequence(tbs, sequence(objectIdentifier('1.2.840.10045.4.3.2')), signature);
  const typed = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octets(basic));
  return sequence(hex('0a0100'), element(0xa0, typed));
}

const folder = mkdtempSync(join(tmpdir(), 'opentls-entries-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What `openssl verify -crl_check` says. */
function openssl(holder: Holder, list: Uint8Array): string {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  const { stdout, stderr } = spawnSync(
    'openssl',
    [
      'verify',
      '-crl_check',
      ...['-CAfile', file('ca.pem', ca.pem), '-CRLfile', file('list.pem', encodePem('X509 CRL', list))],
      file('leaf.pem', holder.pem),
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  return `${stdout}${stderr}`;
}

describe('a certificate that is listed is revoked, whatever else of its entry cannot be read', () => {
  test.each(Object.entries(odd))('%s', (_, entry) => {
    const list = listOf(entry);
    expect(openssl(leaf, list)).toContain('certificate revoked');
    expect(openssl(other, list)).toContain('OK');
    for (const profile of [rfc5280, nodeProfile, webpki]) {
      for (const mode of ['soft', 'hard'] as const) {
        const said = { crls: [list], revocation: { mode } };
        expect(judge(leaf, said, profile)).toMatch(/^CERT_REVOKED: certificate revoked/);
        expect(judge(other, said, profile)).toBe('good');
      }
    }
    // To whoever looks at all of them, it is malformed.
    expect(() => [...parseCrl(list).entries()]).toThrow(DerError);
  });

  test('by a list of another form than a profile wants', () => {
    const said = { crls: [listOf({ date: generalized('20260101000000Z') })], revocation: { mode: 'soft' } } as const;
    expect(judge(leaf, said, webpki)).toMatch(/^CERT_REVOKED/);
    // Of those that are not listed it says nothing.
    expect(judge(other, { ...said, revocation: { mode: 'hard' } }, webpki)).toMatch(/^INVALID_CRL/);
  });

  test.each<[what: string, revoked: readonly Uint8Array[]]>([
    ['a day that does not exist', [generalized('20260230000000Z')]],
    ['a reason that is not defined', [generalized('20260101000000Z'), hex('a0030a0107')]],
    ['a reason of two bytes', [generalized('20260101000000Z'), hex('a0040a020001')]],
    ['nothing odd', [generalized('20260101000000Z'), hex('a0030a0101')]],
  ])('by a responder, with %s', (_, revoked) => {
    for (const mode of ['soft', 'hard'] as const) {
      const revocation = { mode, hashes: node.hashes, stapled: [responseAbout(leaf, element(0xa1, ...revoked))] };
      expect(judge(leaf, { revocation })).toMatch(/^CERT_REVOKED/);
    }
  });
});
