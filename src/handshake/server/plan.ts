import { reject } from '../../errors.ts';
import { CipherSuiteId, NamedGroup, nameOf } from '../../wire/enums.ts';
import { chooseAuthentication } from '../proof/credentials.ts';
import { nothingShared } from '../shared/nothing-shared.ts';
import type { Credential } from '../terms/credential.ts';
import { groupById } from '../terms/enabled.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import type { Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';
import { acceptableToClient } from './auth.ts';
import type { Hello } from './client-hello.ts';
import { type Admission, findExternal, findPsk, refusePsks, sharesMode } from './psk.ts';
import { type RetriedHello, retriedShare } from './retry.ts';
import { chooseGroup, type GroupChoice, type Plan, sharedSuites } from './select.ts';

/**
 * Chooses suite, PSK and group by the first ClientHello on this connection.
 * @param retried the content of its cookie, where another connection has sent a HelloRetryRequest: suite and group of that
 */
export function* planHandshake(
  endpoint: ServerEndpoint,
  hello: Hello,
  credentials: readonly Credential[],
  retried: RetriedHello | undefined,
): Script<Plan> {
  const { config } = endpoint;
  const suites = sharedSuites(config, hello).filter(({ id }) => retried === undefined || retried.suite === id);
  const choice = retried === undefined ? chooseGroup(config, hello) : retriedChoice(config, hello, retried.group);
  const withExchange = choice !== undefined && sharesMode(config, hello, 'psk_dhe_ke');
  const usable = withExchange || sharesMode(config, hello, 'psk_ke');
  const admission = admissionOf(config, hello, credentials);
  const external = usable && admission.withPsk ? yield* findExternal(config, hello, suites) : undefined;
  const suite = suites.find(({ hash }) => external === undefined || hash.name === external.psk.hash) ?? suites[0];
  if (suite === undefined) refuseSuites(config, hello);
  const psk = usable ? yield* findPsk(endpoint, hello, suite, external, admission) : undefined;
  if (psk === undefined && !admission.withoutPsk) refusePsks(config, hello, usable);
  if (psk !== undefined && !withExchange) return { suite, choice: undefined, psk };
  if (choice === undefined) refuseGroups(config, hello);
  return { suite, choice, psk };
}

function refuseSuites({ suites }: ServerSettings, { view }: Hello): never {
  const own = suites.map(({ name }) => name);
  const message = nothingShared('cipher suite', view.suites, (id) => nameOf(CipherSuiteId, id), own);
  reject('ERR_TLS_NO_SHARED_CIPHER', 'handshake_failure', message);
}

function refuseGroups({ groups }: ServerSettings, { view }: Hello): never {
  const own = groups.map(({ name }) => name);
  const message = nothingShared('key exchange group', view.groups, (id) => nameOf(NamedGroup, id), own);
  reject('ERR_TLS_NO_SHARED_GROUP', 'handshake_failure', message);
}

/** A certificate goes before PSKs with `preferCertificate`; a server that has PSKs alone accepts no client without one. */
function admissionOf(config: ServerSettings, hello: Hello, credentials: readonly Credential[]): Admission {
  const byCertificate = config.preferCertificate && chooseAuthentication(credentials, acceptableToClient(hello));
  const pskAlone = config.findPsk !== undefined && credentials.length === 0;
  return { withPsk: !byCertificate, withoutPsk: !pskAlone };
}

/** The group that a HelloRetryRequest of another connection has asked for, and the client's share for it. */
function retriedChoice(config: ServerSettings, hello: Hello, id: number): GroupChoice {
  const group = groupById(config.provider, id);
  return { group, share: retriedShare(hello, group) };
}
