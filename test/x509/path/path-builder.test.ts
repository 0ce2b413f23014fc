import { describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { nameText } from '#opentls/x509/certificate/names';
import { Budget, buildPaths, DEFAULT_MAX_DEPTH } from '#opentls/x509/path/build';
import { CertificatePool } from '#opentls/x509/path/pool';
import { TrustStore, type TrustStoreOptions } from '#opentls/x509/path/trust';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { fromBase64 } from '../suites/crl-suites.ts';
import { absent, outsideJson, title } from '../suites/limbo.ts';

interface BlobFile {
  readonly files: Readonly<Record<string, readonly { readonly type: string; readonly b64: string }[]>>;
}

const file = 'boringssl-path_builder_unittest.json.gz';

/** The certificates of pki/testdata/path_builder_unittest, and what its names say must come of them. */
describe.skipIf(absent(file))(`BoringSSL's path builder: ${title(file)}`, () => {
  const { files } = absent(file) ? { files: {} } : outsideJson<BlobFile>(file);
  const der = (name: string): Uint8Array => {
    const block = files[name]?.find(({ type }) => type === 'CERTIFICATE');
    if (block === undefined) throw new RangeError(name);
    return fromBase64(block.b64);
  };
  const subjectsOf = (path: readonly { readonly raw: Uint8Array }[]): string[] =>
    path.map(({ raw }) => Object.keys(files).find((name) => Buffer.from(der(name)).equals(raw)) ?? '?');

  /** Every path in the order of the search. */
  function paths(
    target: string,
    others: readonly string[],
    anchors: readonly string[],
    options: TrustStoreOptions = {},
  ) {
    const found = buildPaths(
      parseCertificate(der(target)),
      CertificatePool.from(others.map(der)),
      TrustStore.from(anchors.map(der), options),
      new Budget(),
      DEFAULT_MAX_DEPTH,
    );
    return [...found].map(subjectsOf);
  }

  function verify(target: string, others: readonly string[], anchors: readonly string[], time: string) {
    const options: VerifyOptions = {
      trust: TrustStore.from(anchors.map(der), { allowPartial: target.startsWith('precertificate') }),
      verifiers: node.verifiers,
      purpose: 'any',
      time: Date.parse(time),
      profile: rfc5280,
    };
    const verdict = verifyPeer([target, ...others].map(der), options);
    if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
    return verdict.ok ? subjectsOf(verdict.peer.certificates) : verdict.code;
  }

  const roots = ['B-by-C', 'B-by-F', 'C-by-D', 'C-by-E', 'D-by-D', 'E-by-E', 'F-by-E'].map(
    (name) => `multi-root-${name}`,
  );
  const target = 'multi-root-A-by-B';

  test('cross-certified roots: each anchor is reached', () => {
    const to = (anchor: string) => verify(target, roots, [anchor], '2017-03-01T00:00:00Z');
    expect(to('multi-root-D-by-D')).toEqual([target, 'multi-root-B-by-C', 'multi-root-C-by-D', 'multi-root-D-by-D']);
    expect(to('multi-root-E-by-E').slice(-1)).toEqual(['multi-root-E-by-E']);
    expect(paths(target, roots, ['multi-root-D-by-D', 'multi-root-E-by-E'])).toHaveLength(3);
    expect(paths(target, roots, ['multi-root-F-by-E'], { allowPartial: true })).toEqual([
      [target, 'multi-root-B-by-F', 'multi-root-F-by-E'],
    ]);
    expect(paths(target, [], ['multi-root-D-by-D'])).toEqual([]);
  });

  test('issuers whose key identifier fits come first, those it speaks against last', () => {
    const kinds = ['different', 'no', 'matching'].flatMap((kind) =>
      ['a', 'b', 'c'].map((letter) => `key_id_prioritization/int_${kind}_ski_${letter}`),
    );
    const found = paths('key_id_prioritization/target', kinds, ['key_id_prioritization/root']);
    expect(found.map((path) => path[1]?.replace(/.*int_(\w+)_ski_\w$/, '$1'))).toEqual([
      ...['matching', 'matching', 'matching', 'no', 'no', 'no', 'different', 'different', 'different'],
    ]);
  });

  test('by name and serial number of the issuer, too', () => {
    const folder = 'key_id_name_and_serial_prioritization';
    const others = ['int_mismatch', 'int_match_name_only', 'int_matching'].map((name) => `${folder}/${name}`);
    const found = paths(`${folder}/target`, others, [`${folder}/root`, `${folder}/root2`]);
    expect(found[0]?.[1]).toBe(`${folder}/int_matching`);
    expect(found).toHaveLength(3);
  });

  test('the newest first', () => {
    const folder = 'validity_date_prioritization';
    const others = ['int_ac', 'int_ad', 'int_bc', 'int_bd'].map((name) => `${folder}/${name}`);
    const found = paths(`${folder}/target`, others, [`${folder}/root`]);
    expect(found.map((path) => path[1])).toEqual(
      ['int_bd', 'int_bc', 'int_ad', 'int_ac'].map((name) => `${folder}/${name}`),
    );
  });

  test('an anchor before a self-issued certificate of its name', () => {
    const folder = 'self_issued_prioritization';
    const found = paths(`${folder}/target`, [`${folder}/root1_cross`], [`${folder}/root1`, `${folder}/root2`]);
    expect(found[0]).toEqual([`${folder}/target`, `${folder}/root1`]);
    expect(found).toHaveLength(2);
  });

  test('a precertificate is none', () => {
    const { notBefore } = parseCertificate(der('precertificate/precertificate'));
    const time = new Date(notBefore + 1000).toISOString();
    const said = verify('precertificate/precertificate', [], ['precertificate/root'], time);
    expect(said).toBe('UNHANDLED_CRITICAL_EXTENSION');
  });

  test('certificates of Merkle trees are not known', () => {
    const names = Object.keys(files).filter((name) => name.startsWith('mtc_plants04/mtc-leaf'));
    expect(names).toHaveLength(6);
    for (const name of names) {
      expect(nameText(parseCertificate(der(name)).subject)).toBeTypeOf('string');
      expect(verify(name, [], ['multi-root-D-by-D'], '2026-01-01T00:00:00Z'), name).toBeTypeOf('string');
    }
  });
});
