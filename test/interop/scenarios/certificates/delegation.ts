import { strict as assert } from 'node:assert';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { delegatedCredential } from '#opentls/handshake/proof/delegation';
import { SignatureScheme } from '#opentls/wire/enums';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import { type Credential, serverName } from '../../credentials/certificates.ts';
import { coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange } from '../../ends/data.ts';
import type { Context, Scenario } from '../../types.ts';

/** Our server signs with a key that its certificate has delegated to, RFC 9345, for clients that take it. */
export const delegation: Scenario = {
  name: 'delegated-credential',
  variants: [
    { name: 'taken', run: (context) => serve(context, true) },
    { name: 'not offered', run: (context) => serve(context, false) },
  ],
};

async function serve({ peer, subject: { provider }, certificates, scope }: Context, delegated: boolean): Promise<void> {
  const { delegating, ca } = certificates;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = coreCredential(delegating, provider);
  const signer = provider.signer(parsePrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()));
  const credentials = [delegatedCredential(own.chain, delegate(delegating, own.chain[0], publicKey), signer), own];
  const { port, accepted } = await listenCore({ provider, credentials, verifyChain: trusting(ca, provider) }, scope);
  const theirs = peer.connect(port, { ca, servername: serverName, delegated, reports: true }, scope);
  const [ours, facts] = await Promise.all([accepted, theirs.facts()]);
  assert.equal(facts.delegated, delegated);
  await exchange(ours, theirs);
}

/** struct DelegatedCredential, RFC 9345 §4. */
function delegate({ key }: Credential, leaf: Uint8Array | undefined, publicKey: KeyObject): Buffer {
  assert.ok(leaf);
  const head = Buffer.alloc(9);
  // Seconds since the certificate began: it did so yesterday.
  head.writeUInt32BE(2 * 24 * 60 * 60, 0);
  head.writeUInt16BE(SignatureScheme.ecdsa_secp256r1_sha256, 4);
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  head.writeUIntBE(spki.length, 6, 3);
  const unsigned = Buffer.concat([head, spki, uint16(SignatureScheme.ecdsa_secp256r1_sha256)]);
  const context = Buffer.from(`${' '.repeat(64)}TLS, server delegated credentials\0`);
  const signature = sign('sha256', Buffer.concat([context, leaf, unsigned]), key);
  return Buffer.concat([unsigned, uint16(signature.length), signature]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
