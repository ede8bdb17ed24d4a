/** One byte of flags and the length, big-endian, before each message (grpc PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
export const HEAD_BYTES = 5;

/** A message in its envelope, not compressed. */
export function enveloped(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, HEAD_BYTES);
  return bytes;
}
