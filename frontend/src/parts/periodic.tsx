// The periodic table as buttons: each press goes from no matter to asked for to left out.

import { useRef } from 'preact/hooks'
import type { Element } from '../lib/api'

interface Props {
  elements: Element[]
  counts: Record<string, number>
  asked: string[]
  left: string[]
  change: (asked: string[], left: string[]) => void
}

function place(element: Element): [number, number] {
  return element.group > 18 ? [element.group - 16, element.period + 3] : [element.group, element.period]
}

export function PeriodicTable({ elements, counts, asked, left, change }: Props) {
  const table = useRef<HTMLDivElement>(null)
  const most = Math.max(1, ...Object.values(counts))

  function press(symbol: string) {
    const out = (list: string[]) => list.filter((one) => one !== symbol)
    if (asked.includes(symbol)) change(out(asked), [...left, symbol])
    else if (left.includes(symbol)) change(asked, out(left))
    else change([...asked, symbol], left)
  }

  // Arrows go to the nearest element in their direction; one element of the table takes part in the tab order.
  function move(event: KeyboardEvent) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    const from = elements.find((one) => one.symbol === (event.target as HTMLElement).dataset.symbol)
    if (!step || !from) return
    event.preventDefault()
    const [x, y] = place(from)
    const ahead = elements
      .map((one) => ({ one, dx: place(one)[0] - x, dy: place(one)[1] - y }))
      .filter(({ dx, dy }) => dx * step[0]! + dy * step[1]! > 0 && (step[0] ? dy === 0 : dx === 0))
      .sort((a, b) => Math.abs(a.dx) + Math.abs(a.dy) - Math.abs(b.dx) - Math.abs(b.dy))[0]
    if (ahead) table.current?.querySelector<HTMLElement>(`[data-symbol="${ahead.one.symbol}"]`)?.focus()
  }

  const first = asked[0] ?? left[0] ?? 'H'
  return (
    <div class="periodic" ref={table} role="group" aria-label="Elements: press once to ask for one, twice to leave it out" onKeyDown={move}>
      {elements.map((element) => {
        const [column, row] = place(element)
        const here = counts[element.symbol] ?? 0
        const state = asked.includes(element.symbol) ? 'asked' : left.includes(element.symbol) ? 'left' : ''
        const level = here ? 1 + Math.round((3 * Math.log1p(here)) / Math.log1p(most)) : 0
        const words = { asked: 'asked for', left: 'left out', '': '' }[state]
        return (
          <button
            type="button"
            key={element.symbol}
            class={`element ${state} level-${level}`}
            style={{ gridColumn: column, gridRow: row }}
            data-symbol={element.symbol}
            tabIndex={element.symbol === first ? 0 : -1}
            title={`${element.name}: ${here.toLocaleString('en')}`}
            aria-label={`${element.name}, ${here} crystals${words ? `, ${words}` : ''}`}
            aria-pressed={state !== ''}
            onClick={() => press(element.symbol)}
          >
            {element.symbol}
          </button>
        )
      })}
    </div>
  )
}
