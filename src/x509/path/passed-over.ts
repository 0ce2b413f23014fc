import { type Certificate, isSelfIssued } from '../certificate/certificate.ts';
import { type DistinguishedName, nameText } from '../certificate/names.ts';
import type { CertificatePool, Unreadable } from './pool.ts';
import type { TrustStore } from './trust.ts';

/** An anchor, certificate, list or response that could not be used, although it might have changed the verdict. */
export interface PassedOver {
  readonly what: 'anchor' | 'certificate' | 'list' | 'response' | 'fetch';
  /** A subject (RFC 4514), a place in what was given, or a URL. */
  readonly which: string;
  readonly reason: string;
}

/** No more are listed: the sender of a chain decides how much of it cannot be read. */
const MOST = 16;

/** Lists the unreadable anchors and certificates that the certificates of refused paths name as their issuers. */
export function passedOver(
  certificates: readonly Certificate[],
  intermediates: CertificatePool,
  trust: TrustStore,
): readonly PassedOver[] {
  const issuers = new Map(certificates.map(({ issuer }) => [issuer.key, issuer]));
  const found: PassedOver[] = [];
  for (const issuer of issuers.values()) {
    found.push(...trust.unreadable(issuer).map((each) => unread('anchor', each)));
    if (!trust.allowPartial) found.push(...partialAnchors(trust, issuer));
    found.push(...intermediates.unreadable(issuer).map((each) => unread('certificate', each)));
  }
  found.push(...trust.nameless.map((each) => unread('anchor', each)));
  found.push(...intermediates.nameless.map((each) => unread('certificate', each)));
  return found.slice(0, MOST);
}

function partialAnchors(trust: TrustStore, issuer: DistinguishedName): readonly PassedOver[] {
  const partial = trust.named(issuer).filter((anchor) => !isSelfIssued(anchor));
  return partial.map(({ subject }) => ({
    what: 'anchor',
    which: nameText(subject),
    reason: 'it is not self-signed, and allowPartial is not set',
  }));
}

function unread(what: PassedOver['what'], { which, reason }: Unreadable): PassedOver {
  return { what, which, reason };
}

/** The text for the reason of a refusal. Control characters of names are escaped: it may end up in a log. */
export function passedOverText(all: readonly PassedOver[]): string {
  const [first] = all;
  if (first === undefined) return '';
  const more = all.length === 1 ? '' : `, and ${all.length - 1} more`;
  return `; passed over: ${first.what} ${first.which} (${first.reason})${more}`.replace(/\p{Cc}/gu, '\ufffd');
}
