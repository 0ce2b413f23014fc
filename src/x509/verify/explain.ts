import { visible } from '../../bytes/utf8.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { ipText, type PeerName, presentedNames } from '../certificate/identity.ts';
import { type DistinguishedName, nameText } from '../certificate/names.ts';
import type { FailedPath } from './failed-path.ts';

/**
 * What a refusal says beyond its reason, as people need it: which certificate failed, at which date, or which issuer was
 * looked for. Text of the peer is escaped and cut.
 * @returns text that begins with ': ', or nothing
 */
export function detailOf({ code, certificates, at }: FailedPath): string {
  const certificate = certificates[at];
  if (certificate === undefined) return '';
  const subject = quoted(certificate.subject);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `: ${subject} was valid until ${dateText(certificate.notAfter)}`;
    case 'CERT_NOT_YET_VALID':
      return `: ${subject} is valid from ${dateText(certificate.notBefore)} on`;
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `: ${subject} was issued by ${quoted(certificate.issuer)}, which was not sent and is no trust anchor`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return `: ${subject} is no trust anchor`;
    case 'BUDGET_EXCEEDED':
      return '';
    default:
      return `: ${subject}${certificates.length > 1 ? `, certificate ${at + 1} of a path of ${certificates.length}` : ''}`;
  }
}

/** The paths that were tried and how each ended, where there were several that differ; the first few of them. */
export function pathsText(paths: readonly FailedPath[]): string {
  const told = new Set<string>();
  // Hundreds of paths may share a few certificates, and a peer chooses how long their names are.
  const names = new Map<Certificate, string>();
  const nameOf = (certificate: Certificate): string => {
    const name = names.get(certificate) ?? quoted(certificate.subject);
    names.set(certificate, name);
    return name;
  };
  for (const { code, certificates } of paths) {
    if (told.size === MOST_PATHS) break;
    const subjects = certificates.slice(0, MOST_LINKS).map(nameOf);
    const more = certificates.length > MOST_LINKS ? ' < …' : '';
    told.add(`${subjects.join(' < ')}${more} (${code})`);
  }
  return told.size < 2 ? '' : `; of ${paths.length} paths that were tried: ${[...told].join(', ')}`;
}

/** Why a leaf does not have the name that was asked for: the names that it has. */
export function nameMismatch(leaf: Certificate, wanted: readonly PeerName[]): string {
  const names = presentedNames(leaf);
  const shown = names.slice(0, MOST_NAMES).map(escaped);
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const has = names.length === 0 ? 'it has no names in subjectAltName' : `it is for ${shown.join(', ')}${more}`;
  return `the certificate is not for ${wanted.map(wantedText).join(' or ')}: ${has}`;
}

function wantedText(name: PeerName): string {
  if ('dns' in name) return escaped(name.dns);
  if ('uri' in name) return escaped(name.uri);
  if ('email' in name) return escaped(name.email);
  return ipText(name.ip);
}

function quoted(name: DistinguishedName): string {
  const text = nameText(name);
  return text === '' ? 'a certificate without a subject' : `"${escaped(text)}"`;
}

/** Text of the peer, cut where it is long. */
function escaped(text: string): string {
  return visible(text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text);
}

/** The date and time in UTC; times that no Date can say have none. */
function dateText(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString().replace('.000', '') : 'no time that can be read';
}

const MOST_PATHS = 4;
const MOST_LINKS = 5;
const MOST_NAMES = 8;
const MOST_TEXT = 120;
