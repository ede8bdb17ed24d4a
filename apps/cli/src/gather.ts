/** Of an option that may be given more than once. */
export const gather = (value: string, all: readonly string[]): readonly string[] => [...all, value];
