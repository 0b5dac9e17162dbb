// How a crystal is drawn: the colours of its elements, and the controls of the picture.

import { useMemo } from 'preact/hooks'
import type { About, Element } from '../lib/api'
import type { Look } from './viewer'

export function useElements(about: About): Map<string, Element> {
  return useMemo(() => new Map(about.elements.map((element) => [element.symbol, element])), [about])
}

export function Legend({ symbols, elements }: { symbols: string[]; elements: Map<string, Element> }) {
  return (
    <ul class="legend">
      {[...new Set(symbols)].map((symbol) => (
        <li key={symbol}>
          <svg viewBox="0 0 12 12" aria-hidden="true">
            <circle cx="6" cy="6" r="5.5" fill={elements.get(symbol)?.colour} stroke="currentColor" stroke-opacity="0.35" />
          </svg>
          {symbol}
        </li>
      ))}
    </ul>
  )
}

export function LookControls({ look, atoms, setLook, turn }: { look: Look; atoms: number; setLook: (look: Look) => void; turn: (axis: number) => void }) {
  const edit = (part: Partial<Look>) => setLook({ ...look, ...part })
  return (
    <div class="controls">
      <label>
        Style{' '}
        <select value={look.style} onChange={(event) => edit({ style: event.currentTarget.value as Look['style'] })}>
          <option value="balls">balls and sticks</option>
          <option value="polyhedra">polyhedra</option>
          <option value="spheres">spheres</option>
        </select>
      </label>
      <span class="repeat" role="group" aria-label="Cells along a, b, c">
        {[0, 1, 2].map((axis) => (
          <label key={axis}>
            {'abc'[axis]}{' '}
            <select
              value={look.repeat[axis]}
              onChange={(event) => {
                const repeat = [...look.repeat] as Look['repeat']
                repeat[axis] = Number(event.currentTarget.value)
                edit({ repeat })
              }}
            >
              {[1, 2, 3, 4].filter((n) => n === 1 || n * atoms <= 1000).map((n) => (
                <option key={n}>{n}</option>
              ))}
            </select>
          </label>
        ))}
      </span>
      <label class="check">
        <input type="checkbox" checked={look.boundary} onChange={(event) => edit({ boundary: event.currentTarget.checked })} /> boundary atoms
      </label>
      <label class="check">
        <input type="checkbox" checked={look.labels} onChange={(event) => edit({ labels: event.currentTarget.checked })} /> labels
      </label>
      <span class="along" role="group" aria-label="Look along">
        {['a', 'b', 'c'].map((axis, n) => (
          <button type="button" key={axis} onClick={() => turn(n)} aria-label={`Look along ${axis}`}>
            {axis}
          </button>
        ))}
        <button type="button" onClick={() => turn(-1)}>
          reset
        </button>
      </span>
    </div>
  )
}
