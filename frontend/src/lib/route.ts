// The state of the page is its address after the #: a path, and parameters that may repeat.

import { useEffect, useState } from 'preact/hooks'

export interface Route {
  path: string[]
  query: URLSearchParams
}

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) }
}

export function address(path: (string | number)[], query?: URLSearchParams): string {
  const text = query?.toString() ?? ''
  return `#/${path.map((part) => encodeURIComponent(String(part))).join('/')}${text ? `?${text}` : ''}`
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return parse(hash)
}

/** Go to an address; `quietly` replaces the present one, so that going back skips it. */
export function go(to: string, quietly = false): void {
  if (to === location.hash) return
  if (!quietly) {
    location.hash = to
    return
  }
  history.replaceState(null, '', to)
  dispatchEvent(new HashChangeEvent('hashchange'))
}
