import type { Transcript } from '../../keys/transcript.ts';
import type { CertificateType } from '../../session/session.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import { sendAuthentication, sendEmptyCertificate } from '../proof/auth.ts';
import { type Authentication, chooseInForce, refuseCredentials, wishesOf } from '../proof/credentials.ts';
import type { ClientConfig, Credential } from '../terms/config.ts';
import { ask, type Script } from '../terms/script.ts';
import type { Wire } from '../terms/wire.ts';

/** Answers a CertificateRequest, with an empty Certificate where nothing fits (RFC 9846 §4.5.1). */
export function* authenticate(
  wire: Wire,
  config: ClientConfig,
  transcript: Transcript,
  request: ExtensionValues['CR'],
  context: Uint8Array,
  certificateType: CertificateType,
): Script<Authentication | undefined> {
  const { requireCredential } = config;
  const credentials = yield* chooseCredentials(config, request);
  const wishes = wishesOf(request, certificateType);
  const { authentication: chosen, passedOver } = yield* chooseInForce(config, credentials, wishes);
  if (chosen === undefined) {
    if (requireCredential === true && credentials.length > 0) refuseCredentials(credentials, wishes, passedOver);
    sendEmptyCertificate(wire, transcript, context);
    return undefined;
  }
  const terms = { context, extensions: request, wantsOcsp: request.status_request === true };
  yield* sendAuthentication(wire, config, transcript, 'client', chosen, terms);
  return chosen;
}

function* chooseCredentials(config: ClientConfig, request: ExtensionValues['CR']): Script<readonly Credential[]> {
  const { chooseCredentials: choose, credentials = [] } = config;
  if (choose === undefined) return credentials;
  const view = {
    signatureSchemes: request.signature_algorithms ?? [],
    certificateAuthorities: request.certificate_authorities ?? [],
    oidFilters: request.oid_filters,
  };
  return (yield* ask('chooseClientCredentials', { request: view, choose })) ?? credentials;
}
