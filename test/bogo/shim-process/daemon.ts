// A resident process that runs tests for the forwarder `shim`; many at a time. It prints its port and lives until its
// stdin ends.
import { createServer, type Socket } from 'node:net';
import { runTest } from './run.ts';

/** Longer than the runner waits for anything, milliseconds. */
const TIME_LIMIT = 60_000;

const server = createServer((socket) => {
  serve(socket).catch((error) => {
    console.error(error);
    socket.destroy();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(address.port);
});
process.stdin.resume();
process.stdin.once('end', () => process.exit());

// What escapes a test must not end the others; the test itself then runs into the runner's time limit.
process.on('uncaughtException', (error) => console.error(error));
process.on('unhandledRejection', (error) => console.error(error));

/** Zero-terminated: the number of arguments and the arguments in, the exit code and the text for stderr out. */
async function serve(socket: Socket): Promise<void> {
  const dropped = new AbortController();
  const timer = setTimeout(() => dropped.abort(), TIME_LIMIT);
  socket.once('close', () => dropped.abort());
  socket.on('error', () => socket.destroy());
  const args = await readArguments(socket);
  if (args !== undefined) {
    const { code, text } = await runTest(args, dropped.signal);
    socket.end(`${code}\0${text.replaceAll('\0', '')}\0`);
  }
  clearTimeout(timer);
}

function readArguments(socket: Socket): Promise<readonly string[] | undefined> {
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.once('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const [count, ...args] = received.toString('utf8').split('\0');
      // After the last terminator stands what is yet to be one.
      if (args.length > 0 && args.length - 1 === Number(count)) resolve(args.slice(0, -1));
    });
  });
}
