import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { parseOcspResponse } from '#opentls/x509/revocation/ocsp';
import { respond } from '../../credentials/ocsp.ts';
import { exchange } from '../../ends/data.ts';
import { open, openInVain } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';

/** The server staples an OCSP response to its certificate, RFC 6066 §8. */
export const stapling: Scenario = {
  name: 'ocsp-stapling',
  variants: [
    {
      name: 'asked for',
      run: async (context) => {
        const { certificates, role } = context;
        const ocspResponse = await respond(certificates.direct, certificates.root, 'good');
        const pair = await open(context, {
          client: { requestOcsp: true, ...(role === 'client' && { requireStaple: true }) },
          server: { credential: certificates.direct, ocspResponse },
        });
        const { serialNumber } = new X509Certificate(certificates.direct.cert);
        if (role === 'client') assert.equal(pair.seen.ocspResponse, ocspResponse);
        else if (pair.facts.stapled !== undefined) assert.equal(pair.facts.stapled, true);
        else if (pair.facts.ocspSerial !== undefined) assert.equal(pair.facts.ocspSerial, serialNumber);
        else assert.equal(pair.facts.ocspResponse, ocspResponse);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'asked for, and there is none',
      run: async (context) => {
        const pair = await open(context, { client: { requestOcsp: true } });
        if (context.role === 'client') assert.equal(pair.seen.ocspResponse, null);
        else {
          assert.deepEqual([pair.facts.ocspResponse, pair.facts.ocspSerial], [undefined, undefined]);
          assert.ok(!pair.facts.stapled);
        }
        await exchange(pair, pair.theirs);
      },
    },
  ],
};

/** The response says that the certificate is revoked, and our client refuses it. */
export const revokedStaple: Scenario = {
  name: 'ocsp-revoked',
  variants: [
    {
      name: 'refused',
      run: async (context) => {
        const { certificates } = context;
        const ocspResponse = await respond(certificates.direct, certificates.root, 'revoked');
        const { error, failure } = await openInVain(context, {
          client: { requestOcsp: true, requireStaple: true },
          server: { credential: certificates.direct, ocspResponse },
        });
        assert.equal(error?.code, 'CERT_REVOKED');
        assert.equal(failure.alert, 'certificate_revoked');
      },
    },
  ],
};

/** NSS's server makes the response itself, and signs it with SHA-1. */
export const peerStaple: Scenario = {
  name: 'ocsp-peer',
  variants: [
    {
      name: 'asked for',
      run: async (context) => {
        const { directRsa, root } = context.certificates;
        const server = { credential: directRsa, peerStaple: { status: 'good', authority: root } } as const;
        const pair = await open(context, { client: { requestOcsp: true }, server });
        const { responses } = parseOcspResponse(Buffer.from(pair.seen.ocspResponse ?? '', 'base64'));
        const [serialNumber] = responses.map(({ certId }) => Buffer.from(certId.serialNumber).toString('hex'));
        assert.equal(serialNumber?.toUpperCase(), new X509Certificate(directRsa.cert).serialNumber);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'demanded, and of no worth',
      run: async (context) => {
        const { directRsa, root } = context.certificates;
        const server = { credential: directRsa, peerStaple: { status: 'good', authority: root } } as const;
        const client = { requestOcsp: true, requireStaple: true };
        const { error, failure } = await openInVain(context, { client, server });
        assert.equal(error?.code, 'OCSP_VERIFY_FAILED');
        assert.equal(failure.alert, 'certificate_unknown');
      },
    },
  ],
};
