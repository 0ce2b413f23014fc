import { describe, expect, test } from 'vitest';
import { TlsError } from '#opentls/errors';
import { node } from '#opentls/providers/node';
import { Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { showCertificate } from '#opentls/x509/certificate/display';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile, type Profile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { dangerouslyTrust, verifyPeer } from '#opentls/x509/verify/verify';
import { randomBytes } from '../../kit/random.ts';
import { thrownBy } from '../../kit/refusals.ts';
import { now } from '../made/chain.ts';
import { Field, hex, leaf, reissue, withField } from '../made/odd-certificates.ts';
import { oddLeaves, plain, root } from '../made/odd-leaves.ts';

function judge(der: Uint8Array, profile: Profile, more: Partial<VerifyOptions> = {}) {
  const trust = TrustStore.from([root.der]);
  const verdict = verifyPeer([der], {
    trust,
    verifiers: node.verifiers,
    purpose: 'server',
    name: 'any',
    time: now,
    profile,
    ...more,
  });
  if ('then' in verdict) throw new TypeError('the provider answers at once');
  return verdict;
}

describe('what is judged by and cannot be read is refused by its name', () => {
  const fields = oddLeaves.flatMap(({ field, ...odd }) => (field === undefined ? [] : [{ ...odd, field }]));
  const profiles = [webpki, nodeProfile, rfc5280];

  test.each(profiles.flatMap((profile) => fields.map((odd) => ({ ...odd, profile }))))(
    '$name, by the profile $profile.name',
    ({ der, field, profile }) => {
      const verdict = judge(der, profile, { name: { dns: 'localhost' } });
      const complaint = complaintOf(der, field);
      // Without one, it is its value that is wrong, if anything.
      if (verdict.ok || complaint === undefined) return;
      expect(verdict).toMatchObject({ reason: expect.stringContaining(`${field}: ${complaint}`) });
      expect(['INVALID_EXTENSION', 'INVALID_POLICY_EXTENSION']).toContain(verdict.code);
    },
  );

  test.each(profiles)('by no field that the profile $name does not look at', (profile) => {
    const unasked = ['authorityInfoAccess', 'issuerAltName', 'tlsFeature', 'sctList', 'crlDistributionPoints'];
    for (const { name, der, field } of fields) {
      if (unasked.includes(field)) expect(judge(der, profile, { name: { dns: 'localhost' } }).ok, name).toBe(true);
    }
  });

  test('a key that cannot be read', () => {
    const spki = element(Tag.sequence, hex('3003 0601 00'), hex('03020101'));
    const der = reissue(
      plain.der,
      root,
      withField(Field.spki, () => leaf(spki)),
    );
    expect(judge(der, nodeProfile)).toMatchObject({
      code: 'INVALID_CERTIFICATE',
      reason: expect.stringContaining('subjectPublicKeyInfo: '),
    });
  });
});

describe('what is only looked at never throws', () => {
  test.each(oddLeaves)('$name', ({ der }) => {
    const shown = showCertificate(der);
    const wrong = strictlyWrong(der);
    expect(shown.unreadable.length > 0).toBe(wrong.length > 0);
    for (const field of wrong) expect(shown.unreadable.map((each) => each.field)).toContain(field);
    for (const field of gettersOf(shown)) expect(() => shown[field]).not.toThrow();
    expect(shown.raw).toBe(der);
  });

  test('the certificates of a verdict are such', () => {
    for (const { der, name } of oddLeaves) {
      const verdict = judge(der, nodeProfile);
      const { certificates } = verdict.ok ? verdict.peer : dangerouslyTrust([der, der]);
      for (const each of certificates) {
        for (const field of gettersOf(each)) expect(() => each[field], name).not.toThrow();
      }
    }
  });

  test('the certificates of a refusal are such', () => {
    let looked = 0;
    for (const { der, name } of oddLeaves) {
      const verdict = judge(der, webpki, { time: 0 });
      for (const { certificates } of verdict.ok ? [] : verdict.paths) {
        for (const each of certificates) {
          for (const field of gettersOf(each)) expect(() => each[field], name).not.toThrow();
          looked++;
        }
      }
    }
    expect(looked).toBeGreaterThan(10);
  });

  test('a certificate whose time cannot be read is valid at none', () => {
    const { der } = oddLeaves.find(({ name }) => name === 'a time that is none') ?? expect.fail('it is gone');
    const { notBefore, notAfter } = showCertificate(der);
    expect(notBefore <= now && now <= notAfter).toBe(false);
  });

  test('what is no certificate at all is INVALID_CERTIFICATE', () => {
    const random = randomBytes(3);
    for (let length = 0; length < 400; length++) {
      const noise = random(length);
      for (const der of [noise, element(Tag.sequence, noise), plain.der.subarray(0, length)]) {
        expect(thrownBy(() => showCertificate(der))).toMatchObject({ code: 'INVALID_CERTIFICATE' });
      }
    }
  });

  test('what nests without end is refused', () => {
    let der: Uint8Array = hex('0500');
    for (let depth = 0; depth < 3_000; depth++) der = element(Tag.sequence, der);
    expect(thrownBy(() => showCertificate(der))).toMatchObject({ code: 'INVALID_CERTIFICATE' });
    const endless = new Uint8Array(10_000).fill(0x30);
    for (let at = 1; at < endless.length; at += 2) endless[at] = 0x80;
    expect(thrownBy(() => showCertificate(endless))).toBeInstanceOf(TlsError);
  });
});

/** What a strict reader says of the field; undefined: nothing. */
function complaintOf(der: Uint8Array, field: string): string | undefined {
  const error = thrownBy(() => parseCertificate(der)[field as keyof Certificate]);
  return error instanceof Error ? error.message.replace(`${field}: `, '') : undefined;
}

/** Fields whose strict reader complains; 'certificate' where the whole has none. */
function strictlyWrong(der: Uint8Array): readonly string[] {
  if (thrownBy(() => parseCertificate(der)) !== undefined) return ['certificate'];
  const certificate = parseCertificate(der);
  return gettersOf(certificate).filter((field) => thrownBy(() => certificate[field]) !== undefined);
}

function gettersOf(certificate: Certificate): readonly (keyof Certificate)[] {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(certificate)));
  return properties.flatMap(([name, { get }]) => (get === undefined ? [] : [name as keyof Certificate]));
}
