// The views of one thing.

import type { Entry } from '../lib/api'
import { address } from '../lib/route'
import { kindTitle } from '../views/library'

const VIEWS: { name: string; title: string; of: (entry: Entry) => boolean }[] = [
  { name: 'report', title: 'Numbers', of: (entry) => entry.kind === 'report' },
  { name: 'crystals', title: 'Crystals', of: (entry) => entry.crystals },
]

export function Tabs({ entry, at }: { entry: Entry; at: string }) {
  const views = VIEWS.filter((view) => view.of(entry))
  return (
    <div class="head">
      <p class="crumbs">
        <a href="#/">Library</a> / {entry.folder ? `${entry.folder} / ` : ''}
        <span>{kindTitle(entry.kind)}</span>
      </p>
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
