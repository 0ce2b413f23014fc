import { strict as assert } from 'node:assert';
import opentls from 'opentls';
import { withMlDsa } from 'opentls/crypto/noble';
import { SignatureScheme } from '#opentls/wire/enums';
import { mlDsaKinds } from '../../credentials/ml-dsa-certificates.ts';
import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import { createSubject } from '../../ends/subject.ts';
import type { Scenario } from '../../types.ts';

/** Certificates and CertificateVerify of ML-DSA alone, of both sides: draft-ietf-tls-mldsa, RFC 9881. */
export const mlDsa: Scenario = {
  name: 'ml-dsa',
  variants: mlDsaKinds.map((kind) => ({
    name: kind,
    run: async (context) => {
      const provider = withMlDsa(context.subject.provider);
      const subject = createSubject(context.subject.name, opentls, { provider });
      const { ca, server, client } = context.certificates.mlDsa[kind];
      const schemes = [schemeNames[kind]];
      const pair = await open(
        { ...context, subject },
        {
          client: { ca, credential: client, schemes },
          server: { ca, credential: server, schemes, clientCertificate: 'required' },
        },
      );
      assert.equal(pair.socket.authorized, true);
      assert.equal(pair.socket.facts?.peerSignatureScheme, SignatureScheme[schemeNames[kind]]);
      await exchange(pair, pair.theirs);
    },
  })),
};

const schemeNames = { 'ML-DSA-44': 'mldsa44', 'ML-DSA-65': 'mldsa65', 'ML-DSA-87': 'mldsa87' } as const;
