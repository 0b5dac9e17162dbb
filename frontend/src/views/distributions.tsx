// The crystals of one thing beside those of another, as histograms.

import type { About, Comparison, Entry } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { ComparisonFigure, PairLegend } from '../parts/histogram'
import { Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'

export function Distributions({ about, entry, entries, query }: { about: About; entry: Entry; entries: Entry[]; query: URLSearchParams }) {
  const others = entries.filter((one) => one.crystals && one.key !== entry.key)
  const reference = others.find((one) => one.key === query.get('reference')) ?? others.find((one) => one.kind === 'dataset') ?? others[0]
  const { answer, error } = useAsked<{ comparisons: Comparison[] }>(reference ? `distributions/${entry.key}?reference=${reference.key}` : '')
  return (
    <>
      <Tabs entry={entry} at="distributions" />
      {reference ? (
        <p class="bar">
          <label>
            Reference{' '}
            <select value={reference.key} onChange={(event) => go(address(['distributions', entry.key], new URLSearchParams({ reference: event.currentTarget.value })))}>
              {others.map((one) => (
                <option key={one.key} value={one.key}>
                  {[one.folder, one.name].filter(Boolean).join(' / ')}
                </option>
              ))}
            </select>
          </label>
          <PairLegend ours={entry.name} theirs={reference.name} />
        </p>
      ) : (
        <p class="soft">There is nothing to compare with: show another folder too, such as the training data.</p>
      )}
      {error ? <Problem error={error} /> : null}
      {reference && !answer && !error ? <Wait what="Counting" /> : null}
      <div class="figures panel">{answer?.comparisons.map((one) => <ComparisonFigure key={one.title} one={one} elements={about.elements} />)}</div>
    </>
  )
}
