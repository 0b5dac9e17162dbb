// Two histograms laid over each other, and the periodic table coloured by the ratio of two shares; own SVG.

import type { Comparison, Element } from '../lib/api'
import { number } from '../lib/text'

const WIDTH = 420
const HEIGHT = 210
const LEFT = 44
const BOTTOM = 30
const TOP = 8
const SHORT: Record<string, string> = { triclinic: 'tricl.', monoclinic: 'mono.', orthorhombic: 'ortho.', tetragonal: 'tetra.', trigonal: 'trig.', hexagonal: 'hexa.', cubic: 'cubic' }

export function ComparisonFigure({ one, elements }: { one: Comparison; elements: Element[] }) {
  const symbols = new Set(elements.map((element) => element.symbol))
  const isElements = !one.edges.length && one.labels.length > 0 && one.labels.every((label) => symbols.has(label))
  return (
    <figure class={isElements ? 'wide' : ''}>
      <figcaption>
        <strong>{one.title}</strong> {one.unit ? <span class="soft">{one.unit}</span> : null}
      </figcaption>
      {isElements ? <Ratios one={one} elements={elements} /> : <Histogram one={one} />}
    </figure>
  )
}

export function PairLegend({ ours = 'these', theirs = 'reference' }: { ours?: string; theirs?: string }) {
  return (
    <p class="pairs soft">
      <span class="swatch ours" /> {ours} <span class="swatch theirs" /> {theirs}
    </p>
  )
}

function Histogram({ one }: { one: Comparison }) {
  const bins = one.samples.length
  const top = Math.max(...one.samples, ...one.reference, 1e-9)
  const x = (place: number) => LEFT + ((WIDTH - LEFT - 6) * place) / bins
  const y = (share: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share / top)
  const floor = y(0)
  const numeric = one.edges.length > 0
  const outline = one.reference.map((share, n) => `H${x(n)}V${y(share)}H${x(n + 1)}`).join('')
  const every = Math.max(1, Math.ceil(bins / 6))
  const ticks = [0, top / 2, top]
  const whole = numeric && one.edges[0]! % 1 !== 0 && one.edges[1]! - one.edges[0]! === 1
  const name = (n: number) => (whole ? String(one.edges[n]! + 0.5) : numeric ? `${number(one.edges[n]!, 3)} to ${number(one.edges[n + 1]!, 3)}` : one.labels[n])
  return (
    <svg class="histogram" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${one.title}: these beside the reference`}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={LEFT} x2={WIDTH - 6} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 5} y={y(tick) + 4} class="end">
            {number(100 * tick, 2)} %
          </text>
        </g>
      ))}
      {one.samples.map((share, n) => (
        <rect key={n} class="ours" x={x(n + (numeric ? 0 : 0.12))} width={(x(1) - x(0)) * (numeric ? 1 : 0.76)} y={y(share)} height={floor - y(share)}>
          <title>{`${name(n)}: ${number(100 * share, 3)} %, reference ${number(100 * one.reference[n]!, 3)} %`}</title>
        </rect>
      ))}
      {numeric ? <path class="theirs" d={`M${x(0)},${floor}${outline}V${floor}`} /> : one.reference.map((share, n) => <path key={n} class="theirs" d={`M${x(n + 0.05)},${y(share)}H${x(n + 0.95)}`} />)}
      {Array.from({ length: bins + (numeric && !whole ? 1 : 0) }, (_, n) => n)
        .filter((n) => !numeric || n % every === 0)
        .map((n) => (
          <text key={n} x={x(numeric && !whole ? n : n + 0.5)} y={HEIGHT - 12} class="middle">
            {whole ? one.edges[n]! + 0.5 : numeric ? number(one.edges[n]!, 3) : (SHORT[one.labels[n]!] ?? one.labels[n]!.slice(0, bins > 8 ? 4 : 7))}
          </text>
        ))}
    </svg>
  )
}

function Ratios({ one, elements }: { one: Comparison; elements: Element[] }) {
  const at = new Map(one.labels.map((label, n) => [label, n]))
  return (
    <svg class="ratios" viewBox="0 0 648 345" role="img" aria-label="Elements: share among these over that in the reference">
      {elements.map((element) => {
        const n = at.get(element.symbol)
        const [ours, theirs] = n === undefined ? [0, 0] : [one.samples[n]!, one.reference[n]!]
        const ratio = !ours && !theirs ? 0 : Math.max(-3, Math.min(3, Math.log2((ours + 1e-9) / (theirs + 1e-9))))
        const x = 36 * ((element.group > 18 ? element.group - 16 : element.group) - 1)
        const y = 36 * (element.group > 18 ? element.period + 1.4 : element.period - 1)
        const kind = !ours && !theirs ? 'absent' : ratio > 0 ? 'more' : 'less'
        return (
          <g key={element.symbol} class={kind}>
            <rect x={x + 1} y={y + 1} width={34} height={34} rx={4} fill-opacity={0.15 + (0.75 * Math.abs(ratio)) / 3}>
              <title>{`${element.name}: ${number(100 * ours, 3)} %, reference ${number(100 * theirs, 3)} %`}</title>
            </rect>
            <text x={x + 18} y={y + 23} class="middle">
              {element.symbol}
            </text>
          </g>
        )
      })}
    </svg>
  )
}
