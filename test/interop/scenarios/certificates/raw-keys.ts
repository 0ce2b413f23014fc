import { strict as assert } from 'node:assert';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import type { Credential as CoreCredential } from '#opentls/handshake/terms/credential';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { verifyRawPublicKey } from '#opentls/x509/verify/raw-public-key';
import { type Certificates, serverName } from '../../credentials/certificates.ts';
import { type CoreSide, connectCore, coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange } from '../../ends/data.ts';
import type { Context, PeerSession, Scenario, Settings } from '../../types.ts';

type Side = 'CLI' | 'SRV';

const sidesOf: readonly (readonly Side[])[] = [['SRV'], ['CLI'], ['SRV', 'CLI']];

/** Raw public keys in place of certificates, RFC 7250: of the server, of the client, of both. */
export const rawKeys: Scenario = {
  name: 'raw-public-keys',
  variants: sidesOf.map((sides) => ({
    name: sides.join(' and '),
    run: async (context) => {
      const { ours, theirs } = context.role === 'client' ? await connect(context, sides) : await accept(context, sides);
      const [own, other]: readonly Side[] = context.role === 'client' ? ['CLI', 'SRV'] : ['SRV', 'CLI'];
      const { localChain, peerChain, peerCertificateType } = ours.facts;
      if (own && sides.includes(own)) assert.deepEqual(localChain, [keysOf(context.certificates).ours.spki]);
      if (other && sides.includes(other)) {
        assert.equal(peerCertificateType, 'RawPublicKey');
        assert.deepEqual(peerChain, [keysOf(context.certificates).theirs.spki]);
      }
      await exchange(ours, theirs);
      // What was agreed on for each side, in the peer's words.
      for (const side of sides) {
        const name = side === 'SRV' ? 'server' : 'client';
        await theirs.says(new RegExp(`Selected ${name} certificate type Raw Public Key`), 1);
      }
    },
  })),
};

interface Meeting {
  readonly ours: CoreSide;
  readonly theirs: PeerSession;
}

async function connect(context: Context, sides: readonly Side[]): Promise<Meeting> {
  const { peer, subject, certificates, scope } = context;
  const { provider } = subject;
  const listener = await peer.listen(
    {
      ...theirKey(context, sides.includes('SRV')),
      ...(!sides.includes('SRV') && { credential: certificates.leaves['P-256'] }),
      rawKeys: sides,
      ca: certificates.ca,
      // That it knows the key cannot be told to it.
      clientCertificate: sides.includes('CLI') ? 'requested' : undefined,
    },
    scope,
  );
  const theirs = listener.session();
  const config: ClientConfig = {
    provider,
    serverName,
    verifyChain: knowing(context),
    credentials: sides.includes('CLI') ? [ownKey(context)] : [],
    peerCertificateTypes: [sides.includes('SRV') ? 'RawPublicKey' : 'X509'],
  };
  const [ours] = await Promise.all([connectCore(listener.port, config, scope), theirs.facts()]);
  return { ours, theirs };
}

async function accept(context: Context, sides: readonly Side[]): Promise<Meeting> {
  const { peer, subject, certificates, scope } = context;
  const { provider } = subject;
  const { port, accepted } = await listenCore(
    {
      provider,
      verifyChain: knowing(context),
      credentials: [sides.includes('SRV') ? ownKey(context) : coreCredential(certificates.leaves['P-256'], provider)],
      clientCertificate: sides.includes('CLI') ? 'required' : 'none',
      peerCertificateTypes: ['RawPublicKey'],
    },
    scope,
  );
  const trust = sides.includes('SRV') ? {} : { ca: certificates.ca };
  const client = { ...theirKey(context, sides.includes('CLI')), ...trust, rawKeys: sides, servername: serverName };
  const theirs = peer.connect(port, client, scope);
  const [ours] = await Promise.all([accepted, theirs.facts()]);
  return { ours, theirs };
}

function theirKey({ certificates }: Context, wanted: boolean): Pick<Settings, 'rawKey'> {
  const { pem, publicKey } = keysOf(certificates).theirs;
  return wanted ? { rawKey: { key: pem, publicKey } } : {};
}

function ownKey({ certificates, subject }: Context): CoreCredential {
  const { pem, spki } = keysOf(certificates).ours;
  return { type: 'RawPublicKey', chain: [spki], signer: subject.provider.signer(parsePrivateKey(pem)) };
}

/** Certificates by the root, of raw keys the peer's alone. */
function knowing({ certificates, subject }: Context): ClientConfig['verifyChain'] {
  const byRoot = trusting(certificates.ca, subject.provider);
  const known = [keysOf(certificates).theirs.spki];
  return (request) => {
    const [spki] = request.chain;
    if (request.certificateType === 'X509' || spki === undefined) return byRoot(request);
    return verifyRawPublicKey(spki, known);
  };
}

/** The keys of two certificates, without these. */
function keysOf({ client, direct }: Certificates): Readonly<Record<'ours' | 'theirs', Key>> {
  return { ours: keyOf(client.key), theirs: keyOf(direct.key) };
}

interface Key {
  /** PKCS#8 */
  readonly pem: string;
  /** SubjectPublicKeyInfo */
  readonly publicKey: string;
  readonly spki: Uint8Array;
}

function keyOf(pem: string): Key {
  const key = createPublicKey(createPrivateKey(pem));
  const publicKey = key.export({ format: 'pem', type: 'spki' }).toString();
  return { pem, publicKey, spki: new Uint8Array(key.export({ format: 'der', type: 'spki' })) };
}
