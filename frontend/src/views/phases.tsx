// The phase diagram of a system: energies of formation over a line, or a triangle seen from above; own SVG.

import { useEffect, useState } from 'preact/hooks'
import type { Entry, Phases } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { fixed } from '../lib/text'
import { Formula, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'

const WIDTH = 640
const HEIGHT = 480
const PAD = 60
const SHOWN = 60

export function PhasesView({ entry, query }: { entry: Entry; query: URLSearchParams }) {
  const system = query.get('system') ?? ''
  const [text, setText] = useState(system)
  const limit = Number(query.get('above') ?? 0.2) || 0.2
  const { answer, error } = useAsked<Phases>(system ? `phases/${entry.key}?system=${encodeURIComponent(system)}` : '')
  useEffect(() => setText(system), [system])
  const set = (part: Record<string, string>) => go(address(['phases', entry.key], new URLSearchParams({ system, above: String(limit), ...part })))
  const near = answer?.phases.filter((phase) => phase.above <= limit) ?? []
  return (
    <>
      <Tabs entry={entry} at="phases" />
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault()
          set({ system: text.trim() })
        }}
      >
        <label>
          System <input value={text} placeholder="Sr-Ti-O" size={14} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button class="primary">Draw</button>
        <label>
          up to{' '}
          <select value={String(limit)} onChange={(event) => set({ above: event.currentTarget.value })}>
            {['0.025', '0.05', '0.1', '0.2', '0.5', '5'].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>{' '}
          eV/atom above the hull
        </label>
      </form>
      {error ? <Problem error={error} /> : null}
      {system && !answer && !error ? <Wait what="Building the hull" /> : null}
      {answer ? (
        <div class="crystal">
          <div class="panel">{answer.elements.length === 2 ? <Line found={answer} near={near} entry={entry} /> : answer.elements.length === 3 ? <Triangle found={answer} near={near} entry={entry} /> : <p class="soft">Four elements have no flat picture; the phases are listed beside.</p>}</div>
          <div class="panel scroll">
            <table class="plain numbers">
              <thead>
                <tr>
                  <th>phase</th>
                  <th>name</th>
                  <th>above hull, eV/atom</th>
                  <th>formation, eV/atom</th>
                </tr>
              </thead>
              <tbody>
                {[...near]
                  .sort((a, b) => a.above - b.above)
                  .slice(0, SHOWN)
                  .map((phase) => (
                    <tr key={phase.row}>
                      <td>
                        <a href={address(['crystal', entry.key, phase.row])}>
                          <Formula text={phase.formula} />
                        </a>
                      </td>
                      <td>{phase.name}</td>
                      <td>{phase.stable ? <strong class="yes">on the hull</strong> : fixed(phase.above, 3)}</td>
                      <td>{fixed(phase.energy, 3)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        </div>
      ) : null}
      <p class="soft">The hull is that of these crystals and the elements at 0 eV, by the energies of formation in the table.</p>
    </>
  )
}

type Found = { found: Phases; near: Phases['phases']; entry: Entry }

function Line({ found, near, entry }: Found) {
  const low = Math.min(...near.map((phase) => phase.energy), -0.05)
  const high = Math.max(...near.map((phase) => phase.energy), 0.02)
  const x = (share: number) => PAD + (WIDTH - 2 * PAD) * share
  const y = (energy: number) => PAD / 2 + (HEIGHT - 1.5 * PAD) * ((high - energy) / (high - low || 1))
  return (
    <svg class="phases" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Formation energies of ${found.elements.join('-')}`}>
      <line class="grid" x1={x(0)} x2={x(1)} y1={y(0)} y2={y(0)} />
      {[low, low / 2, 0].map((tick) => (
        <text key={tick} x={PAD - 8} y={y(tick) + 4} class="end">
          {fixed(tick, 2)}
        </text>
      ))}
      {found.lines.map(([a, b], n) => (
        <line key={n} class="tie" x1={x(a[1]!)} y1={y(a[2]!)} x2={x(b[1]!)} y2={y(b[2]!)} />
      ))}
      {near.map((phase) => (
        <Dot key={phase.row} phase={phase} entry={entry} x={x(phase.fractions[1]!)} y={y(phase.energy)} />
      ))}
      <text x={x(0)} y={HEIGHT - 14} class="middle element-name">
        {found.elements[0]}
      </text>
      <text x={x(1)} y={HEIGHT - 14} class="middle element-name">
        {found.elements[1]}
      </text>
    </svg>
  )
}

function Triangle({ found, near, entry }: Found) {
  const side = WIDTH - 2 * PAD
  const x = (share: number[]) => PAD + side * (share[1]! + share[2]! / 2)
  const y = (share: number[]) => HEIGHT - PAD / 2 - 12 - side * 0.7 * share[2]!
  const corners = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  return (
    <svg class="phases" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Phase diagram of ${found.elements.join('-')}`}>
      <polygon class="frame" points={corners.map((corner) => `${x(corner)},${y(corner)}`).join(' ')} />
      {found.lines.map(([a, b], n) => (
        <line key={n} class="tie" x1={x(a)} y1={y(a)} x2={x(b)} y2={y(b)} />
      ))}
      {[...near]
        .sort((a, b) => b.above - a.above)
        .map((phase) => (
          <Dot key={phase.row} phase={phase} entry={entry} x={x(phase.fractions)} y={y(phase.fractions)} />
        ))}
      {corners.map((corner, n) => (
        <text key={n} x={x(corner) + (n === 0 ? -16 : n === 1 ? 16 : 0)} y={y(corner) + (n === 2 ? -12 : 6)} class="middle element-name">
          {found.elements[n]}
        </text>
      ))}
    </svg>
  )
}

function Dot({ phase, entry, x, y }: { phase: Phases['phases'][number]; entry: Entry; x: number; y: number }) {
  return (
    <a href={address(['crystal', entry.key, phase.row])} aria-label={`${phase.formula}, ${phase.stable ? 'on the hull' : `${fixed(phase.above, 3)} eV/atom above it`}`}>
      <circle class={phase.stable ? 'stable' : 'above'} cx={x} cy={y} r={phase.stable ? 6.5 : 4.5}>
        <title>{`${phase.formula} ${phase.name}: ${phase.stable ? 'on the hull' : `${fixed(phase.above, 3)} eV/atom above the hull`}`}</title>
      </circle>
      {phase.stable && !phase.fractions.includes(1) ? (
        <text x={x + 9} y={y - 7} class="phase-name">
          {phase.formula}
        </text>
      ) : null}
    </a>
  )
}
