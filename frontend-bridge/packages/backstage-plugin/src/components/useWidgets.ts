import { useApi } from '@backstage/frontend-plugin-api';
import { useCallback, useEffect, useState } from 'react';
import { callboardApiRef, type CallboardApi } from '../api.js';

export type Answer<T> = { state: 'waiting' } | { state: 'ready'; value: T } | { state: 'failed'; error: Error; retry(): void };

/** What the host answers. `ask` must be the same function for the same question. */
export function useHost<T>(ask: (api: CallboardApi) => Promise<T>): Answer<T> {
  const api = useApi(callboardApiRef);
  const [answer, setAnswer] = useState<Answer<T>>({ state: 'waiting' });
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt(n => n + 1), []);
  useEffect(() => {
    let gone = false;
    setAnswer({ state: 'waiting' });
    ask(api).then(
      value => gone || setAnswer({ state: 'ready', value }),
      error => gone || setAnswer({ state: 'failed', error: error instanceof Error ? error : new Error(String(error)), retry }),
    );
    return () => {
      gone = true;
    };
  }, [api, ask, attempt, retry]);
  return answer;
}

export function useWidgetsOf(entityRef: string) {
  return useHost(useCallback((api: CallboardApi) => api.widgetsOf(entityRef), [entityRef]));
}

const everyWidget = (api: CallboardApi) => api.widgets();
export const useEveryWidget = () => useHost(everyWidget);
