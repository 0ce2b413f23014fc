import type nodeTls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#opentls/bytes/utf8';
import { element } from '#opentls/x509/asn1/der-write';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { authority, type Holder, type Overrides, serverLeaf } from '../../../x509/made/chain.ts';
import { close, event, listen, modules, root } from '../sides.ts';

/** Bases of subtrees, in place of GeneralName: context tags 1, 2, 6 and 7. */
interface Subtrees {
  readonly dns?: readonly string[];
  readonly email?: readonly string[];
  readonly uri?: readonly string[];
  /** Address and mask. */
  readonly ip?: readonly (readonly number[])[];
}

interface Case {
  readonly permitted?: Subtrees;
  readonly excluded?: Subtrees;
  readonly leaf: Pick<Overrides, 'subject' | 'subjectAltNames' | 'extensions'>;
  readonly host: string;
  /** What `node:tls` says; also ours, where nothing else is said. */
  readonly node: string | null;
  /** Where `node:tls` takes the leaf for a host that its issuer may not vouch for. */
  readonly ours?: string;
}

const cn = (...names: readonly string[]) => names.map((value) => ({ type: 'CN', value }) as const);
const mail = (value: string) => [{ type: 'CN', value: 'Ann' } as const, { type: 'emailAddress', value } as const];
const good = { dns: ['good.com'] };
const violation = 'UNSPECIFIED';
const mismatch = 'ERR_TLS_CERT_ALTNAME_INVALID';
const none = { subjectAltNames: {} };

