import { render } from 'preact';
import { App } from './app.ts';
import { html } from './html.ts';
import { call, reasonOf } from './rpc.ts';

const place = document.body;
try {
  const { namespace } = await call<{ namespace: string }>('host/About', {});
  place.replaceChildren();
  render(html`<${App} namespace=${namespace} />`, place);
} catch (e) {
  place.textContent = `The page can’t be shown: ${reasonOf(e)}`;
}
