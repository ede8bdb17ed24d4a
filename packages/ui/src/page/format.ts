const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `3.2 MB`: powers of ten. */
export function formatSize(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}

const STEPS = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [Number.POSITIVE_INFINITY, 86_400, 'day'],
] as const;

/** `4 minutes ago` */
export function formatAge(since: string | undefined, now = Date.now()): string {
  if (since === undefined) return '';
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  const [, one, word] = STEPS.find(([below]) => seconds < below) ?? STEPS[3];
  const count = Math.floor(seconds / one);
  return `${count} ${word}${count === 1 ? '' : 's'} ago`;
}

export function formatTime(at: string | undefined): string {
  return at === undefined ? '' : new Date(at).toLocaleTimeString();
}

export const shortDigest = (digest = ''): string => digest.replace(/^(\w+:)?(\w{12}).*$/, '$2');

const ESCAPE = '\u001b';
const BELL = '\u0007';
// Sequences that move, colour or name things (ECMA-48, xterm's OSC), and what other control characters there are, but tabs.
const SEQUENCES = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\\\)?|.)?|(?!\t)\\p{Cc}`,
  'gu',
);

/** What a program printed, without what it tells a terminal to do. */
export function plain(text: string): string {
  return text.replace(SEQUENCES, '');
}
