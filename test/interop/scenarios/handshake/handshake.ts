import { strict as assert } from 'node:assert';
import { commonKinds, type LeafKind } from '../../credentials/certificates.ts';
import { groupName } from '../../ends/names.ts';
import { factsAfterData, open } from '../../ends/pair.ts';
import type { Context, Scenario, Settings, Variant } from '../../types.ts';

export const suites = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'] as const;
export const classicalGroups = ['X25519', 'P-256', 'P-384', 'P-521'] as const;

const schemes: Readonly<Record<LeafKind, string>> = {
  'P-256': 'ecdsa_secp256r1_sha256',
  'P-384': 'ecdsa_secp384r1_sha384',
  'P-521': 'ecdsa_secp521r1_sha512',
  Ed25519: 'ed25519',
  Ed448: 'ed448',
  RSA: 'rsa_pss_rsae_sha256',
  'RSA-PSS': 'rsa_pss_pss_sha256',
};

/** Each suite × each classical group × each kind of key. */
export const handshake: Scenario = {
  name: 'handshake',
  variants: commonKinds.flatMap((leaf) =>
    classicalGroups.flatMap((group) => suites.map((suite) => handshakeWith(suite, group, leaf, schemes[leaf]))),
  ),
};

/** The schemes of RSA keys that the product above leaves out. */
export const rsaSchemes: Scenario = {
  name: 'rsa-schemes',
  variants: (['sha384', 'sha512'] as const).flatMap((hash) => [
    handshakeWith(suites[0], 'X25519', 'RSA', `rsa_pss_rsae_${hash}`),
    handshakeWith(suites[0], 'X25519', 'RSA-PSS', `rsa_pss_pss_${hash}`),
  ]),
};

/** A suite that neither side offers unless it is asked to. */
export const ccm: Scenario = {
  name: 'ccm',
  variants: [handshakeWith('TLS_AES_128_CCM_SHA256', 'X25519', 'P-256', schemes['P-256'])],
};

/** The one with short tags. */
export const ccm8: Scenario = {
  name: 'ccm_8',
  variants: [handshakeWith('TLS_AES_128_CCM_8_SHA256', 'X25519', 'P-256', schemes['P-256'])],
};

/** What the product leaves out for its size: the curves of 224 bits of security. */
export const curve448: Scenario = {
  name: 'curve448',
  variants: [
    handshakeWith(suites[0], 'X448', 'P-256', schemes['P-256']),
    handshakeWith(suites[0], 'X25519', 'Ed448', schemes.Ed448),
    handshakeWith(suites[2], 'X448', 'Ed448', schemes.Ed448),
  ],
};

/** The client offers one suite, one group and one scheme; the server takes everything. */
function handshakeWith(suite: string, group: string, leaf: LeafKind, scheme: string): Variant {
  return {
    name: `${suite} ${group} ${scheme}`,
    run: async (context) => {
      const client: Settings = { suites: [suite], groups: [group], schemes: [scheme] };
      const server = {
        credential: context.certificates.leaves[leaf],
        groups: [...classicalGroups, 'X448'],
        suites: [...suites, 'TLS_AES_128_CCM_SHA256', ...(suite.includes('CCM_8') ? [suite] : [])],
      };
      const pair = await open(context, { client, server, shared: true });
      assert.equal(pair.socket.getProtocol(), 'TLSv1.3');
      assert.equal(pair.socket.getCipher()?.name, suite);
      if (context.role === 'client') assert.equal(pair.socket.authorized, true);
      checkGroup(context, pair, group);
      assert.equal((await factsAfterData(pair)).suite, suite);
    },
  };
}

/** A client knows the group; of the servers only opentls's client can tell, or nobody. */
export function checkGroup(
  context: Context,
  pair: {
    readonly socket: { getEphemeralKeyInfo(): object | null | undefined };
    readonly facts: { readonly group?: string | undefined };
  },
  group: string,
): void {
  if (context.role === 'client') {
    const info: { readonly name?: string } | null | undefined = pair.socket.getEphemeralKeyInfo();
    assert.equal(groupName(info?.name), group);
  } else if (pair.facts.group !== undefined) {
    assert.equal(pair.facts.group, group);
  }
}
