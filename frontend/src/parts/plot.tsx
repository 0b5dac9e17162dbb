// Curves over a common axis, by uPlot: zoom by dragging, a double click shows all again.

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { number } from '../lib/text'
import { useDark } from '../lib/theme'

export interface Line {
  name: string
  xs: number[]
  ys: (number | null)[]
}

interface Props {
  lines: Line[]
  x: string
  log?: boolean
  height?: number
  label: string
  /** A place on the axis that is marked, and what a click on another one does. */
  mark?: number
  choose?: (x: number) => void
}

const LIGHT = ['#0b6e6e', '#b3541e', '#5b4bb7', '#2f7d32', '#ad1f62', '#5d6470']
const DARK = ['#5ccfc4', '#ffab70', '#b6a6ff', '#8ad48d', '#ff8fc0', '#b8c2cf']

export function Plot({ lines, x, log = false, height = 240, label, mark, choose }: Props) {
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const marked = useRef(mark)
  const dark = useDark()

  useEffect(() => {
    if (!holder.current || !lines.length) return
    const colours = dark ? DARK : LIGHT
    const ink = dark ? '#9dabba' : '#566170'
    const grid = { stroke: dark ? '#2b3440' : '#e6e9ed', width: 1 }
    const axis = { stroke: ink, grid, ticks: grid, font: '12px system-ui' }
    const data = joined(lines, log)
    const options: uPlot.Options = {
      width: holder.current.clientWidth,
      height,
      legend: { show: lines.length > 1, live: true },
      cursor: { points: { size: 6 }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
      axes: [
        { ...axis, label: x, labelSize: 22, labelFont: '12px system-ui' },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : number(tick, 2))) },
      ],
      series: [
        { label: x },
        ...lines.map((line, n) => ({ label: line.name, stroke: colours[n % colours.length], width: 1.6, spanGaps: true, points: { show: line.xs.length < 40, size: 5 } })),
      ],
      hooks: {
        draw: [(plot) => drawMark(plot, marked.current, ink)],
      },
    }
    const plot = new uPlot(options, data, holder.current)
    chart.current = plot
    const click = () => choose && plot.cursor.idx !== null && plot.cursor.idx !== undefined && choose(plot.data[0]![plot.cursor.idx]!)
    plot.over.addEventListener('click', click)
    const watch = new ResizeObserver(() => holder.current && plot.setSize({ width: holder.current.clientWidth, height }))
    watch.observe(holder.current)
    return () => {
      watch.disconnect()
      plot.destroy()
      chart.current = null
    }
  }, [lines, dark, log])

  useEffect(() => {
    marked.current = mark
    // a chart that was just made is not laid out before the next frame
    const frame = requestAnimationFrame(() => chart.current?.redraw(false))
    return () => cancelAnimationFrame(frame)
  }, [mark])

  return <div class="plot" ref={holder} role="img" aria-label={label} />
}

function drawMark(plot: uPlot, mark: number | undefined, colour: string) {
  if (mark === undefined) return
  const at = plot.valToPos(mark, 'x', true)
  const { top, height } = plot.bbox
  plot.ctx.save()
  plot.ctx.strokeStyle = colour
  plot.ctx.setLineDash([4, 4])
  plot.ctx.beginPath()
  plot.ctx.moveTo(at, top)
  plot.ctx.lineTo(at, top + height)
  plot.ctx.stroke()
  plot.ctx.restore()
}

/** All lines over the union of their places; nothing that a logarithm can't take. */
function joined(lines: Line[], log: boolean): uPlot.AlignedData {
  const xs = [...new Set(lines.flatMap((line) => line.xs))].sort((a, b) => a - b)
  const ys = lines.map((line) => {
    const at = new Map(line.xs.map((x, n) => [x, line.ys[n] ?? null]))
    return xs.map((x) => {
      const y = at.get(x) ?? null
      return y !== null && log && y <= 0 ? null : y
    })
  })
  return [xs, ...ys]
}
