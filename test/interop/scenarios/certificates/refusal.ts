import { strict as assert } from 'node:assert';
import { otherServerName } from '../../credentials/certificates.ts';
import { openInVain } from '../../ends/pair.ts';
import type { Context, RefusalReason, Scenario, Settings } from '../../types.ts';

/** The client refuses the server's certificate: the alert on the wire, and the code on both sides. */
export const refusal: Scenario = {
  name: 'refusal',
  variants: [
    {
      name: 'wrong CA',
      run: (context) => refuse(context, 'authority', { client: { ca: context.certificates.otherCa } }),
    },
    { name: 'wrong name', run: (context) => refuse(context, 'name', { client: { servername: otherServerName } }) },
    {
      name: 'expired',
      run: (context) => refuse(context, 'expired', { server: { credential: context.certificates.expired } }),
    },
  ],
};

interface Expectation {
  /** Of an opentls client's error. */
  readonly code: string;
  readonly alert: string;
  /** Of an opentls server's error, once the alert is there. */
  readonly received: string;
}

const expectations: Readonly<Record<RefusalReason, Expectation>> = {
  authority: {
    code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    alert: 'unknown_ca',
    received: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  },
  name: {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    alert: 'bad_certificate',
    received: 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  },
  expired: {
    code: 'CERT_HAS_EXPIRED',
    alert: 'certificate_expired',
    received: 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  },
};

async function refuse(
  context: Context,
  reason: RefusalReason,
  options: { readonly client?: Settings; readonly server?: Settings },
): Promise<void> {
  const { peer, role } = context;
  const expected = expectations[reason];
  const { error, failure } = await openInVain(context, options);
  if (role === 'client') {
    assert.equal(error?.code, expected.code);
    assert.equal(failure.alert, expected.alert);
    return;
  }
  assert.equal(failure.code, peer.codes[reason]);
  const alerts = reason === 'name' ? peer.clientSendsAlert.name : peer.clientSendsAlert.certificate;
  if (alerts) assert.equal(error?.code, expected.received);
}
