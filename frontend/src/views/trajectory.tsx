// A trajectory: a slider over its frames, a player, and how energy or volume change on the way.

import { useEffect, useMemo, useState } from 'preact/hooks'
import type { About, Entry, Trajectory } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { fixed } from '../lib/text'
import { Plot } from '../parts/plot'
import { Panel, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'
import { Legend, useElements } from '../parts/look'
import { CrystalView, LOOK } from '../parts/viewer'

const PACE = 120

export function TrajectoryView({ about, entry, query }: { about: About; entry: Entry; query: URLSearchParams }) {
  const file = Number(query.get('file') ?? 0) || 0
  const { answer, error } = useAsked<Trajectory>(`trajectory/${entry.key}/${file}`)
  const elements = useElements(about)
  const [at, setAt] = useState(0)
  const [playing, setPlaying] = useState(false)
  const frames = answer?.frames ?? []
  const last = frames.length - 1

  useEffect(() => setAt(Math.max(last, 0)), [answer])
  useEffect(() => {
    if (!playing) return
    const timer = setInterval(() => setAt((now) => (now >= last ? 0 : now + 1)), PACE)
    return () => clearInterval(timer)
  }, [playing, last])

  const lines = useMemo(() => {
    const energies = frames.some((frame) => frame.energy !== null)
    const xs = frames.map((_, n) => n)
    return energies ? [{ name: 'energy, eV', xs, ys: frames.map((frame) => frame.energy) }] : [{ name: 'volume, Å³/atom', xs, ys: frames.map((frame) => frame.volume) }]
  }, [answer])

  if (error) return <Problem error={error} />
  if (!answer) return <Wait what="Reading the trajectory" />
  const frame = frames[Math.min(at, last)]
  return (
    <>
      <Tabs entry={entry} at="trajectories" />
      <p class="bar">
        <label>
          Crystal{' '}
          <select value={answer.file} onChange={(event) => go(address(['trajectories', entry.key], new URLSearchParams({ file: event.currentTarget.value })))}>
            {answer.files.map((name, n) => (
              <option key={name} value={n}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span class="soft">{answer.of} frames</span>
      </p>
      <div class="crystal">
        <div class="left">
          {frame?.crystal ? <CrystalView structure={frame.crystal} elements={elements} look={LOOK} label={`frame ${at}`} still /> : <p class="undrawn soft">This frame can't be drawn.</p>}
          {frame?.crystal ? <Legend symbols={frame.crystal.species} elements={elements} /> : null}
          <div class="player">
            <button type="button" onClick={() => setPlaying(!playing)} aria-pressed={playing}>
              {playing ? '❚❚ Pause' : '▶ Play'}
            </button>
            <input
              type="range"
              min={0}
              max={last}
              value={at}
              aria-label="Frame"
              aria-valuetext={frame?.t === null || frame?.t === undefined ? `frame ${at}` : `t = ${frame.t}`}
              onInput={(event) => {
                setPlaying(false)
                setAt(Number(event.currentTarget.value))
              }}
            />
            <output>{frame?.t === null || frame?.t === undefined ? `${at + 1} of ${last + 1}` : `t = ${fixed(frame.t, 2)}`}</output>
          </div>
        </div>
        <div class="right">
          <Panel title={lines[0]!.name}>
            <Plot lines={lines} x="frame" label={`${lines[0]!.name} by frame`} mark={at} choose={(x) => setAt(x)} />
          </Panel>
          <p class="soft">t = 0 is noise, t = 1 the crystal. A click on the curve goes to its frame.</p>
        </div>
      </div>
    </>
  )
}
