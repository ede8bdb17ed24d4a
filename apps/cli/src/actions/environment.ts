/** `NAME=value` as it is; NAME alone with its value here, or not at all. */
export function environmentOf(entries: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.includes('=')) return [entry];
    const value = process.env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}
