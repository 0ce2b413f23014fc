import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import type { RevocationStatus } from '#opentls/x509/certificate/revocation-status';
import { TrustStore } from '#opentls/x509/path/trust';
import { MAX_OCSP_RESPONSE, parseOcspResponse } from '#opentls/x509/revocation/ocsp';
import { createOcspRequest } from '#opentls/x509/revocation/ocsp-id';
import type { RevocationOptions } from '#opentls/x509/revocation/revocation';
import { rfc5280 } from '#opentls/x509/rules/profile';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { openssl } from '../../kit/openssl.ts';
import { fromBase64 } from '../suites/crl-suites.ts';
import { parseGzip, toDer } from '../suites/limbo.ts';
import { type Asked, ask, isReadable, type OcspFile } from '../suites/ocsp-suite.ts';

describe("BoringSSL's OCSP responses", () => {
  const file = parseGzip<OcspFile>(
    readFileSync(new URL('../../../vectors/x509/boringssl-ocsp.json.gz', import.meta.url)),
  );
  const time = Date.parse(file.verifyTime);

  test('the requests for them, byte for byte', () => {
    const readable = file.tests.filter(({ certificate }) => isReadable(certificate));
    expect(readable).toHaveLength(35);
    for (const { id, certificate, issuer, request } of readable) {
      const made = createOcspRequest({
        certificate: parseCertificate(fromBase64(certificate)),
        issuer: parseCertificate(fromBase64(issuer)),
        hashes: noble.hashes,
      });
      expect(Buffer.from(made).toString('base64'), id).toBe(request);
    }
  });

  test('any byte changed is unknown, or says the same', () => {
    const [first] = file.tests;
    if (first === undefined) throw new RangeError('no case');
    const [der, certificate, issuer] = [first.response, first.certificate, first.issuer].map(fromBase64);
    if (der === undefined || certificate === undefined || issuer === undefined) throw new RangeError('no case');
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x20;
      expect(ask(changed, certificate, issuer, { time }).status).not.toBe('revoked');
    }
    expect(() => parseOcspResponse(new Uint8Array(MAX_OCSP_RESPONSE + 1))).toThrow('65537 bytes');
  });
});

