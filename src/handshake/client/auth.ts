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
import type { Credential } from '../terms/credential.ts';
import type { ClientEndpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';

/**
 * Answers a CertificateRequest: with an empty Certificate where no credential fits (RFC 9846 §4.5.1).
 * @returns the credential that the client authenticated with, if any
 */
export function* authenticate(
  endpoint: ClientEndpoint,
  transcript: Transcript,
  request: ExtensionValues['CR'],
  context: Uint8Array,
  certificateType: CertificateType,
): Script<Authentication | undefined> {
  const { requireCredential } = endpoint.config;
  const credentials = yield* chooseCredentials(endpoint, request);
  const acceptable = acceptableToServer(request, certificateType);
  const { authentication: chosen, passedOver } = yield* chooseInForce(endpoint, credentials, acceptable);
  if (chosen === undefined) {
    if (requireCredential && credentials.length > 0) refuseCredentials(credentials, acceptable, passedOver);
    sendEmptyCertificate(endpoint, transcript, context);
    return undefined;
  }
  const requested = { context, extensions: request, wantsOcsp: request.status_request === true };
  yield* sendAuthentication(endpoint, transcript, 'client', chosen, requested);
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

function* chooseCredentials({ config }: ClientEndpoint, request: ExtensionValues['CR']): Script<readonly Credential[]> {
  const { chooseCredentials: choose, credentials } = config;
  if (choose === undefined) return credentials;
  const view = {
    signatureSchemes: request.signature_algorithms ?? [],
    certificateAuthorities: request.certificate_authorities ?? [],
    oidFilters: request.oid_filters,
  };
  return (yield* ask('chooseClientCredentials', { request: view, choose })) ?? credentials;
}
