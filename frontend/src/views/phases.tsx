// Phase diagrams: the systems of a folder, and one of them with its phases and candidates, drawn and listed.

import { useEffect, useState } from 'preact/hooks'
import type { Entry, Phase, Phases } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { count, fixed } from '../lib/text'
import { Diagram, phaseLink, phaseWords } from '../parts/diagram'
import { Formula, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'

const SHOWN = 60
const LIMITS = ['0.025', '0.05', '0.1', '0.2', '0.5', '5']
const TITLES: Record<Phase['kind'], string> = { known: 'known', candidate: 'candidate', rejected: 'rejected' }

interface Systems {
  systems: { system: string; count: number }[]
}

export function PhasesView({ entry, query }: { entry: Entry; query: URLSearchParams }) {
  const system = query.get('system') ?? ''
  const [text, setText] = useState(system)
  const limit = Number(query.get('above') ?? 0.2) || 0.2
  const offered = useAsked<Systems>(`phases/${entry.key}`)
  const { answer, error, busy } = useAsked<Phases>(system ? `phases/${entry.key}?system=${encodeURIComponent(system)}` : '')
  useEffect(() => setText(system), [system])
  const set = (part: Record<string, string>) => go(address(['phases', entry.key], new URLSearchParams({ system, above: String(limit), ...part })))
  const near = answer?.phases.filter((phase) => phase.above <= limit) ?? []
  const hull = entry.kind === 'dataset' ? '' : ' (energies of its known phases may take half a minute)'
  return (
    <>
      <Tabs entry={entry} at="phases" />
      {offered.error ? <Problem error={offered.error} /> : <Chooser text={text} limit={limit} setText={setText} set={set} />}
      {offered.answer ? <Offered systems={offered.answer.systems} now={system} set={(one) => set({ system: one })} /> : null}
      {error ? <Problem error={error} /> : null}
      {system && busy && !error ? <Wait what={`Building the hull${hull}`} /> : null}
      {answer && system && !busy ? (
        <div class="crystal">
          <div class="panel">
            <Diagram found={answer} near={near} entry={entry} />
            <Key kinds={new Set(answer.phases.map((phase) => phase.kind))} />
          </div>
          <div class="panel scroll">
            <List phases={near} entry={entry} />
          </div>
        </div>
      ) : null}
      {answer && system && !busy ? <p class="soft">{answer.note}</p> : null}
    </>
  )
}

function Chooser({ text, limit, setText, set }: { text: string; limit: number; setText: (text: string) => void; set: (part: Record<string, string>) => void }) {
  return (
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
          {LIMITS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>{' '}
        eV/atom above the hull
      </label>
    </form>
  )
}

function Offered({ systems, now, set }: { systems: Systems['systems']; now: string; set: (system: string) => void }) {
  if (!systems.length) return <p class="soft">No crystal here is of two to four elements.</p>
  return (
    <div class="offered" role="group" aria-label="Systems of these crystals">
      {systems.slice(0, now ? 12 : 60).map(({ system, count: of }) => (
        <button type="button" key={system} aria-pressed={system === now} onClick={() => set(system)}>
          {system} <span class="soft">{count(of)}</span>
        </button>
      ))}
    </div>
  )
}

function Key({ kinds }: { kinds: Set<Phase['kind']> }) {
  const rows: [string, string, boolean][] = [
    ['known stable', 'on the hull', true],
    ['known above', 'known, above it', true],
    ['candidate', 'candidates', kinds.has('candidate')],
    ['rejected', 'rejected candidates', kinds.has('rejected')],
  ]
  return (
    <ul class="legend key">
      {rows
        .filter(([, , there]) => there)
        .map(([look, words]) => (
          <li key={look}>
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <circle class={look} cx="6" cy="6" r="4.5" />
            </svg>
            {words}
          </li>
        ))}
    </ul>
  )
}

function List({ phases, entry }: { phases: Phase[]; entry: Entry }) {
  const mixed = phases.some((phase) => phase.kind !== 'known')
  return (
    <table class="plain numbers listed">
      <thead>
        <tr>
          <th>phase</th>
          <th>name</th>
          {mixed ? <th>kind</th> : null}
          <th>
            above hull <small>eV/atom</small>
          </th>
          <th>
            formation <small>eV/atom</small>
          </th>
        </tr>
      </thead>
      <tbody>
        {[...phases]
          .sort((a, b) => Number(a.kind === 'known') - Number(b.kind === 'known') || a.above - b.above)
          .slice(0, SHOWN)
          .map((phase) => {
            const link = phaseLink(entry, phase)
            return (
              <tr key={`${phase.kind} ${phase.name}`}>
                <td>
                  {link ? (
                    <a href={link}>
                      <Formula text={phase.formula} />
                    </a>
                  ) : (
                    <Formula text={phase.formula} />
                  )}
                </td>
                <td title={phase.name}>{phase.name}</td>
                {mixed ? <td>{TITLES[phase.kind]}</td> : null}
                <td>{phase.stable ? <strong class={phase.kind === 'rejected' ? '' : 'yes'}>{phaseWords(phase)}</strong> : fixed(phase.above, 3)}</td>
                <td>{fixed(phase.energy, 3)}</td>
              </tr>
            )
          })}
      </tbody>
    </table>
  )
}
