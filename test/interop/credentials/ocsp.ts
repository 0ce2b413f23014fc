import { createPrivateKey, webcrypto } from 'node:crypto';
import { Constructed, Enumerated, GeneralizedTime, OctetString, Primitive } from 'asn1js';
import {
  BasicOCSPResponse,
  CertID,
  Certificate,
  CryptoEngine,
  OCSPResponse,
  ResponseBytes,
  ResponseData,
  SingleResponse,
} from 'pkijs';
import { decodePem } from '#opentls/x509/asn1/pem';
import type { Credential } from './certificates.ts';

/**
 * What an issuer says of a certificate: that it stands, or that it is revoked. Made by PKI.js: what our client is shown
 * does not come from the code under test.
 * @returns OCSPResponse in base64
 */
export async function respond(leaf: Credential, issuer: Credential, status: 'good' | 'revoked'): Promise<string> {
  const authority = certificateOf(issuer);
  const names = { issuerCertificate: authority, hashAlgorithm: 'SHA-1' };
  const now = Math.floor(Date.now() / 1000) * 1000;
  const single = new SingleResponse({
    certID: await CertID.create(certificateOf(leaf), names, engine),
    certStatus: status === 'good' ? good() : revoked(new Date(now - hour)),
    thisUpdate: new Date(now - hour),
    nextUpdate: new Date(now + 24 * hour),
  });
  const tbsResponseData = new ResponseData({
    responderID: authority.subject,
    producedAt: new Date(now),
    responses: [single],
  });
  const basic = new BasicOCSPResponse({ tbsResponseData });
  await basic.sign(await signingKey(issuer), 'SHA-256', engine);
  const response = new OctetString({ valueHex: basic.toSchema().toBER() });
  const successful = new OCSPResponse({
    responseStatus: new Enumerated({ value: 0 }),
    responseBytes: new ResponseBytes({ responseType: idPkixOcspBasic, response }),
  });
  return Buffer.from(successful.toSchema().toBER()).toString('base64');
}

const idPkixOcspBasic = '1.3.6.1.5.5.7.48.1.1';
const hour = 3_600_000;
const engine = new CryptoEngine({ name: 'node', crypto: webcrypto });

/** CertStatus, RFC 6960 §4.2.1: `[0] IMPLICIT NULL` and `[1] IMPLICIT RevokedInfo`. */
const good = (): Primitive => new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 }, lenBlock: { length: 1 } });
const revoked = (valueDate: Date): Constructed =>
  new Constructed({ idBlock: { tagClass: 3, tagNumber: 1 }, value: [new GeneralizedTime({ valueDate })] });

/** The first one of a chain. */
function certificateOf({ cert }: Credential): Certificate {
  const [block] = decodePem(cert);
  if (block === undefined) throw new Error('no certificate');
  return Certificate.fromBER(block.der);
}

function signingKey({ key }: Credential): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return engine.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
