import { visible } from '../../bytes/utf8.ts';

/** The message of a server that shares nothing with the client. @param nameOf the name of what the client offers */
export function nothingShared<T>(
  what: string,
  offered: readonly T[],
  nameOf: (value: T) => string,
  own: readonly string[],
): string {
  return `no ${what} in common: the client offers ${listed(offered, nameOf)}; the server has ${listed(own, String)}`;
}

/** The first names, in a length that fits a line of a log: those of a client may be long, and many. */
function listed<T>(values: readonly T[], nameOf: (value: T) => string): string {
  if (values.length === 0) return 'none';
  const first = values.slice(0, MOST).map((value) => visible(nameOf(value).slice(0, LONGEST)));
  return values.length > MOST ? `${first.join(', ')} and ${values.length - MOST} more` : first.join(', ');
}

const MOST = 6;
const LONGEST = 40;
