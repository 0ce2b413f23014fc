import { strict as assert } from 'node:assert';
import { exchange } from '../../ends/data.ts';
import { open, openInVain } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';

/** The server asks for a certificate, and takes none, too. */
export const optionalClientAuth: Scenario = {
  name: 'client-auth-optional',
  variants: [
    {
      name: 'given',
      run: async (context) => {
        const { certificates, role } = context;
        const server = { clientCertificate: 'optional' as const, ca: certificates.ca };
        const pair = await open(context, { client: { credential: certificates.client }, server });
        if (role === 'server') assert.equal(pair.socket.authorized, true);
        else assert.equal(pair.facts.clientCertified, true);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'none sent',
      run: async (context) => {
        const { certificates, role } = context;
        const server = { clientCertificate: 'optional' as const, ca: certificates.ca };
        const pair = await open(context, { server });
        if (role === 'server') assert.equal(pair.socket.authorized, false);
        else assert.equal(pair.facts.clientCertified, false);
        await exchange(pair, pair.theirs);
      },
    },
  ],
};

/** The server requires a certificate of the client (RFC 9846 §4.4.2). */
export const clientAuth: Scenario = {
  name: 'client-auth',
  variants: [
    {
      name: 'given',
      run: async (context) => {
        const { certificates, role } = context;
        const server = { clientCertificate: 'required' as const, ca: certificates.ca };
        const pair = await open(context, { client: { credential: certificates.client }, server });
        if (role === 'server') assert.equal(pair.socket.authorized, true);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'absent',
      run: async (context) => {
        const server = { clientCertificate: 'required' as const, ca: context.certificates.ca };
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
        const server = { clientCertificate: 'required' as const, ca: certificates.ca };
        const client = { credential: certificates.stranger };
        const { error, failure } = await openInVain(context, { client, server });
        if (role === 'server') assert.equal(failure.alert, 'unknown_ca');
        else if (peer.serverRefusal !== undefined) assert.equal(error?.code, peer.serverRefusal);
      },
    },
  ],
};
