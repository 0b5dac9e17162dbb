// The page: its head, and the view that the address asks for.

import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { exported, type About, type Entry } from './lib/api'
import { useAsked } from './lib/ask'
import { useRoute, type Route } from './lib/route'
import { toggleTheme, useDark } from './lib/theme'
import { PinTray } from './parts/pins'
import { Problem, Wait } from './parts/small'
import { Crystal } from './views/crystal'
import { Library } from './views/library'
import { Table } from './views/table'
import './style.css'

const OFTEN = 5000

function Page() {
  const route = useRoute()
  const [again, setAgain] = useState(0)
  const about = useAsked<About>('about')
  const library = useAsked<{ entries: Entry[] }>('library', again)
  const shownLibrary = route.path.length === 0
  useEffect(() => {
    if (!shownLibrary || exported()) return
    const timer = setInterval(() => setAgain((n) => n + 1), OFTEN)
    return () => clearInterval(timer)
  }, [shownLibrary])
  useEffect(() => {
    scrollTo(0, 0)
  }, [route.path.join('/')])
  const failed = about.error ?? library.error
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Head />
      <main id="main" tabIndex={-1}>
        {failed ? <Problem error={failed} /> : about.answer && library.answer ? <View about={about.answer} entries={library.answer.entries} route={route} /> : <Wait what="Looking around" />}
      </main>
    </>
  )
}

function View({ about, entries, route }: { about: About; entries: Entry[]; route: Route }) {
  const [view, key, row] = route.path
  const entry = entries.find((one) => one.key === key)
  useEffect(() => {
    document.title = entry ? `${entry.name} · nucleate` : 'nucleate'
  }, [entry])
  if (!view) return <Library entries={entries} />
  if (!entry) return <Missing />
  if (view === 'crystals') return <Table key={key} about={about} entry={entry} query={route.query} />
  if (view === 'crystal' && row && /^\d+$/.test(row)) return <Crystal about={about} entry={entry} row={Number(row)} query={route.query} />
  return <Missing />
}

function Missing() {
  return (
    <div class="problem">
      <strong>There is no such thing any more.</strong>
      <a href="#/">Back to the library</a>
    </div>
  )
}

function Head() {
  const dark = useDark()
  return (
    <header class="top">
      <a class="mark" href="#/">
        <img src="icon.svg" alt="" width="24" height="24" /> nucleate
      </a>
      <span class="space" />
      <PinTray />
      <button type="button" class="theme" onClick={toggleTheme} aria-label={dark ? 'Light colours' : 'Dark colours'} title={dark ? 'Light colours' : 'Dark colours'}>
        {dark ? '☀' : '☾'}
      </button>
    </header>
  )
}

render(<Page />, document.getElementById('app')!)
