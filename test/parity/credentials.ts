import { authority, type Holder, serverLeaf } from '../x509/made/chain.ts';

/** A certificate and its private key, both PEM, as the options `cert` and `key` take them. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

/** Made once for all processes of a run, so that both modules meet the same bytes. */
export interface Credentials {
  readonly root: Credential;
  /** Issued by `root`. */
  readonly intermediate: Credential;
  /** For localhost, a.example and 127.0.0.1, issued by `root`. */
  readonly server: Credential;
  /** The same names, issued by `intermediate`; the leaf alone. */
  readonly leafOfIntermediate: Credential;
  readonly client: Credential;
  /** For other.example. */
  readonly other: Credential;
  readonly expired: Credential;
  readonly selfSigned: Credential;
  /** A root that nobody trusts, and a leaf for localhost of it. */
  readonly stranger: Credential;
  readonly leafOfStranger: Credential;
  /** For localhost, with an RSA key of 2048 bits. */
  readonly rsa: Credential;
}

const names = { dns: ['localhost', 'a.example'], ip: ['127.0.0.1'] };

export function makeCredentials(): Credentials {
  const root = authority('root');
  const intermediate = authority('intermediate', root);
  const stranger = authority('stranger');
  const day = 86_400_000;
  const made = {
    root,
    intermediate,
    server: serverLeaf(root, { subject: 'localhost', subjectAltNames: names }),
    leafOfIntermediate: serverLeaf(intermediate, { subject: 'localhost', subjectAltNames: names }),
    client: serverLeaf(root, { subject: 'client', extendedKeyUsage: ['clientAuth'] }),
    other: serverLeaf(root, { subject: 'other.example', subjectAltNames: { dns: ['other.example'] } }),
    expired: serverLeaf(root, {
      subject: 'localhost',
      subjectAltNames: names,
      notBefore: Date.now() - 2 * day,
      notAfter: Date.now() - day,
    }),
    selfSigned: serverLeaf(undefined, { subject: 'localhost', subjectAltNames: names }),
    stranger,
    leafOfStranger: serverLeaf(stranger, { subject: 'localhost', subjectAltNames: names }),
    rsa: serverLeaf(root, { subject: 'localhost', subjectAltNames: names, rsa: 2048 }),
  };
  const entries = Object.entries(made).map(([name, holder]) => [name, credential(holder)] as const);
  return Object.fromEntries(entries) as unknown as Credentials;
}

function credential({ pem, key }: Holder): Credential {
  return { cert: pem, key };
}
