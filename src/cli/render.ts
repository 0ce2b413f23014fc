import { styleText } from 'node:util';
import { visible } from '../bytes/utf8.ts';
import type { CertificateFacts } from './describe.ts';
import type { ChainFinding } from './finding.ts';
import type { Report, Verification } from './look.ts';

/** The report as lines of text. @param color ANSI colours, for a terminal */
export function renderReport(report: Report, color: boolean): string {
  const paint = painter(color);
  const lines = [paint('bold', targetLine(report)), ''];
  if (report.error !== undefined) {
    const { stage, code, message } = report.error;
    const what = stage === 'tcp' ? 'No TCP connection' : 'No TLS connection';
    lines.push(`${paint('red', what)}: ${code}, ${visible(message)}`, '');
  }
  if (report.verification !== undefined)
    lines.push(...verificationLines(report.verification, report.verified, paint), '');
  if (report.negotiated !== undefined) lines.push(...negotiatedLines(report.negotiated, paint), '');
  lines.push(...timingLines(report.timings, paint));
  if (report.chain.length > 0) lines.push('', paint('bold', 'Chain, as sent'));
  for (const [index, certificate] of report.chain.entries()) lines.push(...certificateLines(certificate, index, paint));
  return `${lines.join('\n')}\n`;
}

/** @param color ANSI colours, for a terminal */
export function painter(color: boolean): Paint {
  return (style, text) => (color ? styleText(style, text) : text);
}

export type Paint = (style: 'bold' | 'red' | 'green', text: string) => string;

function targetLine({ target }: Report): string {
  const address = target.address === undefined || target.address === target.host ? '' : ` (${target.address})`;
  const name = target.servername === undefined ? ', no server name' : `, server name ${target.servername}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${host}:${target.port}${address}${name}`;
}

function verificationLines(verification: Verification, verified: boolean, paint: Paint): readonly string[] {
  const { chain, name, trust } = verification;
  return [
    `${paint('bold', 'Verified')}        ${verified ? paint('green', 'yes') : paint('red', 'NO')}`,
    ...chainLines(chain, paint),
    name.ok
      ? row('name', `${paint('green', 'ok')}: ${name.name}`)
      : row('name', `${paint('red', 'failed')}: ${name.code}, ${visible(name.reason)}: ${name.name}`),
    row('trust', `${trust.source}, ${trust.certificates} ${trust.certificates === 1 ? 'certificate' : 'certificates'}`),
  ];
}

export function chainLines(chain: ChainFinding, paint: Paint): readonly string[] {
  const path = (subjects: readonly string[]) => visible(subjects.map((subject) => subject || '(empty)').join(' <- '));
  if (chain.ok) return [row('chain', `${paint('green', 'ok')}: ${path(chain.path)}`)];
  return [
    row('chain', `${paint('red', 'failed')}: ${chain.code}, ${visible(chain.reason)}`),
    ...chain.paths.map((tried) => row('', `tried ${path(tried.path)}: ${tried.code} at number ${tried.at}`)),
    ...chain.passedOver.map(({ what, which, reason }) =>
      row('', `passed over ${visible(`${what} ${which}: ${reason}`)}`),
    ),
  ];
}

function negotiatedLines(negotiated: NonNullable<Report['negotiated']>, paint: Paint): readonly string[] {
  return [
    paint('bold', 'Negotiated'),
    row('version', negotiated.version),
    row('suite', negotiated.suite),
    row('group', `${negotiated.group}${negotiated.helloRetryRequest ? ', after a HelloRetryRequest' : ''}`),
    row('signature', negotiated.signatureScheme ?? 'none'),
    row('ALPN', visible(negotiated.alpn ?? 'none')),
  ];
}

function timingLines(timings: Report['timings'], paint: Paint): readonly string[] {
  const milliseconds = (value: number | undefined) => (value === undefined ? 'not reached' : `${value.toFixed(1)} ms`);
  const lookup = timings.lookup === undefined ? [] : [row('lookup', milliseconds(timings.lookup))];
  return [
    paint('bold', 'Timing'),
    ...lookup,
    row('tcp', milliseconds(timings.tcp)),
    row('tls', milliseconds(timings.tls)),
  ];
}

function certificateLines(certificate: CertificateFacts, index: number, paint: Paint): readonly string[] {
  const first = (text: string) => `  ${String(index).padEnd(3)}${text.slice(5)}`;
  const { details, fingerprints } = certificate;
  const prints = [row('SHA-256', fingerprints.sha256), row('SHA-1', fingerprints.sha1)];
  if (details === undefined) {
    return [first(row('', paint('red', `cannot be read: ${visible(certificate.unreadable ?? '')}`))), ...prints];
  }
  return [
    first(row('subject', details.subject === '' ? '(empty)' : visible(details.subject))),
    row('issuer', visible(details.issuer)),
    row('serial', details.serialNumber),
    row('valid', validity(details.notBefore, details.notAfter, paint)),
    row('key', keyText(details.key)),
    row('signed by', details.signatureAlgorithm),
    row('names', details.subjectAltNames.length === 0 ? 'none' : visible(details.subjectAltNames.join(', '))),
    row('CA', details.isCa ? 'yes' : 'no'),
    ...details.unreadable.map((text) => row('', paint('red', `odd: ${visible(text)}`))),
    ...prints,
  ];
}

function keyText(key: NonNullable<CertificateFacts['details']>['key']): string {
  const curve = key.curve === undefined ? '' : ` ${key.curve}`;
  return `${key.type.toUpperCase()}${curve}${key.bits === undefined ? '' : `, ${key.bits} bits`}`;
}

function validity(notBefore: string, notAfter: string, paint: Paint): string {
  const day = 86_400_000;
  const times = [Date.parse(notBefore), Date.parse(notAfter)];
  if (times.some(Number.isNaN)) return `${notBefore} to ${notAfter}`;
  const period = `${notBefore.slice(0, 19)}Z to ${notAfter.slice(0, 19)}Z`;
  const now = Date.now();
  const left = Date.parse(notAfter) - now;
  if (left < 0) return `${period} ${paint('red', `(expired ${Math.floor(-left / day)} days ago)`)}`;
  if (Date.parse(notBefore) > now) return `${period} ${paint('red', '(not valid yet)')}`;
  return `${period} (${Math.floor(left / day)} days left)`;
}

export function row(name: string, value: string): string {
  return `     ${name.padEnd(11)}${value}`;
}
