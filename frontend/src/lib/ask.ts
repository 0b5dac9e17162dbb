// Asking the server from a view: the answer, the error, or neither yet.

import { useEffect, useState } from 'preact/hooks'
import { get, Refused } from './api'

export interface Asked<T> {
  answer: T | null
  error: Refused | null
  /** Whether a newer answer than this one is on its way. */
  busy: boolean
}

/** The answer of a path; the last one stays until the next one is there. An empty path asks nothing. */
export function useAsked<T>(path: string, again = 0): Asked<T> {
  const [state, setState] = useState<Asked<T> & { path: string }>({ answer: null, error: null, busy: true, path: '' })
  useEffect(() => {
    if (!path) return
    const abort = new AbortController()
    setState((old) => ({ ...old, busy: true }))
    get<T>(path, abort.signal)
      .then((answer) => setState({ answer, error: null, busy: false, path }))
      .catch((error) => {
        if (abort.signal.aborted) return
        const refused = error instanceof Refused ? error : new Refused('the server does not answer', 'is nucleate show still running?')
        setState({ answer: null, error: refused, busy: false, path })
      })
    return () => abort.abort()
  }, [path, again])
  return state
}
