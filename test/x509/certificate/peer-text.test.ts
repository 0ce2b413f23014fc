import { describe, expect, test, vi } from 'vitest';
import { checkServerIdentity } from '#opentls/adapters/node/certificate/identity';
import { legacyCertificate } from '#opentls/adapters/node/certificate/legacy';
import { node } from '#opentls/providers/node';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import type { GeneralName, NameConstraints } from '#opentls/x509/certificate/extensions';
import { parseName } from '#opentls/x509/certificate/names';
import { encodeName } from '#opentls/x509/create/extensions';
import { wrongNames } from '#opentls/x509/rules/baseline';
import { checkNames } from '#opentls/x509/rules/constraints';
import { webpki } from '#opentls/x509/rules/profile';
import { growth, textSteps } from '../../kit/text-steps.ts';
import { serverLeaf } from '../made/chain.ts';

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const commonNames = (count: number): { readonly type: 'CN'; readonly value: string }[] =>
  times(count, (i) => ({ type: 'CN', value: `name ${i}` }));
const dns = (value: string): GeneralName => ({ type: 'dns', value });
const directory = (value: string): GeneralName => ({ type: 'directory', value: parseName(encodeName(value)) });

/** A certificate as far as names are concerned. */
function named(subject: Parameters<typeof encodeName>[0], subjectAltName: readonly GeneralName[]): Certificate {
  return { subject: parseName(encodeName(subject)), subjectAltName } as Partial<Certificate> as Certificate;
}

describe("superlinear matching of a peer's text: twice the text costs twice the steps", () => {
  test.each<[string, (size: number) => () => void]>([
    [
      'names as text, one of them quoted',
      (size) => {
        const text = `email:"a\\u002cb", ${times(size, (i) => `DNS:${i}.test`).join(', ')}`;
        return () => void checkServerIdentity('other.test', { subjectaltname: text });
      },
    ],
    [
      'names as text, all of them quoted',
      (size) => {
        const text = times(size, (i) => `DNS:"${i}\\u002c.test"`).join(', ');
        return () => void checkServerIdentity('other.test', { subjectaltname: text });
      },
    ],
    [
      'common names, shown',
      (size) => {
        const certificate = parseCertificate(serverLeaf(undefined, { subject: commonNames(size) }).der);
        return () => void legacyCertificate(certificate as never, node.hashes);
      },
    ],
    [
      'common names, each held against subjectAltName',
      (size) => {
        const leaf = named(
          commonNames(size),
          times(size, (i) => dns(`${i}.test`)),
        );
        return () => void wrongNames(leaf, webpki);
      },
    ],
    [
      'constraints of one form on names of another',
      (size) => {
        const bases = times(size, (i) => directory(`base ${i}`));
        const leaf = named(
          'leaf',
          times(size, (i) => dns(`${i}.test`)),
        );
        return () => void checkNames({ permitted: [], excluded: bases }, leaf, () => {});
      },
    ],
    [
      'a long constraint on many names of its form',
      (size) => {
        const base = directory('x'.repeat(40 * size));
        const leaf = named('leaf', [...times(size, (i) => directory(`name ${i}`))]);
        return () => void checkNames({ permitted: [], excluded: [base] }, leaf, () => {});
      },
    ],
  ])('%s', (_, work) => {
    expect(growth(400, work)).toBeLessThan(2.5);
  });

  test.each<[string, NameConstraints, readonly GeneralName[]]>([
    ['a long domain, many names', { permitted: [], excluded: [dns('x'.repeat(20_000))] }, times(500, () => dns('y'))],
    ['many domains, a long name', { permitted: [], excluded: times(500, () => dns('y')) }, [dns('x'.repeat(20_000))]],
    [
      'a long mailbox, many names',
      { permitted: [{ type: 'rfc822', value: 'x'.repeat(20_000) }], excluded: [] },
      times(500, () => ({ type: 'rfc822', value: 'a@b' })),
    ],
  ])('what a comparison under name constraints goes over is counted: %s', (_, constraints, names) => {
    let counted = 0;
    const leaf = named('leaf', names);
    const steps = textSteps(() => {
      checkNames(constraints, leaf, (length: number) => {
        counted += length;
      });
    });
    expect(steps / counted).toBeLessThan(10);
  });

  test('what is too long for a host name is not put through IDNA, whose cost is quadratic', () => {
    const given: number[] = [];
    const Original = URL;
    vi.stubGlobal(
      'URL',
      class extends Original {
        constructor(text: string) {
          super(text);
          given.push(text.length);
        }
      },
    );
    const leaf = named(String.fromCodePoint(...times(5000, (i) => 0x4e00 + i)), [dns('a.test'), dns('b.test')]);
    expect(wrongNames(leaf, webpki)).toBeUndefined();
    vi.unstubAllGlobals();
    expect(Math.max(0, ...given)).toBeLessThan(300);
  });
});

describe('two notations of one host', () => {
  const ip = (...bytes: readonly number[]): GeneralName => ({ type: 'ip', value: Uint8Array.from(bytes) });
  test.each<[commonName: string, names: readonly GeneralName[], differs: boolean]>([
    ['a.test', [dns('a.test')], false],
    ['A.test', [dns('a.test')], true],
    ['a.test', [dns('A.test')], true],
    ['a.test', [dns('A.test'), dns('a.test')], true],
    ['192.0.2.1', [ip(192, 0, 2, 1)], false],
    ['0xc0000201', [ip(192, 0, 2, 1)], true],
    ['::1', [ip(...times(15, () => 0), 1)], false],
    ['0:0:0:0:0:0:0:1', [ip(...times(15, () => 0), 1)], true],
    ['0:0:0:0:0:0:0:1', [dns('a.test')], false],
  ])('%s among %j', (commonName, names, differs) => {
    expect(wrongNames(named(commonName, [dns('other.test'), ...names]), webpki) !== undefined).toBe(differs);
  });
});
