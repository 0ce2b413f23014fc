/**
 * A name of `addContext()` as the RegExp that `node:tls` makes of it: that is what programs find in `server._contexts`.
 * What it stands for is told by {@link standsForName}, without it: over a client's text two stars would be quadratic.
 * @param servername `*` stands for any run of characters within one label
 */
export function namePattern(servername: string): RegExp {
  const source = servername.replace(/[.^$+?\-\\[\]{}()|]/g, '\\$&').replaceAll('*', '[^.]*');
  const pattern = new RegExp(`^${source}$`, 'i');
  names.set(pattern, servername);
  return pattern;
}

/** Whether a pattern stands for a name; one that {@link namePattern} did not make is tried as the RegExp that it is. */
export function standsForName(pattern: RegExp, name: string): boolean {
  const servername = names.get(pattern);
  return servername === undefined ? pattern.test(name) : matches(servername, name);
}

/**
 * For each character of the name at most a step along the pattern, and for a star back to it. Within a label the first
 * place where the text behind a star fits is as good as any other, so that only the last star is ever tried again: the
 * work is at most the product of both lengths, and the pattern is ours.
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
      // A dot ends the label, and with it what its star may take.
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

/** Host names are ASCII (RFC 9846 §4.3, RFC 6066 §3), and equal without regard to case. */
function fold(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

const STAR = 0x2a;
const DOT = 0x2e;

/** What the patterns were made of: gone with them. */
const names = new WeakMap<RegExp, string>();
