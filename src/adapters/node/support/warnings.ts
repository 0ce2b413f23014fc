const warned = new Set<string>();

/** Emits a warning of the process, once per text. */
export function warnOnce(message: string, type?: string, code?: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(message, { ...(type && { type }), ...(code && { code }) });
}
