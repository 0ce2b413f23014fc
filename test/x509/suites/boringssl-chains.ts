import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { ExtKeyUsageOid } from '#opentls/x509/certificate/extensions';
import type { TrustAnchor } from '#opentls/x509/path/anchor';
import { TrustStore } from '#opentls/x509/path/trust';
import { type Profile, rfc5280 } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';

/** A single chain with what BoringSSL's VerifyCertificateChain says of it (pki/testdata/verify_certificate_chain_unittest). */
export interface ChainCase {
  readonly id: string;
  readonly chain: string;
  readonly lastCertTrust: string;
  readonly time: string;
  readonly keyPurpose: string;
  readonly digestPolicy: 'STRONG' | null;
  readonly expectedUserConstrainedPolicySet: readonly string[] | null;
  readonly expected: 'valid' | 'invalid';
  readonly expectedErrors: readonly string[];
}

export interface ChainFile {
  readonly tests: readonly ChainCase[];
  readonly chains: Readonly<Record<string, readonly string[]>>;
}

const purposes: Readonly<Record<string, VerifyOptions['purpose']>> = {
  SERVER_AUTH: 'server',
  SERVER_AUTH_STRICT: 'server',
  SERVER_AUTH_STRICT_LEAF: 'server',
  CLIENT_AUTH: 'client',
  CLIENT_AUTH_STRICT: 'client',
  CLIENT_AUTH_STRICT_LEAF: 'client',
  ANY_EKU: 'any',
};

/** Undefined for a purpose that is not of TLS. */
export function judgeChain(given: ChainCase, file: ChainFile): Verdict | undefined {
  const purpose = purposes[given.keyPurpose];
  if (purpose === undefined) return undefined;
  const chain = (file.chains[given.chain] ?? []).map((text) => new Uint8Array(Buffer.from(text, 'base64')));
  const verdict = verifyPeer(chain, {
    trust: trustIn(chain.at(-1) ?? new Uint8Array(0), given.lastCertTrust),
    verifiers: node.verifiers,
    purpose,
    name: 'any',
    time: Date.parse(given.time),
    profile: profileFor(given),
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

function trustIn(last: Uint8Array, trust: string): TrustStore {
  if (trust === 'UNSPECIFIED') return TrustStore.from([]);
  if (trust === 'DISTRUSTED') return TrustStore.from([last], { distrusted: [last] });
  if (trust.startsWith('TRUSTED_LEAF')) {
    return TrustStore.from([last], { allowPartial: !trust.endsWith('REQUIRE_SELF_SIGNED') });
  }
  return TrustStore.from([anchorAs(last, trust)], { allowPartial: true });
}

function anchorAs(certificate: Uint8Array, trust: string): TrustAnchor {
  if (trust.includes('OR_LEAF')) return certificate;
  const constraints = trust.includes('CONSTRAINTS');
  const validity = trust.includes('EXPIRATION');
  if (constraints || validity) return { certificate, constraints, validity };
  const { subject, spki } = parseCertificate(certificate);
  return { subject: subject.raw, spki };
}

/** BoringSSL's KeyPurpose variants: the strict ones ask for the extension and for nothing beside it. */
function profileFor({ keyPurpose, digestPolicy }: ChainCase): Profile {
  const weakDigests = digestPolicy === 'STRONG' ? [] : (['sha1'] as const);
  const lax: Profile = { ...rfc5280, weakDigests };
  if (!keyPurpose.includes('STRICT')) return lax;
  const incompatible = [ExtKeyUsageOid.codeSigning, ExtKeyUsageOid.ocspSigning, ExtKeyUsageOid.timeStamping];
  const leaf = { ...lax.extKeyUsage, anyInLeaf: false, inLeaf: 'required', incompatible } as const;
  if (keyPurpose.endsWith('LEAF')) return { ...lax, caAsLeaf: false, extKeyUsage: leaf };
  const inCa = keyPurpose.startsWith('CLIENT') ? 'required' : 'optional';
  return { ...lax, caAsLeaf: false, extKeyUsage: { ...leaf, anyInCa: false, inCa } };
}
