// A phase diagram in own SVG: energies of formation over a line of compositions, or a triangle seen from above.

import type { Entry, Phase, Phases } from '../lib/api'
import { address } from '../lib/route'
import { fixed } from '../lib/text'

const WIDTH = 640
const HEIGHT = 480
const PAD = 60
const ORDER: Record<Phase['kind'], number> = { rejected: 0, known: 1, candidate: 2 }

interface Props {
  found: Phases
  near: Phase[]
  entry: Entry
}

export function Diagram(props: Props) {
  const elements = props.found.elements.length
  if (elements === 2) return <Line {...props} />
  return elements === 3 ? <Triangle {...props} /> : <p class="soft">Four elements have no flat picture; the phases are listed beside.</p>
}

/** Where a click on a phase leads: its crystal, or its way through the funnel; known phases stand in no folder. */
export function phaseLink(entry: Entry, phase: Phase): string {
  if (phase.row !== null) return address(['crystal', entry.key, phase.row])
  return phase.kind !== 'known' && entry.kind === 'ledger' ? address(['ledger', entry.key], new URLSearchParams({ name: phase.name })) : ''
}

export function phaseWords(phase: Phase): string {
  if (phase.above < -1e-4) return `${fixed(-phase.above, 3)} below`
  return phase.stable ? 'on the hull' : `${fixed(phase.above, 3)} eV/atom above it`
}

const drawn = (near: Phase[]) => [...near].sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || b.above - a.above)

function Line({ found, near, entry }: Props) {
  const low = Math.min(...near.map((phase) => phase.energy), -0.05)
  const high = Math.max(...near.map((phase) => phase.energy), 0.02)
  const x = (share: number) => PAD + (WIDTH - 2 * PAD) * share
  const y = (energy: number) => PAD / 2 + (HEIGHT - 1.5 * PAD) * ((high - energy) / (high - low || 1))
  return (
    <svg class="phases" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={`Formation energies of ${found.elements.join('-')}`}>
      <line class="grid" x1={x(0)} x2={x(1)} y1={y(0)} y2={y(0)} />
      {[low, low / 2, 0].map((tick) => (
        <text key={tick} x={PAD - 8} y={y(tick) + 4} class="end">
          {fixed(tick, 2)}
        </text>
      ))}
      <text x={14} y={HEIGHT / 2} class="middle" transform={`rotate(-90 14 ${HEIGHT / 2})`}>
        energy of formation, eV/atom
      </text>
      {found.lines.map(([a, b], n) => (
        <line key={n} class="tie" x1={x(a[1]!)} y1={y(a[2]!)} x2={x(b[1]!)} y2={y(b[2]!)} />
      ))}
      {drawn(near).map((phase) => (
        <Dot key={phase.kind + phase.name} phase={phase} entry={entry} x={x(phase.fractions[1]!)} y={y(phase.energy)} />
      ))}
      {found.elements.map((element, n) => (
        <text key={element} x={x(n)} y={HEIGHT - 14} class="middle element-name">
          {element}
        </text>
      ))}
    </svg>
  )
}

function Triangle({ found, near, entry }: Props) {
  const side = WIDTH - 2 * PAD
  const x = (share: number[]) => PAD + side * (share[1]! + share[2]! / 2)
  const y = (share: number[]) => HEIGHT - PAD / 2 - 12 - side * 0.7 * share[2]!
  const corners = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  return (
    <svg class="phases" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={`Phase diagram of ${found.elements.join('-')}`}>
      <polygon class="frame" points={corners.map((corner) => `${x(corner)},${y(corner)}`).join(' ')} />
      {found.lines.map(([a, b], n) => (
        <line key={n} class="tie" x1={x(a)} y1={y(a)} x2={x(b)} y2={y(b)} />
      ))}
      {drawn(near).map((phase) => (
        <Dot key={phase.kind + phase.name} phase={phase} entry={entry} x={x(phase.fractions)} y={y(phase.fractions)} />
      ))}
      {corners.map((corner, n) => (
        <text key={n} x={x(corner) + (n === 0 ? -16 : n === 1 ? 16 : 0)} y={y(corner) + (n === 2 ? -12 : 6)} class="middle element-name">
          {found.elements[n]}
        </text>
      ))}
    </svg>
  )
}

function Dot({ phase, entry, x, y }: { phase: Phase; entry: Entry; x: number; y: number }) {
  const link = phaseLink(entry, phase)
  const words = phaseWords(phase)
  const look = phase.kind === 'known' ? `known ${phase.stable ? 'stable' : 'above'}` : phase.kind
  const ball = (
    <circle class={look} cx={x} cy={y} r={phase.kind === 'known' && !phase.stable ? 4 : 6}>
      <title>{`${phase.formula} ${phase.name}: ${words}`}</title>
    </circle>
  )
  return (
    <>
      {link ? (
        <a href={link} aria-label={`${phase.formula}, ${words}`}>
          {ball}
        </a>
      ) : (
        ball
      )}
      {phase.kind === 'known' && phase.stable && !phase.fractions.includes(1) ? (
        <text x={x + 9} y={y - 7} class="phase-name">
          {phase.formula}
        </text>
      ) : null}
    </>
  )
}
