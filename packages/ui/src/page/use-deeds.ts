import { useMemo, useState } from 'preact/hooks';
import type { Deeds, Question } from './deeds.ts';
import { reasonOf } from './rpc.ts';

interface Asked {
  readonly question: Question;
  readonly onAnswer: (isYes: boolean) => void;
}

export interface Said {
  readonly key: number;
  readonly text: string;
  readonly isError: boolean;
}

const MOST = 3;

/** The deeds of the page, with the question that is open and what was said last. */
export function useOwnDeeds(): {
  readonly deeds: Deeds;
  readonly asked: Asked | undefined;
  readonly said: readonly Said[];
  readonly dismiss: (key: number) => void;
} {
  const [asked, setAsked] = useState<Asked>();
  const [said, setSaid] = useState<readonly Said[]>([]);
  const deeds = useMemo(() => {
    const tell = (text: string, isError: boolean) =>
      setSaid((before) => [...before, { key: (before.at(-1)?.key ?? 0) + 1, text, isError }].slice(-MOST));
    const ask = (question: Question) =>
      new Promise<boolean>((settle) => {
        const onAnswer = (isYes: boolean) => {
          setAsked(undefined);
          settle(isYes);
        };
        setAsked({ question, onAnswer });
      });
    const attempt = async (name: string, work: () => Promise<string | undefined>) => {
      try {
        tell((await work()) ?? `${name}: done`, false);
      } catch (e) {
        tell(`${name}: ${reasonOf(e)}`, true);
      }
    };
    return { ask, attempt, say: (text: string) => tell(text, false) };
  }, []);
  const dismiss = (key: number) => setSaid((before) => before.filter((one) => one.key !== key));
  return { deeds, asked, said, dismiss };
}
