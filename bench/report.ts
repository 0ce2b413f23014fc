import Table from 'cli-table3';

/** One line of a table: the columns of the first row head it. */
export type Row = Readonly<Record<string, string>>;

export function printTable(title: string, rows: readonly Row[]): void {
  const head = Object.keys(rows[0] ?? {});
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(head.map((column) => row[column] ?? ''));
  process.stdout.write(`\n${title}\n${table.toString()}\n`);
}