const cases: Readonly<Record<string, Case>> = {
  'a common name inside': { permitted: good, leaf: { subject: 'a.good.com', ...none }, host: 'a.good.com', node: null },
  'a common name outside': { permitted: good, leaf: { subject: 'bad.net', ...none }, host: 'bad.net', node: violation },
  'a common name outside, of another host': {
    permitted: good,
    leaf: { subject: 'bad.net', ...none },
    host: 'other.net',
    node: violation,
  },
  'a common name that is excluded': {
    excluded: { dns: ['bad.net'] },
    leaf: { subject: 'a.bad.net', ...none },
    host: 'a.bad.net',
    node: violation,
  },
  'a common name that is not excluded': {
    excluded: { dns: ['bad.net'] },
    leaf: { subject: 'a.com', ...none },
    host: 'a.com',
    node: null,
  },
  'one of several common names outside': {
    permitted: good,
    leaf: { subject: cn('good.com', 'bad.net'), ...none },
    host: 'good.com',
    node: violation,
  },
  'several common names inside': {
    permitted: good,
    leaf: { subject: cn('good.com', 'b.good.com'), ...none },
    host: 'b.good.com',
    node: null,
  },
  'a common name beside a dNSName counts for nothing': {
    permitted: good,
    leaf: { subject: 'bad.net', subjectAltNames: { dns: ['good.com'] } },
    host: 'good.com',
    node: null,
  },
  'a common name beside an address': {
    permitted: good,
    leaf: { subject: 'bad.net', subjectAltNames: { ip: ['127.0.0.1'] } },
    host: 'bad.net',
    node: violation,
  },
  'a common name that is no host name': {
    permitted: good,
    leaf: { subject: 'The Router', subjectAltNames: { ip: ['127.0.0.1'] } },
    host: '127.0.0.1',
    node: null,
  },
  'a common name of one label, for an address': {
    permitted: good,
    leaf: { subject: 'router', subjectAltNames: { ip: ['127.0.0.1'] } },
    host: '127.0.0.1',
    node: null,
  },
  'a common name of one label, for itself': {
    permitted: good,
    leaf: { subject: 'router', ...none },
    host: 'router',
    node: null,
    ours: violation,
  },
  'a common name with a wildcard outside': {
    permitted: good,
    leaf: { subject: '*.bad.net', ...none },
    host: 'a.bad.net',
    node: null,
    ours: violation,
  },
  'a common name with a wildcard inside': {
    permitted: good,
    leaf: { subject: '*.good.com', ...none },
    host: 'a.good.com',
    node: null,
  },
  'a common name with a wildcard over what is excluded': {
    excluded: { dns: ['a.bad.net'] },
    leaf: { subject: 'a*.bad.net', ...none },
    host: 'a.bad.net',
    node: null,
    ours: violation,
  },
  'a dNSName with part of a label over what is excluded': {
    excluded: { dns: ['a.bad.net'] },
    leaf: { subject: 'x', subjectAltNames: { dns: ['a*.bad.net'] } },
    host: 'a.bad.net',
    node: null,
    ours: violation,
  },
  'a common name with a dot behind': {
    permitted: good,
    leaf: { subject: 'bad.net.', ...none },
    host: 'bad.net',
    node: null,
    ours: violation,
  },
  'a common name in the letters of an address': {
    permitted: good,
    leaf: { subject: '127.0.0.1', ...none },
    host: '127.0.0.1',
    node: violation,
  },
  'a common name in the letters of an address, under addresses': {
    permitted: { ip: [[10, 0, 0, 0, 255, 0, 0, 0]] },
    leaf: { subject: '127.0.0.1', ...none },
    host: '127.0.0.1',
    node: mismatch,
  },
  'a dNSName outside': {
    permitted: good,
    leaf: { subject: 'x', subjectAltNames: { dns: ['bad.net'] } },
    host: 'bad.net',
    node: violation,
  },
  'an address outside': {
    permitted: { ip: [[10, 0, 0, 0, 255, 0, 0, 0]] },
    leaf: { subject: 'x', subjectAltNames: { ip: ['127.0.0.1'] } },
    host: '127.0.0.1',
    node: violation,
  },
  'an address that is excluded': {
    excluded: { ip: [[127, 0, 0, 0, 255, 0, 0, 0]] },
    leaf: { subject: 'x', subjectAltNames: { ip: ['127.0.0.1'] } },
    host: '127.0.0.1',
    node: violation,
  },
  'a URI outside': {
    permitted: { uri: ['good.com'] },
    leaf: { subject: 'x', subjectAltNames: { dns: ['a.com'], uri: ['https://bad.net/'] } },
    host: 'a.com',
    node: violation,
  },
  'a mailbox outside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: 'x', subjectAltNames: { dns: ['a.com'], email: ['ann@bad.net'] } },
    host: 'a.com',
    node: violation,
  },
  'a mailbox in the subject outside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: mail('ann@bad.net'), ...none },
    host: 'a.com',
    node: violation,
  },
  'a mailbox in the subject outside, beside subjectAltName': {
    permitted: { email: ['good.com'] },
    leaf: { subject: mail('ann@bad.net'), subjectAltNames: { dns: ['a.com'] } },
    host: 'a.com',
    node: violation,
  },
  'a mailbox in the subject that is excluded, beside subjectAltName': {
    excluded: { email: ['bad.net'] },
    leaf: { subject: mail('ann@bad.net'), subjectAltNames: { dns: ['a.com'] } },
    host: 'a.com',
    node: violation,
  },
  'a mailbox in the subject inside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: mail('ann@good.com'), subjectAltNames: { dns: ['a.com'] } },
    host: 'a.com',
    node: null,
  },
  'a SmtpUTF8Mailbox outside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: 'x', ...none, extensions: [namesOf('a.com', '\u533b@bad.net')] },
    host: 'a.com',
    node: violation,
  },
  'a SmtpUTF8Mailbox that could have been an rfc822Name, outside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: 'x', ...none, extensions: [namesOf('a.com', 'ann@bad.net')] },
    host: 'a.com',
    node: violation,
  },
  'a SmtpUTF8Mailbox that is excluded': {
    excluded: { email: ['bad.net'] },
    leaf: { subject: 'x', ...none, extensions: [namesOf('a.com', '\u533b@bad.net')] },
    host: 'a.com',
    node: violation,
  },
  'a SmtpUTF8Mailbox inside': {
    permitted: { email: ['good.com'] },
    leaf: { subject: 'x', ...none, extensions: [namesOf('a.com', '\u533b@good.com')] },
    host: 'a.com',
    node: null,
  },
  'a SmtpUTF8Mailbox where mailboxes are not bound': {
    permitted: { dns: ['a.com'] },
    leaf: { subject: 'x', ...none, extensions: [namesOf('a.com', '\u533b@bad.net')] },
    host: 'a.com',
    node: null,
  },
};

