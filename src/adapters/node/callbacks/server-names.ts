/**
 * Makes the RegExp that `node:tls` makes of a name of `addContext()`: programs find it in `server._contexts`. The server
 * itself compares by {@link standsForName}, because a RegExp with two stars takes quadratic time over a client's text.
 * @param servername `*` stands for any run of characters within one label
 */
export function namePattern(servername: string): RegExp {
  const source = servername.replace(/[.^$+?\-\\[\]{}()|]/g, '\\$&').replaceAll('*', '[^.]*');
  const pattern = new RegExp(`^${source}$`, 'i');
  names.set(pattern, servername);
  return pattern;
}

/** Whether a pattern matches a name. A RegExp that {@link namePattern} did not make, but a program, is run as it is. */
export function standsForName(pattern: RegExp, name: string): boolean {
  const servername = names.get(pattern);
  return servername === undefined ? pattern.test(name) : matches(servername, name);
}

/**
 * Matches without recursion. Where the text behind a star does not fit, the star takes one more character and the text is
 * tried again. Only the last star has to: the first place in a label where the text behind a star fits is as good as any
 * other. The work is at most the product of both lengths, and the application chose the pattern.
 */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let next = 0;
  for (let i = 0; i < name.length; ) {
    const wanted = pattern.charCodeAt(at);
    const given = name.charCodeAt(i);
    if (wanted === STAR) {
      star = at++;
      next = i;
    } else if (fold(wanted) === fold(given)) {
      // A star takes characters of one label: it cannot go past a dot.
      if (given === DOT) star = -1;
      at++;
      i++;
    } else if (star >= 0 && name.charCodeAt(next) !== DOT) {
      at = star + 1;
      i = ++next;
    } else return false;
  }
  while (pattern.charCodeAt(at) === STAR) at++;
  return at === pattern.length;
}

/** Lower case: host names are ASCII (RFC 6066 §3), and compare without regard to case. */
function fold(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

const STAR = 0x2a;
const DOT = 0x2e;

/** The names that the patterns were made of. */
const names = new WeakMap<RegExp, string>();
