// A training run: its curves, which grow while it goes on.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { exported, type Curve, type Entry, type Run } from '../lib/api'
import { useAsked } from '../lib/ask'
import { Plot } from '../parts/plot'
import { Panel, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'
import { ago, count } from '../lib/text'

type Series = Record<string, Curve>

const TITLES: Record<string, string> = { gradient_norm: 'gradient norm', learning_rate: 'learning rate', crystals_per_second: 'crystals per second' }

export function RunView({ entry }: { entry: Entry }) {
  const { answer, error } = useAsked<Run>(`run/${entry.key}`)
  const [more, setMore] = useState<Record<string, number>[]>([])
  const [log, setLog] = useState(true)
  const [live, setLive] = useState(false)

  useEffect(() => {
    if (!answer || exported()) return
    const source = new EventSource(`api/events/${entry.key}?lines=${answer.lines}`)
    source.onopen = () => setLive(true)
    source.onerror = () => setLive(false)
    source.onmessage = (event) => setMore((old) => [...old, ...JSON.parse(event.data)])
    return () => source.close()
  }, [answer])

  const series = useMemo(() => (answer ? grown(answer.series, more) : {}), [answer, more])
  const groups = useMemo(() => grouped(series), [series])
  if (error) return <Problem error={error} />
  if (!answer) return <Wait what="Reading the run" />
  const alive = answer.alive || more.length > 0
  const last = Math.max(0, ...Object.values(series).map((curve) => curve.steps.at(-1) ?? 0))
  return (
    <>
      <Tabs entry={entry} at="run" />
      <p class="bar">
        <span class={`state ${alive ? 'going' : ''}`}>{alive ? (live ? 'training' : 'training, not connected') : `ended ${ago(entry.changed)}`}</span>
        <span class="soft">step {count(last)}</span>
        <label class="check">
          <input type="checkbox" checked={log} onChange={(event) => setLog(event.currentTarget.checked)} /> logarithmic losses
        </label>
      </p>
      <div class="plots">
        {groups.map(([title, names]) => (
          <Panel key={title} title={title}>
            <Plot lines={names.map((name) => ({ name: name.replace(/^(train|val)\//, '$1 '), xs: series[name]!.steps, ys: series[name]!.values }))} x="step" log={log && !TITLES[names[0]!]?.includes('per second') && names.every((name) => positive(series[name]!))} label={`${title} by step`} />
          </Panel>
        ))}
      </div>
      {groups.length ? null : <p class="soft">Nothing is logged yet.</p>}
      {answer.recipe ? (
        <Panel>
          <details>
            <summary>Recipe</summary>
            <pre>{answer.recipe}</pre>
          </details>
        </Panel>
      ) : null}
    </>
  )
}

const positive = (curve: Curve) => curve.values.every((value) => value > 0)

function grown(series: Series, rows: Record<string, number>[]): Series {
  const next: Series = Object.fromEntries(Object.entries(series).map(([name, curve]) => [name, { steps: [...curve.steps], values: [...curve.values] }]))
  for (const { step, ...values } of rows) {
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== 'number' || step === undefined) continue
      const curve = (next[name] ??= { steps: [], values: [] })
      curve.steps.push(step)
      curve.values.push(value)
    }
  }
  return next
}

/** Training and validation of one quantity belong together; times are left out. */
function grouped(series: Series): [string, string[]][] {
  const groups = new Map<string, string[]>()
  for (const name of Object.keys(series)) {
    if (name === 'seconds') continue
    const stem = name.replace(/^(train|val)\//, '')
    const title = name === stem ? (TITLES[name] ?? name.replaceAll('_', ' ')) : `loss: ${stem}`
    groups.set(title, [...(groups.get(title) ?? []), name])
  }
  return [...groups].sort(([a], [b]) => Number(b.startsWith('loss')) - Number(a.startsWith('loss')))
}
