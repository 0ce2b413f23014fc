import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { utf8 } from '#opentls/bytes/utf8';
import { Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { type DistinguishedName, nameText, parseName, sameName } from '#opentls/x509/certificate/names';

/** A name of one commonName. */
function named(tag: number, content: Uint8Array): DistinguishedName {
  const attribute = element(Tag.sequence, fromHex('0603550403'), element(tag, content));
  return parseName(element(Tag.sequence, element(Tag.set, attribute)));
}

describe('names are the same by RFC 5280 §7.1', () => {
  test.each([
    ['case', 'Straße A', 'STRAßE a'],
    ['white space around', 'a', '  a '],
    ['runs of white space', 'a b', 'a \t  b'],
    ['compatibility forms (RFC 4518 §2.3)', 'ﬁle', 'file'],
    ['composition', 'é', 'e\u0301'],
  ])('%s', (_name, one, other) => {
    expect(sameName(named(Tag.utf8String, utf8(one)), named(Tag.utf8String, utf8(other)))).toBe(true);
  });

  test.each([
    ['a', 'b'],
    ['ab', 'a b'],
    ['a', 'a"/2.5.4.3="b'],
    ['a+2.5.4.3=b', 'a'],
    ['', 'a'],
  ])('%j is not %j', (one, other) => {
    expect(sameName(named(Tag.utf8String, utf8(one)), named(Tag.utf8String, utf8(other)))).toBe(false);
  });

  test('a value that is no string is the same byte for byte, and never the text that shows it', () => {
    const integer = named(Tag.integer, fromHex('05'));
    expect(nameText(integer)).toBe('CN=#020105');
    expect(sameName(integer, named(Tag.integer, fromHex('05')))).toBe(true);
    expect(sameName(integer, named(Tag.integer, fromHex('06')))).toBe(false);
    expect(sameName(integer, named(Tag.enumerated, fromHex('05')))).toBe(false);
    expect(sameName(integer, named(Tag.utf8String, utf8(`#${toHex(fromHex('020105'))}`)))).toBe(false);
  });
});
