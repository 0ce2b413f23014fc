import { readFileSync } from 'node:fs';

type Role = 'client' | 'server';

/** One trace of RFC 8448; bytes are hexadecimal. vectors/README.md says where the files come from. */
export interface Trace {
  readonly title: string;
  readonly messages: readonly { readonly role: Role; readonly name: string; readonly hex: string }[];
  readonly records: readonly TraceRecord[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly secretTranscriptHashes: Readonly<Record<string, string>>;
  readonly trafficKeys: Readonly<
    Record<string, { readonly secret: string; readonly key: string; readonly iv: string }>
  >;
  readonly finished: Readonly<
    Record<Role, { readonly baseKey: string; readonly finishedKey: string; readonly verifyData: string }>
  >;
  readonly resumption?: { readonly ticketNonce: string; readonly psk: string };
  readonly pskBinder?: { readonly clientHelloPrefix: string; readonly binderKey: string; readonly binder: string };
}

export interface TraceRecord {
  readonly role: Role;
  readonly type: 'handshake' | 'application_data' | 'alert' | 'change_cipher_spec';
  /** The content before protection. */
  readonly payload: string;
  /** As sent, header included. */
  readonly record: string;
  /** `none`, or a name in {@link Trace.trafficKeys}. */
  readonly protection: string;
}

export const sections = [3, 4, 5, 6, 7] as const;

export function loadTrace(section: (typeof sections)[number]): Trace {
  const url = new URL(`../../vectors/rfc8448/section${section}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Trace;
}

/** @throws Error where the trace has no such value: a test must not pass over `undefined` */
export function wanted<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the trace does not have this value');
  return value;
}
