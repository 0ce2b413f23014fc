import { AlertDescription, alertReceived, reject, type TlsError } from '../errors.ts';

/**
 * Reads an alert record. The description decides, not the level (RFC 9846 §6).
 * @param checkLevel refuse error alerts of level warning instead
 */
export function readAlert(bytes: Uint8Array, checkLevel = false): 'close_notify' | 'user_canceled' | TlsError {
  const [level = 0, description] = bytes;
  if (description === undefined || bytes.length !== 2) {
    reject('ERR_TLS_BAD_ALERT', 'decode_error', 'an alert record that is not one alert');
  }
  if (level !== WARNING && level !== FATAL) {
    reject('ERR_TLS_ALERT_LEVEL', 'illegal_parameter', `an alert of the unknown level ${level}`);
  }
  if (description === AlertDescription.close_notify) return 'close_notify';
  if (description === AlertDescription.user_canceled) return 'user_canceled';
  if (checkLevel && level === WARNING) reject('ERR_TLS_BAD_ALERT', 'decode_error', 'an error alert of level warning');
  return alertReceived(description);
}

/** The code point of an error's alert; undefined where it has none. */
export function alertOf({ alert }: TlsError): number | undefined {
  return alert === undefined ? undefined : AlertDescription[alert];
}

/** AlertLevel, RFC 9846 §6 */
export const WARNING = 1;
export const FATAL = 2;
