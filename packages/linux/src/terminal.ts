import { checked } from './errors.ts';
import { c } from './libc.ts';

const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** Sets the size of a terminal, through either end; its foreground processes get SIGWINCH. */
export function setWindowSize(fd: number, { columns, rows }: WindowSize): void {
  const size = new Uint16Array([rows, columns, 0, 0]);
  checked(c.ioctl(fd, TIOCSWINSZ, new Uint8Array(size.buffer)), 'ioctl', 'set window size of', fd);
}

/** The size of a terminal. ENOTTY if it is none. */
export function windowSize(fd: number): WindowSize {
  const size = new Uint16Array(4);
  checked(c.ioctl(fd, TIOCGWINSZ, new Uint8Array(size.buffer)), 'ioctl', 'read window size of', fd);
  return { rows: size[0] as number, columns: size[1] as number };
}
