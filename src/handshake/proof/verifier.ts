import type { Awaitable } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { clock, type Rules, settle, wrong } from '../../options.ts';
import { hostName } from '../../x509/certificate/identity.ts';
import type { VerifyOptions } from '../../x509/verify/options.ts';
import { refused } from '../../x509/verify/refusal.ts';
import { verifyRules } from '../../x509/verify/rules.ts';
import type { Verdict } from '../../x509/verify/verified-peer.ts';
import { verifyPeer } from '../../x509/verify/verify.ts';
import type { ChainRequest } from '../terms/config.ts';

/** Options of `verifyPeer`, but for those that the handshake knows. */
export interface VerifierOptions extends Omit<VerifyOptions, 'purpose' | 'time' | 'remembered'> {
  /**
   * Who the peer must be. Default: of a server the name that it was asked for (`serverName`); of a client nobody in
   * particular. `'any'` is for callers that look at the certificate themselves.
   */
  readonly name?: VerifyOptions['name'];
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const { purpose: _purpose, time: _time, remembered: _remembered, ...rules } = verifyRules;
const verifierRules: Rules<VerifierOptions> = { ...rules, now: clock };

/**
 * Makes a `verifyChain` that judges certificates as `verifyPeer` does. Stapled OCSP responses and timestamps count where
 * `revocation` and `transparency` ask for them.
 * @returns a function that throws TlsError ERR_TLS_CONFIG for a server without a name
 * @throws TlsError ERR_TLS_CONFIG for an option that is missing, or is not what it must be
 *
 * @example
 * ```js
 * import { verifier } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 * import { TrustStore } from 'opentls/x509';
 *
 * const verifyChain = verifier({ trust: TrustStore.from(chain), verifiers: noble.verifiers });
 * const request = { peer: 'server', chain, certificateType: 'X509', serverName: 'other.example', resumed: false };
 * const verdict = await verifyChain(request);
 * console.log(verdict.code); // HOSTNAME_MISMATCH
 * ```
 */
export function verifier(options: VerifierOptions): (request: ChainRequest) => Awaitable<Verdict> {
  const asked = settled(options);
  const { now = Date.now } = asked;
  return (request) => {
    if (request.certificateType !== 'X509') {
      return refused({ code: 'RPK_UNTRUSTED', reason: 'a raw public key where certificates are judged' });
    }
    return verifyPeer(request.chain, {
      ...asked,
      ...cameAlong(request, asked),
      name: asked.name ?? nameAskedFor(request),
      remembered: request.remembered,
      purpose: request.peer,
      time: now(),
    });
  };
}

function settled(options: VerifierOptions): VerifierOptions {
  const own = settle<VerifierOptions>(options, verifierRules, 'verifier: options');
  for (const name of ['trust', 'verifiers'] as const) {
    if (own[name] === undefined) wrong(`verifier: options.${name}`, 'given', undefined);
  }
  return own as VerifierOptions;
}

function nameAskedFor({ peer, serverName }: ChainRequest): VerifyOptions['name'] {
  if (peer === 'client') return undefined;
  if (serverName === undefined) {
    return misuse('ERR_TLS_CONFIG', "no serverName to judge the server by: give the verifier a name, or say 'any'");
  }
  return hostName(serverName);
}

function cameAlong(
  { ocspResponse, timestamps }: ChainRequest,
  { revocation, transparency }: Pick<VerifyOptions, 'revocation' | 'transparency'>,
): Pick<VerifyOptions, 'revocation' | 'transparency'> {
  return {
    ...(revocation && ocspResponse && { revocation: { ...revocation, stapled: [ocspResponse] } }),
    ...(transparency && timestamps && { transparency: { ...transparency, fromTls: timestamps } }),
  };
}
