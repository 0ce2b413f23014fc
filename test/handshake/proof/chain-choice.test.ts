// Which of its certificates a side shows: by how their chains are signed, and what their keys may do.
import { describe, expect, test } from 'vitest';
import type { Signer } from '#opentls/crypto/provider';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { SignatureScheme } from '#opentls/wire/enums';
import { type CertificateOptions, createCertificate } from '#opentls/x509/create/create';
import { type GeneratedKeyKind, generatePrivateKey } from '#opentls/x509/private-key/generate';
import { type Ends, errorOf, newPair, openPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const {
  ecdsa_secp256r1_sha256: ecdsa,
  ecdsa_secp384r1_sha384: ecdsa384,
  ed25519,
  rsa_pkcs1_sha256: rsa,
  rsa_pkcs1_sha1: sha1,
} = SignatureScheme;

function certificateOf(subject: string, signer: Signer, options: Partial<CertificateOptions> = {}): Uint8Array {
  const period = { notBefore: Date.now() - 1000, notAfter: Date.now() + 86_400_000 };
  const made = createCertificate({ provider, subject, signer, ...period, ...options });
  return 'then' in made ? expect.fail('these signers answer at once') : made.der;
}

const signerOf = (kind: GeneratedKeyKind): Signer => provider.signer(generatePrivateKey(kind, provider.random));

interface Authority {
  readonly signer: Signer;
  readonly certificate: Uint8Array;
}

function authority(kind: GeneratedKeyKind, above?: Authority): Authority {
  const signer = signerOf(kind);
  if (above === undefined) return { signer, certificate: certificateOf(`a root with ${kind}`, signer, { isCa: true }) };
  const { publicKey } = signer;
  const issuer = { certificate: above.certificate };
  return { signer, certificate: certificateOf(`below, with ${kind}`, above.signer, { isCa: true, publicKey, issuer }) };
}

/** A leaf for ECDSA with P-256, of an authority with what is above that. */
function issued(
  by: Authority,
  above: readonly Authority[] = [],
  options: Partial<CertificateOptions> = {},
): Credential {
  const signer = signerOf('P-256');
  const leaf = certificateOf('a leaf', by.signer, {
    publicKey: signer.publicKey,
    issuer: { certificate: by.certificate },
    ...options,
  });
  return { chain: [leaf, ...[by, ...above].map(({ certificate }) => certificate)], signer };
}

const [byEcdsa, byEcdsa384, byEd25519] = [authority('P-256'), authority('P-384'), authority('ed25519')];
const [ofEcdsa, ofEcdsa384, ofEd25519] = [issued(byEcdsa), issued(byEcdsa384), issued(byEd25519)];
const below = authority('P-256', byEd25519);
const ofBoth = issued(below, [byEd25519]);
// Nobody makes these any more: sha1WithRSAEncryption (RFC 4055 §5) is written over the OID with SHA-256.
const byRsa: Signer = { schemes: [rsa], sign: () => new Uint8Array(256) };
const ofSha1 = { ...issued({ ...byEcdsa, signer: byRsa }) };
ofSha1.chain = ofSha1.chain.map((der) => {
  const hex = Buffer.from(der).toString('hex').replaceAll('2a864886f70d01010b', '2a864886f70d010105');
  return new Uint8Array(Buffer.from(hex, 'hex'));
});
const signer = signerOf('P-256');
const selfSigned: Credential = { chain: [certificateOf('myself', signer)], signer };

/** What both sides say they take, and what is there; the key of each leaf is for ECDSA with P-256. */
type Row = readonly [
  string,
  Pick<ClientConfig & ServerConfig, 'signatureSchemes' | 'certificateSchemes'>,
  readonly Credential[],
  Credential,
];
const rows: readonly Row[] = [
  ['the first, where all are', {}, [ofEd25519, ofEcdsa], ofEd25519],
  ['one that is', { certificateSchemes: [ed25519] }, [ofEcdsa, ofEd25519], ofEd25519],
  ['the first that is', { certificateSchemes: [ecdsa384, ed25519] }, [ofEcdsa, ofEd25519, ofEcdsa384], ofEd25519],
  ['one that is, by signature_algorithms', { signatureSchemes: [ecdsa] }, [ofEd25519, ofEcdsa], ofEcdsa],
  [
    'one that is, by signature_algorithms_cert before that',
    { signatureSchemes: [ecdsa], certificateSchemes: [ed25519] },
    [ofEcdsa, ofEd25519],
    ofEd25519,
  ],
  ['one that is all the way up', { signatureSchemes: [ecdsa] }, [ofBoth, ofEcdsa], ofEcdsa],
  ['one that is signed with two of them', { certificateSchemes: [ecdsa, ed25519] }, [ofEcdsa384, ofBoth], ofBoth],
  ['one that is signed by itself', { certificateSchemes: [ed25519] }, [ofEcdsa, selfSigned], selfSigned],
  ['the first, where none is', { certificateSchemes: [ecdsa384] }, [ofEd25519, ofEcdsa], ofEd25519],
  ['none with SHA-1, where none is', { certificateSchemes: [ecdsa384] }, [ofSha1, ofEd25519], ofEd25519],
  ['one with SHA-1, where that is', { certificateSchemes: [sha1] }, [ofEcdsa, ofSha1], ofSha1],
  ['one with SHA-1, where there is no other', { certificateSchemes: [ecdsa384] }, [ofSha1], ofSha1],
];

describe('of chains, one that is signed with what the peer takes, RFC 9846 §4.5.1.2', () => {
  test.each(rows)('a server shows %s', (_, takes, credentials, shown) => {
    expect(openPair(takes, { credentials }).client.facts?.peerChain).toEqual(shown.chain);
  });

  test.each(rows)('a client shows %s', (_, takes, credentials, shown) => {
    const { server } = openPair({ credentials }, { ...takes, clientCertificate: 'required' });
    expect(server.facts?.peerChain).toEqual(shown.chain);
  });

  test('the key comes before the chain: it has to sign', () => {
    const other: Credential = { ...issued(byEd25519), signer: signerOf('ed25519') };
    const takes = { signatureSchemes: [ecdsa], certificateSchemes: [ed25519] };
    expect(openPair(takes, { credentials: [other, ofEcdsa] }).client.facts?.peerChain).toEqual(ofEcdsa.chain);
  });
});

describe('of keys, one that may sign, RFC 9846 §4.5.1.2', () => {
  const agreeing = issued(byEcdsa, [], { keyUsage: ['keyAgreement'] });
  const signing = issued(byEcdsa, [], { keyUsage: ['digitalSignature'] });

  test.each<[string, readonly Credential[], Credential]>([
    ['one that says so', [agreeing, signing], signing],
    ['one that says nothing', [agreeing, ofEcdsa], ofEcdsa],
    ['the first of those', [ofEcdsa, signing, agreeing], ofEcdsa],
    ['even of a chain that fits less', [agreeing, ofEd25519], ofEd25519],
  ])('%s', (_, credentials, shown) => {
    const takes = { signatureSchemes: [ecdsa] };
    expect(openPair(takes, { credentials }).client.facts?.peerChain).toEqual(shown.chain);
    const { server } = openPair({ credentials }, { ...takes, clientCertificate: 'required' });
    expect(server.facts?.peerChain).toEqual(shown.chain);
  });

  test('where none may, the peer says so', () => {
    const credentials = [agreeing, issued(byEcdsa, [], { keyUsage: ['keyEncipherment'] })];
    const refusal = { code: 'ERR_TLS_KEY_USAGE', alert: 'illegal_parameter' };
    const ends: Ends = shuttle(newPair({}, { credentials }));
    expect(errorOf(ends.clientEvents)).toEqual(refusal);
    expect(errorOf(shuttle(newPair({ credentials }, { clientCertificate: 'required' })).serverEvents)).toEqual(refusal);
  });
});

test('what is no certificate is shown as it is: the peer says so', () => {
  const nonsense: Credential = { chain: [Uint8Array.of(1, 2, 3)], signer: signerOf('P-256') };
  const takes = { certificateSchemes: [ed25519] };
  const { clientEvents } = shuttle(newPair(takes, { credentials: [nonsense] }));
  expect(errorOf(clientEvents)).toEqual({ code: 'ERR_TLS_CERTIFICATE_DECODE', alert: 'decode_error' });
});
