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

/** A piece of the page inside another one has no address of its own: it begins at a view and keeps where it is. */
const piece = window.nucleateSite?.start !== undefined
let here = window.nucleateSite?.start ?? ''
const now = () => (piece ? here : location.hash)

if (piece) {
  addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#/"]') : null
    if (!link) return
    event.preventDefault()
    go(link.getAttribute('href')!)
  })
}

export function useRoute(): Route {
  const [hash, setHash] = useState(now)
  useEffect(() => {
    const changed = () => setHash(now())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return parse(hash)
}

/** Go to an address; `quietly` replaces the present one, so that going back skips it. */
export function go(to: string, quietly = false): void {
  if (to === now()) return
  if (piece) here = to
  else if (quietly) history.replaceState(null, '', to)
  else {
    location.hash = to
    return
  }
  dispatchEvent(new HashChangeEvent('hashchange'))
}
