// One test: its connections, one after the other.
import { Connection } from '#opentls/connection/connection';
import { TlsError } from '#opentls/errors';
import { clientConfig, lacks, serverConfig, unobserved } from '../flags/configs.ts';
import { parseFlags } from '../flags/flags.ts';
import { describeFailure } from '../names.ts';
import { Endpoint } from './endpoint.ts';
import { exchange, type Task } from './exchange.ts';
import { Memory } from './memory.ts';
import { Transport } from './transport.ts';

export interface Outcome {
  readonly code: number;
  /** For stderr: empty after a success. */
  readonly text: string;
}

/** Tells the runner to leave the test out. */
const unimplemented: Outcome = { code: 89, text: '' };

/** @param signal drops the test where it stands */
export async function runTest(args: readonly string[], signal: AbortSignal): Promise<Outcome> {
  try {
    const invocation = parseFlags(args);
    if (invocation === undefined || [invocation.initial, invocation.resume].some(lacks)) return unimplemented;
    const memory = new Memory();
    for (let i = 0; i <= invocation.resumeCount; i++) {
      const options = i === 0 ? invocation.initial : invocation.resume;
      const failure = await connectOnce({ options, retry: invocation.retry, resuming: i > 0, memory }, signal);
      if (failure !== undefined) return { code: 1, text: `${failure}\n` };
      memory.pass(options['resumption-delay'] ?? 0);
    }
    return { code: 0, text: '' };
  } catch (error) {
    // A configuration that is refused is a failure like others.
    const code = error instanceof TlsError ? 1 : 90;
    return { code, text: `${describeFailure(error, false)}\n` };
  }
}

/** @returns the failure, if any */
async function connectOnce(task: Task, signal: AbortSignal): Promise<string | undefined> {
  const { options, memory } = task;
  const observed = unobserved();
  const connection = options.server
    ? Connection.server(serverConfig(options, memory, observed))
    : Connection.client(clientConfig(options, task.retry, memory, observed));
  const transport = await Transport.connect(options.port ?? 0, options.ipv6, options['shim-id'] ?? '0', signal);
  const endpoint = new Endpoint(connection, transport, options.async);
  try {
    await exchange(endpoint, task, observed);
    return undefined;
  } catch (error) {
    return describeFailure(error, !options.server && endpoint.heardOneRecord);
  } finally {
    await transport.finish();
    connection.destroy();
  }
}
