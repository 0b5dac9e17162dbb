// The library: everything that was found, by folder.

import { exported, type About, type Entry, type Kind } from '../lib/api'
import { address } from '../lib/route'
import { ago } from '../lib/text'
import { Glance, hasGlance } from '../parts/glance'

const KINDS: Record<Kind, { title: string; sign: string }> = {
  dataset: { title: 'data set', sign: 'D' },
  predictions: { title: 'predictions', sign: 'P' },
  generated: { title: 'generated crystals', sign: 'G' },
  relaxed: { title: 'relaxed crystals', sign: 'R' },
  report: { title: 'evaluation', sign: 'E' },
  run: { title: 'training run', sign: 'T' },
  model: { title: 'model', sign: 'M' },
  trajectories: { title: 'trajectories', sign: 'W' },
  ledger: { title: 'discovery', sign: 'L' },
}

export function kindTitle(kind: Kind): string {
  return KINDS[kind]?.title ?? kind
}

/** Where a click on an entry leads. */
export function home(entry: Entry): string {
  return address([entry.kind === 'report' || entry.kind === 'ledger' || !entry.crystals ? entry.kind : 'crystals', entry.key])
}

/** Folders whose crystals are shown at one glance, at most. */
const GLANCES = 8

export function Library({ about, entries }: { about: About; entries: Entry[] }) {
  const folders = new Map<string, Entry[]>()
  for (const entry of entries) folders.set(entry.folder, [...(folders.get(entry.folder) ?? []), entry])
  const seen = new Set(entries.filter(hasGlance).slice(0, GLANCES).map((entry) => entry.key))
  return (
    <>
      <h1>Library</h1>
      <p class="soft">
        {entries.length ? 'What nucleate wrote into the folders shown.' : 'There is nothing here yet that nucleate wrote.'} {exported() ? 'This is a copy.' : 'New files appear by themselves.'}
      </p>
      {[...folders].map(([folder, inside]) => (
        <section class="folder" key={folder}>
          {folder ? <h2 class="path">{folder}</h2> : null}
          <ul class="cards">
            {[...inside].sort((a, b) => Number(seen.has(b.key)) - Number(seen.has(a.key))).map((entry) => (
              <li key={entry.key} class={seen.has(entry.key) ? 'broad' : ''}>
                <Card entry={entry} />
                {seen.has(entry.key) ? <Glance about={about} entry={entry} /> : null}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  )
}

function Card({ entry }: { entry: Entry }) {
  return (
    <a class="card" href={home(entry)}>
      <span class={`sign ${entry.kind}`} aria-hidden="true">
        {KINDS[entry.kind]?.sign}
      </span>
      <span class="what">
        <strong>{entry.name}</strong>
        <span class="soft">
          {kindTitle(entry.kind)} · {ago(entry.changed)}
        </span>
      </span>
    </a>
  )
}
