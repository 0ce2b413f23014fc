import { codedError } from '../support/errors.ts';

/**
 * Whether a cipher list of OpenSSL names at least one suite of an older version (`openssl-ciphers(1)`). opentls does not
 * offer them: the answer decides only whether the list is valid.
 * @param list entries with colons, commas or spaces between them
 * @throws ERR_SSL_INVALID_COMMAND for an unknown command behind `@`
 */
export function namesOlderSuites(list: string): boolean {
  const selected = new Set<string>();
  for (const element of list.split(/[:, ]+/)) {
    const [, action = '', selector = '', command] = /^([!+-]?)([^@]*)(@.*)?$/.exec(element) ?? [];
    if (command !== undefined && !/^@(?:STRENGTH|SECLEVEL=[0-5])$/.test(command)) throw invalidCommand();
    if (action === '' && selects(selector)) selected.add(selector);
    else if (action !== '+') selected.delete(selector);
  }
  return selected.size > 0;
}

/** Whether suites fit: those of a name, or those that all of the keywords joined by `+` fit. */
function selects(selector: string): boolean {
  return suiteName.test(selector) || selector.split('+').every((keyword) => keywords.has(keyword));
}

function invalidCommand(): Error {
  const reason = 'invalid command';
  return codedError('ERR_SSL_INVALID_COMMAND', `error:SSL routines::${reason}`, { library: 'SSL routines', reason });
}

/** The names that OpenSSL 3 gives to suites before TLS 1.3. */
const suiteName = new RegExp(
  '^(?:(?:ECDHE(?:-(?:RSA|ECDSA|PSK))?|DHE-(?:RSA|DSS|PSK)|ADH|AECDH|RSA-PSK|PSK|SRP(?:-(?:RSA|DSS))?)-)?' +
    '(?:AES-?(?:128|256)(?:-(?:GCM|CBC|CCM8?))?|CAMELLIA(?:128|256)|ARIA(?:128|256)-GCM|CHACHA20-POLY1305|NULL)' +
    '(?:-(?:SHA|SHA256|SHA384|MD5))?$',
);

/** The keywords of OpenSSL 3 that any suite of a usual build fits. */
const keywords: ReadonlySet<string> = new Set(
  (
    'ALL COMPLEMENTOFALL DEFAULT COMPLEMENTOFDEFAULT HIGH MEDIUM FIPS CBC aNULL eNULL NULL kRSA aRSA RSA kDHE kEDH DHE EDH ' +
    'kEECDH kECDHE ECDHE EECDH ECDH DH ADH AECDH aECDSA ECDSA aDSS DSS PSK kPSK kECDHEPSK kDHEPSK kRSAPSK aPSK SRP kSRP aSRP ' +
    'AES AES128 AES256 AESGCM AESCCM AESCCM8 CHACHA20 CAMELLIA CAMELLIA128 CAMELLIA256 ARIA ARIAGCM ARIA128 ARIA256 ' +
    'MD5 SHA1 SHA SHA256 SHA384 SSLv3 TLSv1 TLSv1.0 TLSv1.2 SUITEB128 SUITEB128ONLY SUITEB192 SUITEB128C2'
  ).split(' '),
);