const folder = mkdtempSync(join(tmpdir(), 'opentls-ocsp-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!openssl)('the openssl command as responder', () => {
  const tool = (command: string): void => {
    execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' });
  };
  const file = (name: string): string => join(folder, name);
  const der = (name: string): Uint8Array => toDer(readFileSync(file(name), 'utf8'));
  let names = 0;

  function make(name: string, extensions: string): void {
    tool(
      `req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out r.pem -subj /CN=${name}`,
    );
    writeFileSync(file('x.cnf'), `[x]\n${extensions}\n`);
    tool(
      `x509 -req -in r.pem -CA ca.pem -CAkey ca.key -out ${name}.pem -days 9 -set_serial ${++names} -extfile x.cnf -extensions x`,
    );
  }

  if (openssl) {
    tool(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 99',
    );
    make('leaf', 'basicConstraints = CA:FALSE');
    make('responder', 'extendedKeyUsage = OCSPSigning\nnoCheck = ignored');
    make('stranger', 'extendedKeyUsage = serverAuth');
    make('promising', 'tlsfeature = status_request\nauthorityInfoAccess = OCSP;URI:http://ocsp.test/');
  }

  /** The response to our own request. */
  function respond(entry: string, signer: string, nonce?: Uint8Array): Uint8Array {
    const [certificate, issuer] = [parseCertificate(der('leaf.pem')), parseCertificate(der('ca.pem'))];
    const hash = nonce === undefined ? 'sha1' : 'sha256';
    return answer(entry, signer, createOcspRequest({ certificate, issuer, hashes: noble.hashes, hash, nonce }));
  }

  function answer(entry: string, signer: string, request: Uint8Array): Uint8Array {
    writeFileSync(file('index.txt'), entry);
    writeFileSync(file('request.der'), request);
    tool(
      `ocsp -index index.txt -CA ca.pem -rsigner ${signer}.pem -rkey ${signer}.key -reqin request.der -respout response.der -ndays 3`,
    );
    return new Uint8Array(readFileSync(file('response.der')));
  }

  const good = 'V\t990101000000Z\t\t01\tunknown\t/CN=leaf\n';
  const revoked = 'R\t990101000000Z\t260101000000Z,keyCompromise\t01\tunknown\t/CN=leaf\n';
  const later = (): number => Date.now() + 5_000;
  const judge = (response: Uint8Array, asked: Partial<Asked> = {}): RevocationStatus =>
    ask(response, der('leaf.pem'), der('ca.pem'), { time: later(), ...asked });

  test('good, revoked and unknown; by the issuer and by a delegate', () => {
    for (const signer of ['ca', 'responder']) {
      expect(judge(respond(good, signer))).toEqual({ status: 'good' });
      expect(judge(respond(revoked, signer))).toMatchObject({ status: 'revoked', reason: 'keyCompromise' });
      expect(judge(respond('', signer))).toMatchObject({ status: 'unknown', code: 'OCSP_CERT_UNKNOWN' });
    }
  });

  test('a signer that is no responder, another issuer, another time', () => {
    expect(judge(respond(good, 'stranger'))).toMatchObject({ code: 'OCSP_VERIFY_FAILED' });
    const response = respond(good, 'ca');
    expect(ask(response, der('leaf.pem'), der('responder.pem'), { time: later() }).status).toBe('unknown');
    expect(ask(response, der('responder.pem'), der('ca.pem'), { time: later() }).status).toBe('unknown');
    const day = 86_400_000;
    expect(judge(response, { time: Date.now() + 4 * day })).toMatchObject({ status: 'unknown' });
    expect(judge(response, { time: Date.now() - day })).toMatchObject({ status: 'unknown' });
    expect(judge(response, { maxAge: 1_000 })).toMatchObject({ status: 'unknown' });
  });

  test('the nonce comes back, or the response is none for the request', () => {
    const nonce = new Uint8Array(32).fill(7);
    const response = respond(good, 'responder', nonce);
    expect(judge(response, { nonce })).toEqual({ status: 'good' });
    expect(judge(response)).toEqual({ status: 'good' });
    expect(judge(response, { nonce: new Uint8Array(32).fill(8) })).toMatchObject({ status: 'unknown' });
    expect(judge(respond(good, 'responder'), { nonce })).toMatchObject({ status: 'unknown' });
  });

  describe('in the verification of a chain', () => {
    const { hashes } = node;
    const states = { good: 'V\t990101000000Z\t\t', revoked: 'R\t990101000000Z\t260101000000Z\t' } as const;
    const entry = (state: keyof typeof states): string => `${states[state]}04\tunknown\t/CN=promising\n`;

    function verify(leaf: string, revocation: RevocationOptions) {
      return verifyPeer([der(`${leaf}.pem`)], {
        trust: TrustStore.from([der('ca.pem')]),
        verifiers: node.verifiers,
        purpose: 'server',
        name: 'any',
        time: later(),
        profile: rfc5280,
        revocation: { hashes, ...revocation },
      });
    }
    const said = async (...args: Parameters<typeof verify>): Promise<string> => {
      const verdict = await verify(...args);
      return verdict.ok ? 'good' : verdict.code;
    };

    test('stapled: good, revoked, about another', async () => {
      const good = respond(entry('good').replace('04', '01'), 'responder');
      const bad = respond(entry('revoked').replace('04', '01'), 'responder');
      expect(await said('leaf', { mode: 'hard', stapled: [good] })).toBe('good');
      expect(await said('leaf', { mode: 'soft', stapled: [bad] })).toBe('CERT_REVOKED');
      expect(await said('leaf', { mode: 'off', stapled: [bad] })).toBe('good');
      expect(await said('stranger', { mode: 'hard', stapled: [good] })).toBe('OCSP_VERIFY_FAILED');
      expect(await said('stranger', { mode: 'soft', stapled: [good] })).toBe('good');
      expect(await said('leaf', { mode: 'hard', stapled: [Uint8Array.of(1)] })).toBe('INVALID_OCSP_RESPONSE');
      expect(await said('leaf', { mode: 'hard', stapled: [undefined] })).toBe('UNABLE_TO_GET_CRL');
    });

    test('a promise of a stapled response is to be kept', async () => {
      expect(await said('promising', { mode: 'soft' })).toBe('OCSP_VERIFY_NEEDED');
      expect(await said('promising', { mode: 'off' })).toBe('good');
      const certificate = parseCertificate(der('promising.pem'));
      expect(certificate.tlsFeature).toEqual([5]);
      const request = createOcspRequest({ certificate, issuer: parseCertificate(der('ca.pem')), hashes });
      const stapled = [answer(entry('good'), 'ca', request)];
      expect(await said('promising', { mode: 'soft', stapled })).toBe('good');
    });

    test('a responder that a hook asks, with a nonce, at once or later', async () => {
      make('asking', 'authorityInfoAccess = OCSP;URI:http://ocsp.test/');
      const list = (state: keyof typeof states) => entry(state).replace('04', '05');
      const asked: string[] = [];
      const hook = (state: keyof typeof states, nonce?: Uint8Array) => async (url: string, request: Uint8Array) => {
        asked.push(url);
        return answer(list(state), 'responder', nonce ?? request);
      };
      const nonce = () => node.random(32);
      expect(await said('asking', { mode: 'hard', nonce, fetchOcsp: hook('good') })).toBe('good');
      expect(await said('asking', { mode: 'soft', nonce, fetchOcsp: hook('revoked') })).toBe('CERT_REVOKED');
      expect(asked).toEqual(['http://ocsp.test/', 'http://ocsp.test/']);
      // The answer to another request, replayed.
      const replayed = createOcspRequest({
        certificate: parseCertificate(der('asking.pem')),
        issuer: parseCertificate(der('ca.pem')),
        hashes,
        nonce: node.random(32),
      });
      expect(await said('asking', { mode: 'hard', nonce, fetchOcsp: hook('good', replayed) })).toBe(
        'OCSP_VERIFY_FAILED',
      );
      const failing = () => Promise.reject(new Error('no network'));
      expect(await said('asking', { mode: 'hard', fetchOcsp: failing })).toBe('UNABLE_TO_GET_CRL');
      expect(await said('asking', { mode: 'soft', fetchOcsp: failing })).toBe('good');
    });

    test('without hashes it is misuse', () => {
      expect(() => verify('leaf', { hashes: undefined, stapled: [] })).toThrow('revocation.hashes');
    });
  });
});
