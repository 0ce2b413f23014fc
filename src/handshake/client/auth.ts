import type { Transcript } from '../../keys/transcript.ts';
import type { CertificateType } from '../../session/session.ts';
import type { ExtensionValues } from '../../wire/extensions.ts';
import { sendAuthentication, sendEmptyCertificate } from '../proof/auth.ts';
import {
  type AcceptableCredentials,
  type Authentication,
  chooseInForce,
  refuseCredentials,
} from '../proof/credentials.ts';
import type { ClientConfig } from '../terms/config.ts';
import type { Credential } from '../terms/credential.ts';
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
  const acceptable = acceptableToServer(request, certificateType);
  const { authentication: chosen, passedOver } = yield* chooseInForce(config, credentials, acceptable);
  if (chosen === undefined) {
    if (requireCredential === true && credentials.length > 0) refuseCredentials(credentials, acceptable, passedOver);
    sendEmptyCertificate(wire, transcript, context);
    return undefined;
  }
  const terms = { context, extensions: request, wantsOcsp: request.status_request === true };
  yield* sendAuthentication(wire, config, transcript, 'client', chosen, terms);
  return chosen;
}

/** The credentials that a CertificateRequest accepts of the client. */
export function acceptableToServer(
  request: ExtensionValues['CR'],
  certificateType: CertificateType,
): AcceptableCredentials {
  return {
    signer: 'client',
    delegationSchemes: request.delegated_credential ?? [],
    schemes: request.signature_algorithms ?? [],
    certificateSchemes: request.signature_algorithms_cert ?? request.signature_algorithms ?? [],
    certificateTypes: [certificateType],
    authorities: request.certificate_authorities ?? [],
  };
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
