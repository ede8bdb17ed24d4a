import { useEffect, useRef } from 'preact/hooks';
import type { Question } from './deeds.ts';
import { html, type Shown } from './html.ts';

interface DialogProps {
  readonly question: Question;
  readonly onAnswer: (isYes: boolean) => void;
}

/** Asks before something is destroyed. The browser keeps the focus within, and gives it back. Escape is no. */
export function Dialog({ question, onAnswer }: DialogProps): Shown {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (isYes: boolean) => {
    dialog.current?.close();
    onAnswer(isYes);
  };
  const cancel = (event: Event) => {
    event.preventDefault();
    close(false);
  };
  const { title, text, answer } = question;
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" aria-describedby="dialog-text" onCancel=${cancel}>
    <h2 id="dialog-title">${title}</h2>
    <p id="dialog-text">${text}</p>
    <div class="actions">
      <button type="button" autofocus onClick=${() => close(false)}>Cancel</button>
      <button type="button" class="danger" onClick=${() => close(true)}>${answer}</button>
    </div>
  </dialog>`;
}
