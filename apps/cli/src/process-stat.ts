/** Of `/proc/<pid>/stat`. */
export interface ProcessStat {
  readonly name: string;
  readonly parent: number;
  /** `pts/3`, `?` for none. */
  readonly terminal: string;
  readonly cpuSeconds: number;
  /** Since the machine's start. */
  readonly startSeconds: number;
}

/** Ticks in a second: the kernel's USER_HZ, the same on all machines that Node runs on. */
const TICKS = 100;

/** Major numbers of pseudo terminals (kernel devices.txt). */
const PTS_MAJORS = { first: 136, last: 143 };

/** @param text - whose name may hold anything, parentheses and line feeds included. @see proc(5) */
export function parseProcessStat(text: string): ProcessStat {
  const end = text.lastIndexOf(')');
  // From field 3 on.
  const fields = text
    .slice(end + 2)
    .trim()
    .split(' ');
  const number = (field: number) => Number(fields[field - 3] ?? 0);
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    parent: number(4),
    terminal: terminalName(number(7)),
    cpuSeconds: (number(14) + number(15)) / TICKS,
    startSeconds: number(22) / TICKS,
  };
}

/** @param device - as the kernel's new_encode_dev packs it. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= PTS_MAJORS.first && major <= PTS_MAJORS.last)
    return `pts/${(major - PTS_MAJORS.first) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : '?';
}
