/** Writes to standard output; settles when the reader has taken it, so that so much and no more is in memory. */
export function written(chunk: Uint8Array | string): Promise<void> {
  return writtenTo(process.stdout, chunk);
}

/** The same to another stream. Rejects with `EPIPE` if its reader has left. */
export function writtenTo(stream: NodeJS.WritableStream, chunk: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (e) => (e ? reject(e) : resolve()));
  });
}
