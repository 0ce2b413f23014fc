// The options of contexts: which values are taken, and what is thrown for the others.
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

const lists = [
  'AES256-SHA',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ADH-AES256-SHA',
  'AECDH-NULL-SHA',
  'EXP-RC4-MD5',
  'ECDHE',
  'kEECDH',
  'kEDH',
  'EECDH+AESGCM:EDH+AESGCM',
  'SUITEB128',
  'SUITEB128ONLY',
  'SUITEB192',
  'FIPS',
  'PSK',
  'ADH',
  'AECDH',
  'aNULL',
  'eNULL',
  'EXPORT',
  'SSLv2',
  'AESGCM',
  'AESCCM',
  'ARIAGCM',
  'CBC',
  'SHA256',
  'MD5',
  '3DES',
  'DES',
  'kRSA:!aNULL',
  'ECDHE+AESGCM,DHE+AESGCM',
  'HIGH MEDIUM',
  'HIGH,!aNULL',
  'AES256-SHA AES128-SHA',
  'DEFAULT@SECLEVEL=0',
  'DEFAULT:@SECLEVEL=1',
  'ALL:@STRENGTH',
  'aGOST',
  'kRSAPSK',
  'aDSS',
  'RSA',
  'SRP-AES-128-CBC-SHA',
  'IDEA-CBC-SHA',
  'GOST2012256-GOST89-GOST89',
  'NULL-MD5',
  'tls_aes_128_gcm_sha256',
  'TLS_AES_128_GCM_SHA256:HIGH',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA:TLS_AES_128_GCM_SHA256',
  'PROFILE=SYSTEM',
  '-ALL:HIGH',
  'RC4-SHA:RC4:ECDHE-RSA-AES256-SHA',
  'TLS_FOO',
  'TLS_FOO:HIGH',
  'foo:HIGH',
  ':',
  '',
  ' ',
  '@SECLEVEL=0',
  'HIGH:!HIGH',
  '!aNULL',
  'LOW',
  'CAMELLIA',
  'SEED',
  'RC4',
  'ECDH',
  'ecdhe-rsa-aes128-gcm-sha256',
  'high',
  'HIGH+AESGCM',
  'foo+HIGH',
  '@STRENGTH',
  '@FOO',
  'HIGH:@FOO',
  'HIGH@STRENGTH',
  '!TLS_AES_128_GCM_SHA256',
] as const;

/** Notes what createSecureContext() makes of values of an option: the code, or that it takes them. */
function values(
  name: string,
  option: string,
  all: readonly unknown[],
  more: object = {},
  byDesign?: NonNullable<Behaviour['byDesign']>,
): Behaviour {
  return {
    name,
    ...(byDesign && { byDesign }),
    run: (trial) => {
      for (const [index, value] of all.entries())
        note(trial, `${index} ${String(value).slice(0, 40)}`, { ...more, [option]: value });
    },
  };
}

function note(trial: Trial, label: string, options: object): void {
  try {
    trial.tls.createSecureContext(options);
    trial.note('context', label, 'taken');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    trial.note('context', label, error instanceof TypeError || error instanceof RangeError, code);
  }
}

const odd = [0, 1, -1, 1.5, Number.NaN, true, false, {}, [], () => undefined, Symbol.iterator, 5n];

export const behaviours: readonly Behaviour[] = [
  values('cipher lists', 'ciphers', lists),
  values('ciphers of another type', 'ciphers', [...odd, null, undefined]),
  values('ecdhCurve', 'ecdhCurve', ['auto', 'X25519', 'P-256:P-384', 'prime256v1', 'foo', 'X25519:foo', ...odd]),
  values(
    'sigalgs',
    'sigalgs',
    ['RSA-PSS+SHA256', 'ecdsa_secp256r1_sha256:RSA+SHA256', '', 'foo', undefined, null, ...odd],
    {},
    { 'context: 3 foo': 'The error for an unknown signature algorithm has a code.' },
  ),
  values('minVersion', 'minVersion', ['TLSv1.3', 'TLSv1.2', 'TLSv1', 'TLSv1.4', 'foo', '', undefined, null, ...odd]),
  values('sessionIdContext', 'sessionIdContext', ['x', '', undefined, null, ...odd]),
  values('sessionTimeout', 'sessionTimeout', [300, 2 ** 31, '300', undefined, null, ...odd]),
  values('ticketKeys', 'ticketKeys', [
    Buffer.alloc(48),
    Buffer.alloc(47),
    new Uint8Array(48),
    'x',
    undefined,
    null,
    ...odd,
  ]),
  values(
    'secureOptions',
    'secureOptions',
    [4, '4', undefined, null, ...odd],
    {},
    {
      'context: 6 -1': '`secureOptions` that exclude TLS 1.3 throw.',
    },
  ),
  values('dhparam', 'dhparam', ['auto', undefined, null, ...odd]),
  values('ca', 'ca', ['', 'no PEM', Buffer.from('no PEM'), [], [''], undefined, null, ...odd]),
  values('cert', 'cert', ['', 'no PEM', undefined, null, ...odd]),
  values('key', 'key', ['', 'no PEM', undefined, null, ...odd]),
  values('crl', 'crl', ['no PEM', undefined, null, ...odd]),
  values('honorCipherOrder', 'honorCipherOrder', [...odd]),
  values('privateKeyEngine', 'privateKeyEngine', ['x', undefined, null, ...odd]),
  values(
    'privateKeyIdentifier',
    'privateKeyIdentifier',
    ['x', undefined, null, ...odd],
    { privateKeyEngine: 'x' },
    {
      'context: 0 x': 'Engines are refused by a code of their own; a `signer` takes their place.',
    },
  ),
  values('clientCertEngine', 'clientCertEngine', [undefined, null, ...odd]),
];
