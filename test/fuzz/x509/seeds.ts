import { readFileSync } from 'node:fs';
import { parseGzip, toDer } from '../../x509/suites/limbo.ts';
import type { PkitsFile } from '../../x509/suites/pkits.ts';
import { roots, type Seeds } from './bytes.ts';

const carried = (name: string): Buffer => readFileSync(new URL(`../../../vectors/x509/${name}`, import.meta.url));
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** What the repository carries: certificates of authorities and sites, lists of PKITS, responses of BoringSSL. */
export function loadSeeds(): Seeds {
  const pkits = parseGzip<PkitsFile>(carried('pkits-subset.json.gz'));
  const ocsp = parseGzip<{ readonly tests: readonly { readonly response: string }[] }>(
    carried('boringssl-ocsp.json.gz'),
  );
  const real: { readonly chain: readonly string[] } = JSON.parse(carried('cloudflare-chain.json').toString('utf8'));
  return {
    certificates: [...roots, ...real.chain.map(toDer), ...Object.values(pkits.certs).map(fromBase64)],
    crls: Object.values(pkits.crls).map(fromBase64),
    ocspResponses: ocsp.tests.map(({ response }) => fromBase64(response)),
  };
}
