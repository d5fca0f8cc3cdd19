import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * XADD over one socket with any number in flight, as cheap as it can be made: what is asked for in one turn goes out in one
 * write, and of the answers only their order counts.
 */
export async function redisStreams(socketPath: string): Promise<AsyncDisposable & { add(no: number): Promise<void> }> {
  const socket = connect(socketPath);
  await once(socket, 'connect');
  const payload = `$300\r\n${'m'.repeat(300)}\r\n`;
  const commands = Array.from({ length: 64 }, (_, no) => {
    const key = `bench:${no}`;
    return `*5\r\n$4\r\nXADD\r\n$${key.length}\r\n${key}\r\n$1\r\n*\r\n$1\r\nd\r\n${payload}`;
  });
  const waiting: (() => void)[] = [];
  let answered = 0;
  let lines = 0;
  let out: string[] = [];
  const send = (): void => {
    const text = out.join('');
    out = [];
    socket.write(text, 'latin1');
  };
  socket.on('data', (data: Buffer) => {
    // An id is answered in two lines, its length and itself.
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) {
      if (++lines % 2 === 0) waiting[answered++]?.();
    }
    if (data.includes('-ERR')) throw new Error(data.toString());
    if (answered === waiting.length) waiting.length = answered = 0;
  });
  return {
    add(no) {
      if (out.length === 0) setImmediate(send);
      out.push(commands[no % commands.length] as string);
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    async [Symbol.asyncDispose]() {
      socket.end();
      await once(socket, 'close');
    },
  };
}
