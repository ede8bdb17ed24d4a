/** The same bytes in pieces of one length, the last one excepted, however they came. */
export async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (pendingBytes + rest.byteLength >= bytes) {
      const end = bytes - pendingBytes;
      yield Buffer.concat([...pending, rest.subarray(0, end)]);
      rest = rest.subarray(end);
      pending = [];
      pendingBytes = 0;
    }
    // Copied: who hands chunks out may use their memory again.
    if (rest.byteLength > 0) pending.push(Uint8Array.from(rest));
    pendingBytes += rest.byteLength;
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}
