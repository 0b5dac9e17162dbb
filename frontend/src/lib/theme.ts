// Dark or light: what the system says until somebody chooses.

import { useEffect, useState } from 'preact/hooks'

const PLACE = 'nucleate-theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const heard = new Set<() => void>()

function stored(): string {
  try {
    return localStorage.getItem(PLACE) ?? ''
  } catch {
    return ''
  }
}

let choice = stored()

function dark(): boolean {
  return choice ? choice === 'dark' : system.matches
}

function apply() {
  document.documentElement.dataset.theme = dark() ? 'dark' : 'light'
  heard.forEach((tell) => tell())
}

system.addEventListener('change', apply)
apply()

export function toggleTheme(): void {
  choice = dark() ? 'light' : 'dark'
  try {
    localStorage.setItem(PLACE, choice)
  } catch {
    // a browser may forbid it: the choice then lasts as long as the page
  }
  apply()
}

export function useDark(): boolean {
  const [now, setNow] = useState(dark)
  useEffect(() => {
    const tell = () => setNow(dark())
    heard.add(tell)
    return () => void heard.delete(tell)
  }, [])
  return now
}
