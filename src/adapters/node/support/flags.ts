/**
 * The value of a flag of the `node` command, from the command line or NODE_OPTIONS; the last counts. `true` for a flag
 * without a value.
 */
export function flagOf(name: string): string | true | undefined {
  const given = [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv];
  let value: string | true | undefined;
  for (const [index, word] of given.entries()) {
    if (word === name) value = given[index + 1]?.startsWith('-') === false ? given[index + 1] : true;
    else if (word.startsWith(`${name}=`)) value = word.slice(name.length + 1);
  }
  return value;
}
