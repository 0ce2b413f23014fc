import type { Connection } from './connection.ts';

/**
 * The channel binding `tls-exporter` (RFC 9266 §2): 32 bytes that both ends of this connection know and nobody else,
 * for authentication inside of it (SCRAM-…-PLUS).
 * @throws TlsError ERR_TLS_INVALID_STATE where {@link Connection.exportKey} does
 */
export function tlsExporterBinding(connection: Pick<Connection, 'exportKey'>): Uint8Array {
  return connection.exportKey('EXPORTER-Channel-Binding', new Uint8Array(0), 32);
}
