import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CryptoProvider } from '#opentls/crypto/provider';
import { TlsError } from '#opentls/errors';
import { noble, withMlDsa } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { DerError, DerReader, Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { type DistinguishedName, isWithin, parseName, sameName } from '#opentls/x509/certificate/names';
import { readSignature } from '#opentls/x509/certificate/signed-object';
import { differences, listed } from './expectations.ts';
import { parseGzip } from './limbo.ts';

/** Blocks of a file by label, base64; ERRORS is text. */
type Blocks = Readonly<Record<string, string>>;

/** Files of google/boringssl's pki/testdata by the name of the suite. */
const files = parseGzip<
  Readonly<Record<'parse_certificate' | 'verify_signed_data' | 'verify_name_match', Readonly<Record<string, Blocks>>>>
>(readFileSync(new URL('../../../vectors/x509/boringssl-units.json.gz', import.meta.url)));

const bytes = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64'));

describe("BoringSSL's certificates", () => {
  test('are read or refused, each with all that this library reads of it', () => {
    const cases = Object.entries(files.parse_certificate);
    expect(cases).toHaveLength(90);
    const outcomes = cases.map(([id, { CERTIFICATE, 'TBS CERTIFICATE': tbs, ERRORS = '' }]) => {
      const refused = complaint(CERTIFICATE === undefined ? signed(bytes(tbs)) : bytes(CERTIFICATE));
      // A block of errors may hold nothing but warnings.
      const conforms = (refused !== undefined) === /^ERROR:/m.test(ERRORS);
      return { id, conforms, said: refused ?? 'accepted' };
    });
    expect(differences(listed('parse_certificate'), outcomes)).toEqual([]);
  });
});

/** Why a certificate is not read; everything that a certificate has is read. */
function complaint(der: Uint8Array): string | undefined {
  try {
    const certificate = parseCertificate(der);
    for (const getter of getters(certificate)) Reflect.get(certificate, getter);
    return undefined;
  } catch (error) {
    if (error instanceof TlsError || error instanceof DerError) return error.message;
    throw error;
  }
}

function getters(certificate: Certificate): readonly string[] {
  const described = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(certificate));
  const names = Object.entries(described).flatMap(([name, { get }]) => (get === undefined ? [] : [name]));
  expect(names).toContain('basicConstraints');
  return names;
}

/**
 * A signed certificate of a TBSCertificate. Most of these have an OCTET STRING inside where algorithm, names, key and
 * extensions are due: there those of a sound certificate come in.
 */
function signed(tbs: Uint8Array): Uint8Array {
  const given = partsOf(tbs);
  const parts = given.parts.map((part) => {
    const extensions = part[0] === 0xa3 && part[2] === Tag.sequence;
    if (part[extensions ? 4 : 2] !== Tag.octetString) return part;
    if (extensions) return sound.parts.at(-1) ?? part;
    return sound.lists[given.lists.indexOf(part)] ?? part;
  });
  const algorithm = parts.find(([tag]) => tag === Tag.sequence) ?? tbs;
  return element(Tag.sequence, element(Tag.sequence, ...parts), algorithm, element(Tag.bitString, new Uint8Array(1)));
}

interface Parts {
  readonly parts: readonly Uint8Array[];
  /** Those that are a SEQUENCE: signature algorithm, issuer, validity, subject, key. */
  readonly lists: readonly Uint8Array[];
}

function partsOf(tbs: Uint8Array): Parts {
  const reader = new DerReader(tbs).sequence();
  const parts: Uint8Array[] = [];
  while (!reader.done) parts.push(reader.element().raw);
  return { parts, lists: parts.filter(([tag]) => tag === Tag.sequence) };
}

const sound = partsOf(bytes(files.parse_certificate['tbs_v3_real']?.['TBS CERTIFICATE']));

describe("BoringSSL's signed data", () => {
  const valid = new Set([
    'ecdsa-prime256v1-sha512',
    'ecdsa-secp384r1-sha256',
    'mldsa-44',
    'mldsa-65',
    'mldsa-87',
    'rsa-pkcs1-sha1',
    'rsa-pkcs1-sha256',
    'rsa-pss-sha256',
    'rsa2048-pkcs1-sha512',
  ]);

  test.each([noble, node])('$name tells good signatures from bad ones', (provider) => {
    const cases = Object.entries(files.verify_signed_data);
    expect(cases).toHaveLength(32);
    const outcomes = cases.map(([id, blocks]) => {
      const good = verifies(blocks, provider);
      return { id, conforms: good === valid.has(id), said: good ? 'accepted' : 'refused' };
    });
    expect(differences(listed('verify_signed_data'), outcomes)).toEqual([]);
  });
});

function verifies(blocks: Blocks, provider: CryptoProvider): boolean {
  const { bytes: content, unusedBits } = new DerReader(bytes(blocks['SIGNATURE'])).bitString();
  const signature = readSignature(bytes(blocks['ALGORITHM']), content);
  const verifier = withMlDsa(provider).verifiers.find(({ algorithm }) => algorithm === signature.algorithm);
  if (verifier === undefined) throw new RangeError(`no verifier for ${signature.oid}`);
  const good = verifier.verify(bytes(blocks['PUBLIC KEY']), bytes(blocks['DATA']), signature.bytes);
  if (typeof good !== 'boolean') throw new TypeError('an answer that is not there at once');
  return good && unusedBits === 0;
}

describe("BoringSSL's names", () => {
  const names = Object.entries(files.verify_name_match).map(([file, { NAME }]) => ({
    id: file.slice('names/'.length),
    der: bytes(NAME),
  }));
  const read = names
    .filter(({ id }) => !id.startsWith('invalid-'))
    .map(({ id, der }) => ({ id, name: parseName(der) }));
  const named = (id: string): DistinguishedName =>
    read.find((candidate) => candidate.id === id)?.name ?? expect.fail(id);

  test('malformed ones are refused', () => {
    expect(names).toHaveLength(82);
    const malformed = names.filter(({ id }) => id.startsWith('invalid-'));
    expect(malformed).toHaveLength(8);
    for (const { id, der } of malformed) expect(() => parseName(der), id).toThrow(DerError);
  });

  test('two are the same whatever their case, spaces and string types, and else not', () => {
    for (const a of read) {
      for (const b of read) {
        expect(sameName(a.name, b.name), `${a.id} and ${b.id}`).toBe(meaning(a.id) === meaning(b.id));
      }
    }
  });

  test('one within another begins with all of its parts', () => {
    for (const { id, name } of read) {
      expect(isWithin(name, name), id).toBe(true);
      expect(isWithin(name, named('valid-Name-empty')), id).toBe(true);
      const [, base, more] = /^(ascii-.*)-(dupe_attr|extra_attr|extra_rdn)$/.exec(id) ?? [];
      if (base === undefined) continue;
      expect(isWithin(name, named(base)), id).toBe(more === 'extra_rdn');
      expect(isWithin(named(base), name), id).toBe(false);
    }
  });
});

/** What a name says, by the name of its file: `ascii-BMPSTRING-case_swap-extra_attr`. */
function meaning(id: string): string {
  const [text = '', , form = '', more] = id.split('-');
  if (form.startsWith('rdn_')) return form.slice(0, -2);
  return text === 'ascii' ? `ascii ${more ?? ''}` : text === 'valid' ? id : text;
}
