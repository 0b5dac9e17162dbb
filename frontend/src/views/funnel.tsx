// A funnel of discovery: how many candidates come through each stage, and why the others don't.

import { exported, type About, type Details, type Entry, type Funnel } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { count, number } from '../lib/text'
import { Panel, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'
import { Legend, useElements } from '../parts/look'
import { CrystalView, LOOK } from '../parts/viewer'

interface Way {
  name: string
  details: Details
  events: { label: string; outcome: string; reason: string; detail: string; values: Record<string, unknown>; seconds: number }[]
}

export function FunnelView({ about, entry, query }: { about: About; entry: Entry; query: URLSearchParams }) {
  const { answer, error } = useAsked<Funnel>(`funnel/${entry.key}`)
  const name = query.get('name') ?? ''
  const setName = (next: string) => go(address(['ledger', entry.key], new URLSearchParams({ name: next })))
  if (error) return <Problem error={error} />
  if (!answer) return <Wait what="Reading the ledger" />
  const most = Math.max(1, ...answer.stages.map((stage) => stage.came))
  return (
    <>
      <Tabs entry={entry} at="ledger" />
      <Panel title="Funnel">
        <ul class="steps">
          {answer.stages.map((stage) => (
            <li key={stage.label} class="stage">
              <details>
                <summary>
                  <span>{stage.label}</span>
                  <span class="track">
                    <span class="fill" style={{ width: `${(100 * stage.passed) / most}%` }} />
                    <span class="fill waiting" style={{ width: `${(100 * stage.waiting) / most}%` }} />
                  </span>
                  <span class="n">{count(stage.passed)}</span>
                  <span class="soft share-text">
                    {stage.rejected ? `${count(stage.rejected)} rejected ` : ''}
                    {stage.failed ? `${count(stage.failed)} failed ` : ''}
                    {stage.waiting ? `${count(stage.waiting)} wait` : ''}
                  </span>
                </summary>
                <ul class="reasons">
                  {stage.reasons.map((one) => (
                    <li key={one.outcome + one.reason}>
                      <span class="n">{count(one.count)}</span> {one.outcome}: {one.reason.replaceAll('_', ' ')}{' '}
                      {exported() ? null : (
                        <button type="button" class="plain" onClick={() => setName(one.example)}>
                          such as {one.example}
                        </button>
                      )}
                    </li>
                  ))}
                  {stage.reasons.length ? null : <li class="soft">All passed.</li>}
                  <li class="soft">{number(stage.seconds, 3)} s of work</li>
                </ul>
              </details>
            </li>
          ))}
        </ul>
      </Panel>
      {name && !exported() ? <WayOf about={about} entry={entry} name={name} /> : null}
    </>
  )
}

function WayOf({ about, entry, name }: { about: About; entry: Entry; name: string }) {
  const { answer, error } = useAsked<Way>(`way/${entry.key}?name=${encodeURIComponent(name)}`)
  const elements = useElements(about)
  if (error) return <Problem error={error} />
  if (!answer || answer.name !== name) return <Wait />
  const { crystal, conventional, undrawn } = answer.details
  return (
    <Panel title={`The way of ${name}`}>
      <div class="crystal">
        {crystal && !undrawn ? (
          <div>
            <CrystalView structure={conventional ?? crystal} elements={elements} look={LOOK} label={name} />
            <Legend symbols={crystal.species} elements={elements} />
          </div>
        ) : null}
        <ol class="way">
          {answer.events.map((event, n) => (
            <li key={n}>
              <strong>{event.label}</strong> <span class={event.outcome === 'passed' ? 'yes' : 'bad'}>{event.outcome}</span> {event.reason.replaceAll('_', ' ')} <span class="soft">{event.detail}</span>
              <div class="soft">
                {Object.entries(event.values)
                  .map(([key, value]) => `${key} ${typeof value === 'number' ? number(value) : value}`)
                  .join(' · ')}
              </div>
            </li>
          ))}
        </ol>
      </div>
    </Panel>
  )
}
