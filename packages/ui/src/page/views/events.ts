import { useEffect, useRef } from 'preact/hooks';
import type { EventsFeed, HeardEvent } from '../events-feed.ts';
import { formatTime } from '../format.ts';
import { html, type Shown } from '../html.ts';

/** What happens, as it does. */
export function Events({ feed }: { readonly feed: EventsFeed }): Shown {
  const { events, hasGap } = feed;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [events]);
  return html`<div>
    <p>What has happened since the page was opened.${hasGap ? ' Some of it was lost.' : ''}</p>
    <div class="log" ref=${box} role="log" aria-label="Events" tabindex="0">
      ${events.length === 0 ? html`<p class="empty">Nothing has happened yet.</p>` : null}
      ${events.map((event) => html`<${Line} key=${event.key} event=${event} />`)}
    </div>
  </div>`;
}

function Line({ event: { envelope } }: { readonly event: HeardEvent }): Shown {
  const { timestamp, topic = '', event = {} } = envelope;
  const { '@type': _, ...fields } = event;
  return html`<div class="line">
    <time datetime=${timestamp}>${formatTime(timestamp)}</time> <strong>${topic}</strong> <span class="fields">${JSON.stringify(fields)}</span>
  </div>`;
}
