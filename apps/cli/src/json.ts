/** One value on one line. Numbers of bytes are below what JSON's readers count exactly. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v))}\n`;
}
