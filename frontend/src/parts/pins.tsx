// Crystals put side by side later, at most four; they outlive a reload of the page.

import { useEffect, useState } from 'preact/hooks'
import { exported } from '../lib/api'
import { address } from '../lib/route'

export const MOST = 4
const PLACE = 'nucleate-pins'
const heard = new Set<() => void>()

function read(): string[] {
  try {
    const found = JSON.parse(sessionStorage.getItem(PLACE) ?? '[]')
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string').slice(0, MOST) : []
  } catch {
    return []
  }
}

let pins = read()

export function setPins(next: string[]): void {
  pins = next.slice(0, MOST)
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(pins))
  } catch {
    // a browser may forbid it: the pins then last as long as the page
  }
  heard.forEach((tell) => tell())
}

export function usePins(): string[] {
  const [now, setNow] = useState(pins)
  useEffect(() => {
    const tell = () => setNow(pins)
    heard.add(tell)
    return () => void heard.delete(tell)
  }, [])
  return now
}

export function Pin({ crystal, name, wide = false }: { crystal: string; name: string; wide?: boolean }) {
  const now = usePins()
  const on = now.includes(crystal)
  if (exported()) return null
  const full = !on && now.length >= MOST
  return (
    <button
      type="button"
      class={wide ? `pin wide ${on ? 'on' : ''}` : `pin ${on ? 'on' : ''}`}
      aria-pressed={on}
      disabled={full}
      title={full ? `${MOST} crystals are pinned` : on ? 'Unpin' : 'Pin to compare'}
      aria-label={`${on ? 'Unpin' : 'Pin'} ${name}`}
      onClick={() => setPins(on ? now.filter((one) => one !== crystal) : [...now, crystal])}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M5 2h6l-1 5 2 2v1H8.6L8 15l-.6-5H4V9l2-2z" />
      </svg>
      {wide ? (on ? 'Pinned' : 'Pin to compare') : null}
    </button>
  )
}

export function PinTray() {
  const now = usePins()
  if (!now.length || exported()) return null
  return (
    <a class="tray" href={address(['compare'], new URLSearchParams(now.map((one) => ['c', one])))}>
      Compare {now.length}
    </a>
  )
}
