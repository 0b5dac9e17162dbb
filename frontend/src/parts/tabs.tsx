// The views of one thing.

import { exported, type Entry } from '../lib/api'
import { address } from '../lib/route'
import { kindTitle } from '../views/library'
import { Crumbs, hasLibrary } from './small'

const VIEWS: { name: string; title: string; of: (entry: Entry, kind: string) => boolean }[] = [
  { name: 'report', title: 'Numbers', of: (entry) => entry.kind === 'report' },
  { name: 'ledger', title: 'Funnel', of: (entry) => entry.kind === 'ledger' },
  { name: 'crystals', title: 'Crystals', of: (entry, kind) => entry.crystals && (kind === '' || kind === 'dng') },
  { name: 'distributions', title: 'Distributions', of: (entry) => entry.crystals && entry.kind !== 'report' && !exported() },
  { name: 'phases', title: 'Phase diagram', of: (entry) => ['dataset', 'ledger', 'relaxed', 'predictions'].includes(entry.kind) && !exported() },
]

/** kind: of a report, where it is known; only those of generated crystals hold crystals. */
export function Tabs({ entry, at, kind = '' }: { entry: Entry; at: string; kind?: string }) {
  const views = VIEWS.filter((view) => view.of(entry, kind))
  if (!hasLibrary()) return null
  return (
    <div class="head">
      <Crumbs parts={[...(entry.folder ? [entry.folder] : []), kindTitle(entry.kind)]} />
      <h1>{entry.name}</h1>
      {views.length > 1 ? (
        <nav class="tabs" aria-label="Views">
          {views.map((view) => (
            <a key={view.name} href={address([view.name, entry.key])} aria-current={view.name === at ? 'page' : undefined}>
              {view.title}
            </a>
          ))}
        </nav>
      ) : null}
    </div>
  )
}
