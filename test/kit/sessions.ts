import type { Event } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { newPair, shuttle } from './pair.ts';

/** The sessions that a client was given, in the order of their tickets. */
export function sessionsOf(events: readonly Event[]): Session[] {
  return events.flatMap((event) => (event.type === 'session' ? [event.session] : []));
}

/** Makes a full handshake and returns the last session that the client got. */
export function firstSession(client: Partial<ClientConfig>, server: Partial<ServerConfig>): Session {
  const session = sessionsOf(shuttle(newPair(client, server)).clientEvents).at(-1);
  if (session === undefined) throw new Error('no ticket came');
  return session;
}

/** Returns a session as a store gives it back; the session that the client got stays as it is. */
export function copyOf(session: Session): Session {
  const copy = decodeSession(encodeSession(session));
  if (copy === undefined) throw new Error('the session does not come back');
  return copy;
}
