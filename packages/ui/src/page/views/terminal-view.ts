import { useEffect, useRef, useState } from 'preact/hooks';
import { html, type Shown } from '../html.ts';
import { openTerminal } from '../terminal.ts';

const DEFAULT_COMMAND = 'sh';

/** Programs run in a container, on a terminal. */
export function TerminalView({ namespace, id }: { readonly namespace: string; readonly id: string }): Shown {
  const [command, setCommand] = useState(DEFAULT_COMMAND);
  const [run, setRun] = useState<{ readonly args: readonly string[] }>();
  const [state, setState] = useState('Nothing runs here yet.');
  const place = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (run === undefined || place.current === null) return undefined;
    setState('It runs. F6 leaves the terminal.');
    const ended = (text: string) => {
      setState(text);
      setRun(undefined);
      field.current?.focus();
    };
    const leave = () => field.current?.focus();
    return openTerminal(place.current, { namespace, id, args: run.args }, { leave, ended });
  }, [run]);
  const start = (event: Event) => {
    event.preventDefault();
    const args = command.split(' ').filter(Boolean);
    if (args.length > 0) setRun({ args });
  };
  return html`<div>
    <form class="actions" onSubmit=${start}>
      <label>Command <input ref=${field} value=${command} spellcheck=${false} autocapitalize="off" autocomplete="off"
        onInput=${({ currentTarget }: { currentTarget: HTMLInputElement }) => setCommand(currentTarget.value)} /></label>
      ${
        run === undefined
          ? html`<button key="run" type="submit">Run</button>`
          : html`<button key="end" type="button" class="danger" onClick=${() => setRun(undefined)}>End it</button>`
      }
    </form>
    <p role="status">${state}</p>
    <div class=${`terminal ${run === undefined ? 'idle' : ''}`} ref=${place} role="group" aria-label=${`Terminal in ${id}. F6 leaves it.`}></div>
  </div>`;
}
