/** A disagreement with `openssl verify` that is understood. */
interface Rule {
  /** Our code, or 'accepted'. */
  readonly ours: string | RegExp;
  readonly openssl: RegExp;
  readonly oddity: RegExp;
  readonly why: string;
}

const rules: readonly Rule[] = [
  {
    ours: 'INVALID_EXTENSION',
    openssl: /OK$/,
    oddity: /broken name constraints/,
    why: 'empty name constraints: RFC 5280 section 4.2.1.10 has none such, OpenSSL takes them for no constraint',
  },
  {
    ours: 'INVALID_EXTENSION',
    openssl: /OK$/,
    oddity: /critical broken policies/,
    why: 'malformed policies: OpenSSL does not look at them unless it is asked to',
  },
];

/** Why ours and OpenSSL's verdict differ, where that is known. */
export function triage(ours: string, openssl: string, oddities: readonly string[]): string | undefined {
  const matches = (pattern: string | RegExp, text: string): boolean =>
    typeof pattern === 'string' ? pattern === text : pattern.test(text);
  const rule = rules.find(
    (candidate) =>
      matches(candidate.ours, ours) &&
      candidate.openssl.test(openssl) &&
      oddities.some((oddity) => candidate.oddity.test(oddity)),
  );
  return rule?.why;
}
