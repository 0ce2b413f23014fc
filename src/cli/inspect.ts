import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { look, type Target } from './look.ts';
import { renderReport } from './render.ts';
import { readArguments, readTrust, UsageError } from './usage.ts';

const help = `Usage: opentls inspect HOST[:PORT] [OPTIONS]

Connects to a TLS 1.3 server and shows its certificate chain, what was negotiated, how long it took, and why
verification passes or fails. PORT is 443 where it is left out; an IPv6 address goes in brackets.

Options:
  --ca FILE          file with the certificates to trust, in place of Node's default roots
  --servername NAME  name to ask for (SNI) and to check the certificate against; default: HOST
  --alpn A,B         application protocols to offer, best first
  --timeout MS       give up after this many milliseconds; default: 10000
  --json             print JSON
  --help             print this

Exit code: 0 verified, 1 verification failed, 2 wrong usage or no TLS connection.
`;

/** `opentls inspect`. @returns the exit code */
export async function inspect(args: readonly string[]): Promise<number> {
  const request = readArguments(() => readRequest(args));
  if (request === 'help') {
    process.stdout.write(help);
    return 0;
  }
  if (request instanceof UsageError) {
    process.stderr.write(`opentls inspect: ${request.message}\n\n${help}`);
    return 2;
  }
  const report = await look(request.target);
  const color = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
  process.stdout.write(request.json ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report, color));
  if (report.error !== undefined) return 2;
  return report.verified ? 0 : 1;
}

interface Request {
  readonly target: Target;
  readonly json: boolean;
}

function readRequest(args: readonly string[]): Request | 'help' {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help === true) return 'help';
  const [where, ...extra] = positionals;
  if (where === undefined) throw new UsageError('HOST:PORT is missing');
  if (extra.length > 0) throw new UsageError(`'${extra.join(' ')}' is one argument too many`);
  const { host, port } = readHostPort(where);
  const target: Target = {
    host,
    port,
    servername: values.servername ?? (isIP(host) === 0 ? host : undefined),
    trust: readTrust(values.ca),
    alpn: values.alpn === undefined ? [] : values.alpn.split(',').filter((name) => name !== ''),
    timeout: readTimeout(values.timeout),
  };
  return { target, json: values.json === true };
}

const options = {
  ca: { type: 'string' },
  servername: { type: 'string' },
  alpn: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function readHostPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port'] ?? 443);
  if (host === undefined || port < 1 || port > 65_535) throw new UsageError(`'${text}' is not HOST:PORT`);
  return { host, port };
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return 10_000;
  const timeout = Number(text);
  // 2^31-1 ms: what a timer can count.
  if (!(Number.isInteger(timeout) && timeout >= 1 && timeout < 2 ** 31)) {
    throw new UsageError('--timeout is a whole number of milliseconds');
  }
  return timeout;
}
