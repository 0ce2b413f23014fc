import { AlertDescription, alertName, alertReceived, reject, TlsError } from '../errors.ts';

/** What an alert record says: the level is ignored, the description decides (RFC 9846 §6). */
export function readAlert(bytes: Uint8Array): 'close_notify' | 'user_canceled' | TlsError {
  const description = bytes[1];
  if (description === undefined || bytes.length !== 2) {
    reject('ERR_TLS_BAD_ALERT', 'decode_error', 'an alert record that is not one alert');
  }
  if (description === AlertDescription.close_notify) return 'close_notify';
  if (description === AlertDescription.user_canceled) return 'user_canceled';
  const name = alertName(description);
  if (name !== undefined) return alertReceived(name);
  return new TlsError('ERR_TLS_UNKNOWN_ALERT', `the peer sent an unknown fatal alert: ${description}`);
}
