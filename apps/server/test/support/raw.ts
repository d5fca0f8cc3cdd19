import { connect } from 'node:net';

/** Sends bytes as they are, whatever HTTP says of them, and reads until the server closes. */
export async function raw(url: string, ...chunks: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
  });
  // A reset is an answer too: what came before it is what the test looks at.
  socket.on('error', () => undefined);
  for (const chunk of chunks) socket.write(chunk);
  await new Promise((resolve) => void socket.on('close', resolve));
  return text;
}
