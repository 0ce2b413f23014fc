// Chains that `ca` completes: those of the peer, and our own.
import type { ConnectionOptions, PeerCertificate, TlsOptions } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

/** The names of a chain as the other end sees it, without the root. */
function namesOf(certificate: PeerCertificate): readonly string[] {
  const names: string[] = [];
  const seen = new Set<PeerCertificate>();
  let current: PeerCertificate | undefined = certificate;
  while (current?.subject !== undefined && !seen.has(current)) {
    seen.add(current);
    if (current.subject.CN !== 'root') names.push(String(current.subject.CN));
    current = Reflect.get(current, 'issuerCertificate') as PeerCertificate | undefined;
  }
  return names;
}

type Pick = (trial: Trial) => { readonly client: ConnectionOptions; readonly server: TlsOptions };

/** A client of the module under test judges a server of node:tls. */
function judges(name: string, pick: Pick): Behaviour {
  return {
    name,
    run: async (trial) => {
      const { client: options, server } = pick(trial);
      const client = trial.connect(await trial.listen(trial.nodeServer(server)), options);
      client.on('error', (error) => trial.note('client', 'error', error));
      await Promise.race([trial.event(client, 'secureConnect'), trial.event(client, 'close')]);
      trial.note('client', 'authorized', client.authorized, client.authorizationError);
    },
  };
}

/** A server of the module under test shows its chain to a client of node:tls. */
function shows(name: string, pick: Pick, servername = 'localhost'): Behaviour {
  return {
    name,
    run: async (trial) => {
      const { client: options, server } = pick(trial);
      const client = trial.nodeConnect(await trial.listen(trial.server(server)), { servername, ...options });
      client.on('error', (error) => trial.note('client', 'error', error));
      await Promise.race([trial.event(client, 'secureConnect'), trial.event(client, 'close')]);
      trial.note('client', 'authorized', client.authorized, client.authorizationError);
      if (!client.destroyed) trial.note('client', 'chain', namesOf(client.getPeerCertificate(true)));
    },
  };
}

export const behaviours: readonly Behaviour[] = [
  judges(
    'an intermediate that the server does not send stands in ca',
    ({ credentials: { root, intermediate, leafOfIntermediate } }) => ({
      client: { ca: [root.cert, intermediate.cert] },
      server: leafOfIntermediate,
    }),
  ),
  judges('an intermediate alone in ca is no anchor', ({ credentials: { intermediate, leafOfIntermediate } }) => ({
    client: { ca: intermediate.cert },
    server: leafOfIntermediate,
  })),
  judges(
    'an intermediate alone in ca, with allowPartialTrustChain',
    ({ credentials: { intermediate, leafOfIntermediate } }) => ({
      client: { ca: intermediate.cert, allowPartialTrustChain: true } as ConnectionOptions,
      server: leafOfIntermediate,
    }),
  ),
  judges(
    'the same intermediate in ca and from the server',
    ({ credentials: { root, intermediate, leafOfIntermediate } }) => ({
      client: { ca: root.cert + intermediate.cert },
      server: { key: leafOfIntermediate.key, cert: leafOfIntermediate.cert + intermediate.cert },
    }),
  ),
  shows('ca completes the chain of a server', ({ credentials: { root, intermediate, leafOfIntermediate } }) => ({
    client: { ca: root.cert },
    server: { ...leafOfIntermediate, ca: [intermediate.cert] },
  })),
  {
    ...shows('ca completes the chain of a context that SNICallback chooses', (trial) => {
      const { root, intermediate, leafOfIntermediate } = trial.credentials;
      const context = trial.tls.createSecureContext({ ...leafOfIntermediate, ca: intermediate.cert });
      return { client: { ca: root.cert }, server: { SNICallback: (_name, done) => done(null, context) } };
    }),
    byDesign: {
      client: 'The `ca` of a context that `SNICallback` chooses completes its chain, as that of a server does.',
    },
  },
  shows('a chain that is whole stays as it is', ({ credentials: { root, intermediate, leafOfIntermediate } }) => ({
    client: { ca: root.cert },
    server: { key: leafOfIntermediate.key, cert: leafOfIntermediate.cert + intermediate.cert, ca: [intermediate.cert] },
  })),
  shows('ca of others completes nothing', ({ credentials: { root, stranger, leafOfIntermediate } }) => ({
    client: { ca: root.cert, rejectUnauthorized: false },
    server: { ...leafOfIntermediate, ca: [stranger.cert] },
  })),
];