/** subjectAltName with a dNSName and a SmtpUTF8Mailbox (RFC 9598). */
function namesOf(dns: string, mailbox: string) {
  const oid = Uint8Array.of(6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 9);
  const other = element(0xa0, oid, element(0xa0, element(0x0c, utf8(mailbox))));
  return { oid: ExtensionOid.subjectAltName, value: element(0x30, element(0x82, utf8(dns)), other) };
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

function subtrees(tag: number, given: Subtrees = {}): Uint8Array[] {
  const bases = [
    ...(given.email ?? []).map((base) => element(0x81, bytes(base))),
    ...(given.dns ?? []).map((base) => element(0x82, bytes(base))),
    ...(given.uri ?? []).map((base) => element(0x86, bytes(base))),
    ...(given.ip ?? []).map((base) => element(0x87, Uint8Array.from(base))),
  ];
  return bases.length === 0 ? [] : [element(tag, ...bases.map((base) => element(0x30, base)))];
}

/** A chain whose intermediate has the constraints, and whose leaf is for either side. */
function chainOf({ permitted, excluded, leaf }: Case): { readonly ca: Holder; readonly leaf: Holder } {
  const value = element(0x30, ...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded));
  const ca = authority('constrained', root, {
    extensions: [{ oid: ExtensionOid.nameConstraints, critical: true, value }],
  });
  return { ca, leaf: serverLeaf(ca, { extendedKeyUsage: ['serverAuth', 'clientAuth'], ...leaf }) };
}

type Tls = typeof nodeTls;
const ca = root.pem;
const minVersion = 'TLSv1.3';

/** What a client says of the server's chain. */
async function asClient(tls: Tls, given: Case): Promise<string | null> {
  const chain = chainOf(given);
  const server = modules.node.createServer({ key: chain.leaf.key, cert: chain.leaf.pem + chain.ca.pem });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  const servername = given.host.startsWith('127') ? '' : given.host;
  const socket = tls.connect({ port, host: '127.0.0.1', servername, ca, minVersion, rejectUnauthorized: false });
  await event(socket, 'secureConnect');
  socket.destroy();
  await close(server);
  return outcome(socket);
}

/** What a server says of the client's. */
async function asServer(tls: Tls, given: Case): Promise<string | null> {
  const { leaf, ca: issuer } = chainOf(given);
  const own = serverLeaf(root);
  const options = {
    key: own.key,
    cert: own.pem,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion,
  } as const;
  const server = tls.createServer(options);
  const port = await listen(server);
  const client = modules.node.connect({
    port,
    host: '127.0.0.1',
    key: leaf.key,
    cert: leaf.pem + issuer.pem,
    rejectUnauthorized: false,
  });
  const [socket] = (await event(server, 'secureConnection')) as [nodeTls.TLSSocket];
  const said = outcome(socket);
  client.destroy();
  await close(server);
  return said;
}

/** As text: newer versions of Node give the error itself. */
function outcome({ authorized, authorizationError }: nodeTls.TLSSocket): string | null {
  const error: unknown = authorizationError;
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : error;
  if (authorized === (code === null || code === undefined)) return authorized ? null : String(code);
  throw new Error(`authorized ${authorized} with ${code}`);
}

describe('whatever a leaf can be taken for, its issuers may vouch for', () => {
  test.each(Object.entries(cases))('%s', async (_name, given) => {
    expect(await asClient(modules.node, given)).toBe(given.node);
    expect(await asClient(modules.opentls, given)).toBe(given.ours ?? given.node);
  });
});

describe('the same of clients, as node:tls has it', () => {
  const outsideHosts = ['of one label, for itself', 'a common name with', 'with part of a label'];
  const alike = Object.entries(cases).filter(([name]) => !outsideHosts.some((part) => name.includes(part)));
  test.each(alike)('%s', async (_name, given) => {
    expect(await asServer(modules.opentls, given)).toBe(await asServer(modules.node, given));
  });
});
