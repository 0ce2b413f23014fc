import type { AskName } from '#opentls/handshake/terms/script';
import { CipherSuiteId } from '#opentls/wire/enums';
import { type Side, sides } from '../../kit/pair.ts';
import { askNames, type Fate, type Pick } from './answers.ts';

// The plan of one run: what both sides may do, and which trouble they meet.

/** What befalls a run, beside its interleaving. */
export interface Trouble {
  /** An operation of one of the two does not succeed. */
  readonly ask?: { readonly what: AskName; readonly fate: Fate } | undefined;
  /** Someone or something steps in, `after` so many steps. */
  readonly intervention?: { readonly kind: Intervention; readonly side: Side; readonly after: number } | undefined;
}
export type Intervention = 'destroy' | 'closeWrite' | 'abort' | 'transport ends' | 'bit flips';
const interventions: readonly Intervention[] = ['destroy', 'closeWrite', 'abort', 'transport ends', 'bit flips'];

export interface Plan {
  readonly trouble: Trouble;
  readonly retry: boolean;
  readonly resume: boolean;
  readonly early: boolean;
  readonly external: boolean;
  readonly exchange: boolean;
  readonly clientCertificate: 'none' | 'optional' | 'required';
  readonly askLater: boolean;
  readonly compression: boolean;
  readonly alpn: boolean;
  readonly tickets: boolean;
  readonly suite: number;
  readonly keylog: boolean;
  readonly grease: boolean;
  readonly compatible: boolean;
  readonly pumped: { readonly client: boolean; readonly server: boolean };
}

export function planOf(index: number, pick: Pick): Plan {
  const coin = (): boolean => pick(2) === 0;
  const trouble = troubleOf(index, pick);
  const needs = (...names: readonly AskName[]): boolean =>
    trouble.ask !== undefined && names.includes(trouble.ask.what);
  // No side signs where a PSK authenticates.
  const signed = needs('chooseClientCredentials', 'verifySignature', 'sign', 'compress', 'decompress');
  const early = !signed && (needs('admitEarlyData') || pick(4) === 0);
  const resume = !signed && (early || needs('takeSession', 'openTicket') || pick(3) === 0);
  const external = !signed && !early && (needs('findPsk') || pick(5) === 0);
  return {
    trouble,
    retry: !needs('admitEarlyData') && pick(3) === 0,
    resume,
    early,
    external,
    exchange: !(resume || external) || needs('keyShare', 'agree', 'encapsulate') || pick(4) > 0,
    clientCertificate: needs('admitEarlyData')
      ? 'none'
      : ((['none', 'optional', 'required'] as const)[pick(3)] ?? 'none'),
    askLater: coin(),
    compression: needs('compress', 'decompress') || coin(),
    // The session has none: with it, 0-RTT data is refused.
    alpn: !needs('admitEarlyData') && (needs('chooseProtocol') || coin()),
    tickets: resume || needs('sealTicket') || coin(),
    suite: coin() ? CipherSuiteId.TLS_AES_128_GCM_SHA256 : CipherSuiteId.TLS_AES_256_GCM_SHA384,
    keylog: coin(),
    grease: coin(),
    compatible: coin(),
    pumped: { client: coin(), server: coin() },
  };
}

/** A third of the runs are left alone; the others go through all that there is, and some meet with two things. */
function troubleOf(index: number, pick: Pick): Trouble {
  const nth = Math.floor(index / 3);
  const failing = ['throws', 'rejects', 'never'] as const;
  const what = askNames[nth % askNames.length] ?? 'keyShare';
  const ask = { what, fate: failing[Math.floor(nth / askNames.length) % 3] ?? 'throws' };
  const kind = interventions[nth % interventions.length] ?? 'destroy';
  const intervention = { kind, side: sides[pick(2)] ?? 'client', after: pick(pick(2) === 0 ? 30 : 90) };
  switch (index % 3) {
    case 0:
      return {};
    case 1:
      return { ask, ...(pick(3) === 0 && { intervention }) };
    default:
      return { intervention };
  }
}
