import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type OddLeaf, oddLeaves, plain, root } from '../../../x509/made/odd-leaves.ts';
import { modules } from '../sides.ts';
import { meet, type Outcome } from './odd-peer.ts';

const judge = { ca: root.pem, key: plain.key, cert: plain.pem };
const roles = ['server', 'client'] as const;
const everywhere = roles.flatMap((by) => oddLeaves.map((odd) => ({ by, ...odd })));

function outcome(
  { by, der }: Pick<OddLeaf, 'der'> & { readonly by: (typeof roles)[number] },
  module: keyof typeof modules,
  rejectUnauthorized: boolean,
): Promise<Outcome> {
  return meet({ by, chain: [der], signer: plain.signer }, { ...judge, tls: modules[module], rejectUnauthorized });
}

/** OpenSSL does not look behind the list; here such names are as good as unreadable. */
const trailing = 'a subjectAltName with bytes after it';

describe('a certificate of which something cannot be read, without verification', () => {
  test.each(everywhere)('a $by with $name is reached where node:tls reaches it, and shown as there', async (odd) => {
    const [theirs, ours] = [await outcome(odd, 'node', false), await outcome(odd, 'opentls', false)];
    expect(ours.reached || !theirs.reached, ours.message).toBe(true);
    expect(ours.x509).toBe(isReadable(odd.der));
    if (!theirs.reached) return;
    expect(picked(ours)).toEqual({ ...picked(theirs), ...(odd.name === trailing && { subjectaltname: null }) });
    // What is wrong is said: as an authorizationError, or where nobody judges by it, as a mark.
    if (!theirs.authorized) expect(ours.code ?? ours.shown.unreadable, odd.name).toBeDefined();
  });
});

describe('a certificate of which something cannot be read, with verification', () => {
  test.each(everywhere)('a $by with $name is accepted, or refused for what it is', async (odd) => {
    const ours = await outcome(odd, 'opentls', true);
    if (ours.reached) {
      expect(ours.authorized).toBe(true);
      return;
    }
    expect(ours.code).not.toBe('ERR_TLS_INTERNAL');
    expect(ours.alert).toMatch(
      /^(bad_certificate|decode_error|unsupported_certificate|illegal_parameter|certificate_\w+)$/,
    );
  });
});

function picked({ shown }: Outcome): object {
  const { subject, issuer, subjectaltname, infoAccess, ca, serialNumber, raw, fingerprint256 } = shown;
  return {
    subject: { ...subject },
    issuer: { ...issuer },
    subjectaltname,
    infoAccess,
    ca,
    serialNumber,
    raw,
    fingerprint256,
  };
}

function isReadable(der: Uint8Array): boolean {
  try {
    new X509Certificate(der);
    return true;
  } catch {
    return false;
  }
}
