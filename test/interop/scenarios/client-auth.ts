import { strict as assert } from 'node:assert';
import { exchange } from '../data.ts';
import { open, openInVain } from '../pair.ts';
import type { Scenario } from '../types.ts';

/** The server requires a certificate of the client (RFC 9846 §4.4.2). */
export const clientAuth: Scenario = {
  name: 'client-auth',
  variants: [
    {
      name: 'given',
      run: async (context) => {
        const { certificates, role } = context;
        const server = { requireClientCertificate: true, ca: certificates.ca };
        const pair = await open(context, { client: { credential: certificates.client }, server });
        if (role === 'server') assert.equal(pair.socket.authorized, true);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'absent',
      run: async (context) => {
        const server = { requireClientCertificate: true, ca: context.certificates.ca };
        const { error, failure } = await openInVain(context, { server });
        if (context.role === 'client') {
          assert.equal(error?.code, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
        } else {
          assert.equal(error?.code, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
          assert.equal(failure.alert, 'certificate_required');
        }
      },
    },
    {
      name: 'untrusted',
      run: async (context) => {
        const { certificates, peer, role } = context;
        const server = { requireClientCertificate: true, ca: certificates.ca };
        const client = { credential: certificates.stranger };
        const { error, failure } = await openInVain(context, { client, server });
        if (role === 'server') assert.equal(failure.alert, 'unknown_ca');
        else if (peer.serverSendsAlert) assert.equal(error?.code, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
      },
    },
  ],
};
