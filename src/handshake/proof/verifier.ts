import type { Awaitable } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { clock, type Rules, settle } from '../../options.ts';
import { hostName } from '../../x509/certificate/identity.ts';
import type { VerifyOptions } from '../../x509/verify/options.ts';
import { refused } from '../../x509/verify/refusal.ts';
import { verifyRules } from '../../x509/verify/rules.ts';
import type { Verdict } from '../../x509/verify/verified-peer.ts';
import { verifyPeer } from '../../x509/verify/verify.ts';
import type { ChainRequest } from '../terms/config.ts';

/** Options of `verifyPeer`, except those that the handshake decides. */
export interface VerifierOptions extends Omit<VerifyOptions, 'purpose' | 'time' | 'remembered'> {
  /**
   * The name that the peer's certificate must have. Default: for a server, `serverName` of the configuration; for a
   * client, none. `'any'` is for callers that look at the certificate themselves.
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
  const settings = settle(options, verifierRules, 'verifier: options', ['trust', 'verifiers']);
  const { now = Date.now, ...judgement } = settings;
  return (request) => {
    if (request.certificateType !== 'X509') {
      return refused({ code: 'RPK_UNTRUSTED', reason: 'a raw public key where certificates are judged' });
    }
    return verifyPeer(request.chain, {
      ...judgement,
      ...withStapled(request, judgement),
      name: settings.name ?? defaultName(request),
      remembered: request.remembered,
      purpose: request.peer,
      time: now(),
    });
  };
}

/** The name that a verifier without a `name` judges by. */
function defaultName({ peer, serverName }: ChainRequest): VerifyOptions['name'] {
  if (peer === 'client') return undefined;
  if (serverName === undefined) {
    return misuse('ERR_TLS_CONFIG', "no serverName to judge the server by: give the verifier a name, or say 'any'");
  }
  return hostName(serverName);
}

/** Adds what the peer stapled to its certificate to the options that look at it. */
function withStapled(
  { ocspResponse, timestamps }: ChainRequest,
  { revocation, transparency }: Pick<VerifyOptions, 'revocation' | 'transparency'>,
): Pick<VerifyOptions, 'revocation' | 'transparency'> {
  return {
    ...(revocation && ocspResponse && { revocation: { ...revocation, stapled: [ocspResponse] } }),
    ...(transparency && timestamps && { transparency: { ...transparency, fromTls: timestamps } }),
  };
}
