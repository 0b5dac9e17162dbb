// The page: its head, and the view that the address asks for.

import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { exported, isPiece, type About, type Entry } from './lib/api'
import { useAsked } from './lib/ask'
import { useRoute, type Route } from './lib/route'
import { toggleTheme, useDark } from './lib/theme'
import { PinTray } from './parts/pins'
import { hasLibrary, Problem, Wait } from './parts/small'
import { Crystal } from './views/crystal'
import { Compare } from './views/compare'
import { Distributions } from './views/distributions'
import { FunnelView } from './views/funnel'
import { Library } from './views/library'
import { ModelView } from './views/model'
import { Opened } from './views/opened'
import { PhasesView } from './views/phases'
import { Predict } from './views/predict'
import { ReportView } from './views/report'
import { RunView } from './views/run'
import { Table } from './views/table'
import { TrajectoryView } from './views/trajectory'
import './style.css'

const OFTEN = 3000

function Page() {
  const route = useRoute()
  const [again, setAgain] = useState(0)
  const about = useAsked<About>('about')
  const library = useAsked<{ entries: Entry[] }>('library', again)
  const growing = ['', 'predict'].includes(route.path[0] ?? '')
  useEffect(() => {
    if (!growing || exported()) return
    const timer = setInterval(() => setAgain((n) => n + 1), OFTEN)
    return () => clearInterval(timer)
  }, [growing])
  useEffect(() => {
    scrollTo(0, 0)
  }, [route.path.join('/')])
  const failed = about.error ?? library.error
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Head runs={about.answer?.runs ?? false} at={route.path[0] ?? ''} />
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
  if (!view) return <Library about={about} entries={entries} />
  if (view === 'compare') return <Compare about={about} query={route.query} />
  if (view === 'predict' && about.runs) return <Predict about={about} entries={entries} />
  if (view === 'open') return <Opened about={about} />
  if (!entry) return <Missing />
  if (view === 'crystals') return <Table key={key} about={about} entry={entry} query={route.query} />
  if (view === 'crystal' && row && /^\d+$/.test(row)) return <Crystal about={about} entry={entry} row={Number(row)} query={route.query} />
  if (view === 'run') return <RunView key={key} entry={entry} />
  if (view === 'report') return <ReportView about={about} entry={entry} />
  if (view === 'trajectories') return <TrajectoryView about={about} entry={entry} query={route.query} />
  if (view === 'distributions') return <Distributions about={about} entry={entry} entries={entries} query={route.query} />
  if (view === 'phases') return <PhasesView key={key} entry={entry} query={route.query} />
  if (view === 'ledger') return <FunnelView about={about} entry={entry} query={route.query} />
  if (view === 'model') return <ModelView entry={entry} />
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

function Head({ runs, at }: { runs: boolean; at: string }) {
  const dark = useDark()
  const theme = (
    <button type="button" class="theme" onClick={toggleTheme} aria-label={dark ? 'Light colours' : 'Dark colours'} title={dark ? 'Light colours' : 'Dark colours'}>
      {dark ? '☀' : '☾'}
    </button>
  )
  if (isPiece()) return <div class="corner">{theme}</div>
  return (
    <header class="top">
      <a class="mark" href="#/">
        <img src="icon.svg" alt="" width="24" height="24" /> nucleate
      </a>
      <nav aria-label="Page">
        <a href="#/" aria-current={at === '' ? 'page' : undefined}>
          Library
        </a>
        {runs ? (
          <a href="#/predict" aria-current={at === 'predict' ? 'page' : undefined}>
            Predict
          </a>
        ) : null}
        {exported() ? null : (
          <a href="#/open" aria-current={at === 'open' ? 'page' : undefined}>
            Open
          </a>
        )}
      </nav>
      <span class="space" />
      <PinTray />
      {theme}
    </header>
  )
}

document.documentElement.classList.toggle('alone', !hasLibrary())
render(<Page />, document.getElementById('app')!)
