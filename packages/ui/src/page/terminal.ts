import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import { openSocket } from './socket.ts';

export interface Program {
  readonly namespace: string;
  readonly id: string;
  readonly args: readonly string[];
}

export interface TerminalEvents {
  /** Somebody wants to go on elsewhere in the page: Tab is the program's. */
  readonly leave: () => void;
  readonly ended: (how: string) => void;
}

/** Programs draw for at least so many columns; a narrow screen shows smaller letters. */
const [FONT_PX, NARROW_FONT_PX, NARROW_PX] = [14, 11, 480];

/** Runs a program in a container, on a terminal in an element. @returns what ends it. */
export function openTerminal(
  place: HTMLElement,
  program: Program,
  { leave, ended }: TerminalEvents,
): () => void {
  const fontSize = place.clientWidth < NARROW_PX ? NARROW_FONT_PX : FONT_PX;
  const terminal = new Terminal({
    screenReaderMode: true,
    fontSize,
    theme: themeOf(place),
    cursorBlink: isMoving(),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  fit.fit();
  terminal.focus();
  terminal.attachCustomKeyEventHandler(({ key, type }) => {
    if (key !== 'F6') return true;
    if (type === 'keydown') leave();
    return false;
  });
  const { namespace, id, args } = program;
  const size = { columns: String(terminal.cols), rows: String(terminal.rows) };
  const socket = openSocket('/host/exec', { namespace, id, arg: args, ...size });
  const encoder = new TextEncoder();
  let how = 'The connection was lost.';
  const send = (data: string | Uint8Array<ArrayBuffer>) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') terminal.write(new Uint8Array(data));
    else how = endOf(JSON.parse(data) as End);
  };
  socket.onclose = () => ended(how);
  terminal.onData((text) => send(encoder.encode(text)));
  terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
  terminal.onResize(({ cols, rows }) => send(JSON.stringify({ columns: cols, rows })));
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(place);
  const colours = matchMedia('(prefers-color-scheme: dark)');
  const recolour = () => {
    terminal.options.theme = themeOf(place);
  };
  colours.addEventListener('change', recolour);
  return () => {
    colours.removeEventListener('change', recolour);
    observer.disconnect();
    socket.onclose = null;
    socket.close();
    terminal.dispose();
  };
}

interface End {
  readonly exitStatus?: number;
  readonly error?: string;
}

function endOf({ exitStatus, error }: End): string {
  return error === undefined
    ? `It ended with exit code ${exitStatus ?? 0}.`
    : `It could not be run: ${error}`;
}

/** The colours of the page. */
function themeOf(place: HTMLElement): ITheme {
  const style = getComputedStyle(place);
  const [background, foreground] = [style.backgroundColor, style.color];
  return { background, foreground, cursor: foreground, cursorAccent: background };
}

const isMoving = (): boolean => !matchMedia('(prefers-reduced-motion: reduce)').matches;
