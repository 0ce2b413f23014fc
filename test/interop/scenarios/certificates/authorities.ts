import { strict as assert } from 'node:assert';
import { decodePem } from '#opentls/x509/asn1/pem';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { serverName } from '../../credentials/certificates.ts';
import { connectCore, coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange } from '../../ends/data.ts';
import type { Context, Scenario } from '../../types.ts';

/** Each side names the authorities that the other's certificate should end at: RFC 9846 §4.3.4. */
export const authorities: Scenario = {
  name: 'certificate_authorities',
  variants: [
    {
      name: 'of servers, to clients',
      run: (context) => (context.role === 'client' ? chooseByNames(context) : nameToClient(context)),
    },
    {
      name: 'of clients, to servers',
      run: (context) => (context.role === 'client' ? nameToServer(context) : chooseByHello(context)),
    },
  ],
};

/** Of two certificates our client shows the one under an authority that the server named. */
async function chooseByNames({ peer, subject: { provider }, certificates, scope }: Context): Promise<void> {
  const settings = { credential: certificates.leaves['P-256'], ca: certificates.ca };
  const listener = await peer.listen({ ...settings, clientCertificate: 'required' }, scope);
  const theirs = listener.session();
  const credentials = [certificates.stranger, certificates.client].map((credential) => ({
    ...coreCredential(credential, provider),
    mustMatchIssuer: true,
  }));
  const verifyChain = trusting(certificates.ca, provider);
  const ours = await connectCore(listener.port, { provider, serverName, credentials, verifyChain }, scope);
  assert.equal((await theirs.facts()).clientSubject, 'client.test');
  assert.deepEqual(ours.facts.localChain, credentials[1]?.chain);
  await exchange(ours, theirs);
}

async function nameToClient({ peer, subject: { provider }, certificates, scope }: Context): Promise<void> {
  const { port, accepted } = await listenCore(
    {
      provider,
      credentials: [coreCredential(certificates.leaves['P-256'], provider)],
      verifyChain: trusting(certificates.ca, provider),
      clientCertificate: 'optional',
      certificateAuthorities: [nameOf(certificates.ca), nameOf(certificates.otherCa)],
    },
    scope,
  );
  const theirs = peer.connect(port, { ca: certificates.ca, servername: serverName, reports: true }, scope);
  await theirs.says(/Acceptable client certificate CA names\nCN ?= ?.* root\nCN ?= ?.* other root\n/, 1);
  await exchange(await accepted, theirs);
}

async function nameToServer({ peer, subject: { provider }, certificates, scope }: Context): Promise<void> {
  const listener = await peer.listen({ credential: certificates.leaves['P-256'], extensions: true }, scope);
  const theirs = listener.session();
  const verifyChain = trusting(certificates.ca, provider);
  const certificateAuthorities = [nameOf(certificates.ca)];
  const config = { provider, serverName, verifyChain, certificateAuthorities };
  const ours = await connectCore(listener.port, config, scope);
  await theirs.says(/TLS client extension "certificate authorities"/, 1);
  await exchange(ours, theirs);
}

/** Of two certificates our server shows the one under an authority that the client named. */
async function chooseByHello({ peer, subject: { provider }, certificates, scope }: Context): Promise<void> {
  const credentials = [certificates.stranger, certificates.direct].map((credential) => ({
    ...coreCredential(credential, provider),
    mustMatchIssuer: true,
  }));
  const verifyChain = trusting(certificates.ca, provider);
  const { port, accepted } = await listenCore({ provider, credentials, verifyChain }, scope);
  const named = { authorities: certificates.ca, reports: true };
  const theirs = peer.connect(port, { ca: certificates.ca, servername: serverName, ...named }, scope);
  const ours = await accepted;
  assert.deepEqual(ours.facts.localChain, credentials[1]?.chain);
  await exchange(ours, theirs);
}

/** DER of the subject's name. */
function nameOf(pem: string): Uint8Array {
  const [block] = decodePem(pem);
  assert.ok(block);
  return parseCertificate(block.der).subject.raw;
}
