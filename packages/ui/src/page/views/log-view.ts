import { useEffect, useRef, useState } from 'preact/hooks';
import { plain } from '../format.ts';
import { html, type Shown } from '../html.ts';
import { openSocket } from '../socket.ts';

interface Line {
  readonly key: number;
  readonly time?: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

type Message = Omit<Line, 'key'> & { readonly ended?: boolean; readonly error?: string };

const [TAIL, MOST] = [500, 2000];

/** What a container prints, as it does. */
export function LogView({ namespace, id }: { readonly namespace: string; readonly id: string }): Shown {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [state, setState] = useState('Connecting …');
  const [isFollowing, setFollowing] = useState(true);
  const [hasTimes, setTimes] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const socket = openSocket('/host/logs', { namespace, id, tail: String(TAIL) });
    let waiting: Line[] = [];
    let key = 0;
    let frame = 0;
    const show = () => {
      frame = 0;
      const more = waiting;
      waiting = [];
      setLines((before) => [...before, ...more].slice(-MOST));
    };
    socket.onopen = () => setState('Following');
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const { ended, error, ...line } = JSON.parse(data) as Message;
      if (error !== undefined) setState(error);
      else if (ended) setState('The container has ended');
      else {
        waiting = [...waiting.slice(-MOST), { ...line, key: key++ }];
        frame ||= requestAnimationFrame(show);
      }
    };
    socket.onclose = () =>
      setState((before) => (before === 'Following' ? 'The connection was lost' : before));
    return () => {
      socket.onclose = null;
      socket.close();
      cancelAnimationFrame(frame);
    };
  }, [namespace, id]);
  useEffect(() => {
    if (isFollowing && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, isFollowing]);
  const toggle = (name: string, isOn: boolean, set: (isOn: boolean) => void) =>
    html`<label><input type="checkbox" checked=${isOn} onChange=${() => set(!isOn)} /> ${name}</label>`;
  return html`<div>
    <div class="actions">
      <p role="status">${state}</p>
      ${toggle('Stay at the end', isFollowing, setFollowing)} ${toggle('Times', hasTimes, setTimes)}
    </div>
    <div class="log" ref=${box} role="log" aria-live=${isFollowing ? 'polite' : 'off'} aria-label=${`Log of ${id}`} tabindex="0">
      ${lines.length === 0 ? html`<p class="empty">Nothing was printed yet.</p>` : null}
      ${lines.map((line) => html`<${LogLine} key=${line.key} line=${line} hasTime=${hasTimes} />`)}
    </div>
  </div>`;
}

function LogLine({ line, hasTime }: { readonly line: Line; readonly hasTime: boolean }): Shown {
  const { time, stream, text } = line;
  return html`<div class=${`line ${stream}`}>
    ${hasTime && time ? html`<time datetime=${time}>${new Date(time).toLocaleTimeString()} </time>` : null}${stream === 'stderr' ? html`<abbr title="standard error">err</abbr>` : null}<span>${plain(text)}</span>
  </div>`;
}
