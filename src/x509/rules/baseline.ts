import { toHex } from '../../bytes/hex.ts';
import { Oid } from '../asn1/oids.ts';
import type { Certificate } from '../certificate/certificate.ts';
import type { GeneralName } from '../certificate/extensions.ts';
import { ipv6Groups, parseIp, toAscii } from '../certificate/identity.ts';
import { subjectValues } from '../certificate/subject-names.ts';
import type { Profile } from './profile.ts';

/**
 * How the names of a server's certificate break the CA/Browser Forum's Baseline Requirements; undefined where they do not.
 * The rules bind CAs; a client that enforces them never sees a name that two readers could read differently.
 */
export function wrongNames(leaf: Certificate, { isPublicSuffix }: Profile): string | undefined {
  const { subjectAltName } = leaf;
  // §7.1.2.7.12
  if (subjectAltName === undefined) return 'no subjectAltName';
  for (const name of subjectAltName) {
    if (name.type !== 'dns') continue;
    if (!isPreferredName(name.value)) return `the dNSName ${name.value} is no host name`;
    // §3.2.2.6
    if (name.value.startsWith('*.') && isPublicSuffix?.(name.value.slice(2).toLowerCase()) === true) {
      return `the wildcard ${name.value} stands for all that the public registers`;
    }
  }
  // §7.1.4.3: a reader could take two notations of one host for two hosts, or two hosts for one.
  const notations = new Notations(subjectAltName);
  const twisted = subjectValues(leaf, Oid.commonName).find((text) => isULabel(text) || notations.differ(text));
  return twisted === undefined ? undefined : `the common name ${twisted} is not written as in subjectAltName`;
}

/** RFC 1034 §3.5 in A-labels, with `*` as the whole of the first label: what §7.1.4.2.1 allows in a dNSName. */
function isPreferredName(name: string): boolean {
  const labels = name.split('.');
  const [first, ...others] = labels;
  if (name.length > 253 || first === undefined) return false;
  return (first === '*' ? others : labels).every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
}

/** A domain name as people read it: subjectAltName has A-labels. */
function isULabel(commonName: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  return /^[^\s.]+(?:\.[^\s.]+)+$/.test(commonName) && /[^\x00-\x7f]/.test(commonName);
}

/** How subjectAltName writes its hosts: looked up for each common name, of which there may be as many. */
class Notations {
  /** The spellings of each name, by its lower case. */
  readonly #names = new Map<string, Set<string>>();
  /** Each address, in hexadecimal. */
  readonly #addresses = new Set<string>();

  constructor(names: readonly GeneralName[]) {
    for (const name of names) {
      if (name.type === 'ip') this.#addresses.add(toHex(name.value));
      if (name.type !== 'dns') continue;
      const lower = name.value.toLowerCase();
      this.#names.set(lower, (this.#names.get(lower) ?? new Set()).add(name.value));
    }
  }

  /** Whether a common name is one of these hosts, and spelled unlike every entry for it. */
  differ(commonName: string): boolean {
    const spellings = this.#names.get(toAscii(commonName));
    if (spellings !== undefined && (spellings.size > 1 || !spellings.has(commonName))) return true;
    const bytes = looseIpv4(commonName) ?? parseIp(commonName);
    return bytes !== undefined && this.#addresses.has(toHex(bytes)) && commonName !== addressText(bytes);
  }
}

/** An IPv4 address in any notation that inet_aton of POSIX takes: parts in octal or hexadecimal, the last one long. */
function looseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part || Number.NaN)));
  const last = numbers.pop() ?? Number.NaN;
  const tail = 4 - numbers.length;
  const sound = numbers.every((part) => part < 256) && last < 256 ** tail && numbers.length < 4;
  if (!sound || !/^[0-9a-fx.]+$/i.test(text)) return undefined;
  return Uint8Array.from([...numbers, ...Array.from({ length: tail }, (_, i) => (last / 256 ** (tail - 1 - i)) & 255)]);
}

/** Dotted decimal, or RFC 5952. */
function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  return compress(ipv6Groups(bytes));
}

/** RFC 5952 §4.2: the longest run of two or more zeros, the first of equals, becomes `::`. */
function compress(groups: readonly number[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    const end = groups.findIndex((group, i) => i >= start && group !== 0);
    const length = (end === -1 ? 8 : end) - start;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.length === 1) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}
