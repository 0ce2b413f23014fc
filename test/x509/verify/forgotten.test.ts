import { describe, expect, test } from 'vitest';
import { TlsError } from '#opentls/errors';
import { node } from '#opentls/providers/node';
import { TrustStore } from '#opentls/x509/path/trust';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, now, serverLeaf } from '../made/chain.ts';

const root = authority('root');
// Wrong in every way that an option asks about.
const leaf = serverLeaf(root, {
  notBefore: now - 7_200_000,
  notAfter: now - 3_600_000,
  subjectAltNames: { dns: ['other.test'] },
  extendedKeyUsage: ['codeSigning'],
});

const whole: VerifyOptions = {
  trust: TrustStore.from([root.der]),
  verifiers: node.verifiers,
  purpose: 'server',
  name: { dns: 'server.test' },
  time: now,
  budget: {},
  revocation: { mode: 'off' },
};

/** As JavaScript may call it. */
function judge(change: Readonly<Record<string, unknown>>) {
  return verifyPeer([leaf.der], { ...whole, ...change } as VerifyOptions);
}

const forgotten: readonly (readonly [what: string, change: Readonly<Record<string, unknown>>])[] = [
  ['no name', { name: undefined }],
  ['a name that is null', { name: null }],
  ['another word for a name', { name: 'server.test' }],
  ['a name of no known form', { name: { host: 'server.test' } }],
  ['a name of two forms', { name: { dns: 'server.test', email: 'a@server.test' } }],
  ['a name without a value', { name: { dns: undefined } }],
  ['an address as text', { name: { ip: '127.0.0.1' } }],
  ['a list with such a name', { name: [{ dns: 'server.test' }, {}] }],
  ['no purpose', { purpose: undefined }],
  ['a purpose in other letters', { purpose: 'Server' }],
  ['a purpose of Object.prototype', { purpose: 'constructor' }],
  ['no time', { time: undefined }],
  ['a time that is no number', { time: Number.NaN }],
  ['a time as text', { time: '2026-12-01' }],
  ['a time as a Date', { time: new Date(now) }],
  ['a depth that is no number', { maxDepth: Number.NaN }],
  ['a depth as text', { maxDepth: 'x' }],
  ['a negative depth', { maxDepth: -1 }],
  ...['signatures', 'steps', 'nameComparisons', 'policies', 'fetches'].map(
    (kind) => [`a budget of ${kind} that is no number`, { budget: { [kind]: Number.NaN } }] as const,
  ),
  ['a mode of revocation in other letters', { revocation: { mode: 'Hard' } }],
  ['an age of lists that is no number', { revocation: { mode: 'hard', maxAge: Number.NaN } }],
];

describe('what stands on Object.prototype is no option of a verification', () => {
  test.each([
    ['name', 'any'],
    ['revocation', { mode: 'off' }],
    ['maxDepth', 0],
    ['profile', {}],
    ['allowPartial', true],
  ])('%s', (option, value) => {
    const good = serverLeaf(root);
    const { name: _name, revocation: _revocation, ...bare } = whole;
    Object.defineProperty(Object.prototype, option, { value, configurable: true, enumerable: true, writable: true });
    try {
      expect(() => verifyPeer([good.der], bare)).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG' }));
      // An intermediate is no anchor by itself, and where there are lists, there has to be one of the issuer.
      const trust = TrustStore.from([good.der]);
      const named = { ...bare, name: { dns: 'server.test' } };
      expect(verifyPeer([good.der], { ...named, trust })).toMatchObject({ ok: false });
      expect(verifyPeer([good.der], { ...named, crls: [new Uint8Array(1)] })).toMatchObject({ ok: false });
      expect(verifyPeer([good.der], named)).toMatchObject({ ok: true });
    } finally {
      Reflect.deleteProperty(Object.prototype, option);
    }
  });
});

describe('an option that was forgotten, or is no answer, is not "no check"', () => {
  test.each(forgotten)('%s', (_what, change) => {
    const error = (() => {
      try {
        return judge(change);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code: 'ERR_TLS_CONFIG', blame: 'config' });
  });

  test('an empty list of names is nobody', () => {
    const good = serverLeaf(root);
    const verdict = verifyPeer([good.der], { ...whole, name: [] });
    expect(verdict).toMatchObject({ ok: false, code: 'HOSTNAME_MISMATCH' });
  });

  test('names are not looked at where that is said, or a client is judged', () => {
    const good = serverLeaf(root, { extendedKeyUsage: ['serverAuth', 'clientAuth'] });
    for (const change of [{ name: 'any' }, { purpose: 'client', name: undefined }] as const) {
      expect(verifyPeer([good.der], { ...whole, ...change })).toMatchObject({ ok: true });
    }
  });
});
