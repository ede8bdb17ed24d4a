const plainNumbers = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

/** One value on one line. Numbers of bytes are below what JSON's readers count exactly. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value, plainNumbers)}\n`;
}

/** One value for people to read. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, plainNumbers, 2)}\n`;
}
