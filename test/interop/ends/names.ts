import { AlertDescription, type AlertName, alertName } from '#opentls/errors';

/** Names that OpenSSL, and Node after it, give to the groups. */
const groupAliases: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  x25519: 'X25519',
  x448: 'X448',
};

/** The group in the words of {@link Settings}. */
export function groupName(text: string | undefined): string | undefined {
  return text === undefined ? undefined : (groupAliases[text] ?? text);
}

/** The alert of OpenSSL's `unknown CA`, Node's `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`, curl's `alert unknown ca`, or 48. */
export function alertFrom(text: string): AlertName | undefined {
  if (/^\d+$/.test(text)) return alertName(Number(text));
  const name = text
    .replace(/^.*alert[ _]/i, '')
    .trim()
    .toLowerCase()
    .replaceAll(' ', '_');
  return Object.keys(AlertDescription).find((known): known is AlertName => known === name);
}
