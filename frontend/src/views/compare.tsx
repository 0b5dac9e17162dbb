// Up to four crystals side by side, their numbers, and the distances of each two.

import { useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import type { About, Compared, Details } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { fixed, number } from '../lib/text'
import { setPins, usePins } from '../parts/pins'
import { Crumbs, Formula, Group, Panel, Problem, Wait } from '../parts/small'
import { Legend, useElements } from '../parts/look'
import { CrystalView, LOOK } from '../parts/viewer'

export function Compare({ about, query }: { about: About; query: URLSearchParams }) {
  const wanted = query.getAll('c')
  const { answer, error } = useAsked<Compared>(wanted.length ? `compare?${new URLSearchParams(wanted.map((one) => ['c', one]))}` : '')
  const elements = useElements(about)
  const pins = usePins()
  const [conventional, setConventional] = useState(true)
  if (!wanted.length) return <p>Pin crystals in a table, then compare them here.</p>
  if (error) return <Problem error={error} />
  if (!answer) return <Wait what="Comparing" />
  const { crystals, distances } = answer
  return (
    <>
      <div class="head">
        <Crumbs />
        <h1>Compare</h1>
      </div>
      <p class="bar">
        <label class="check">
          <input type="checkbox" checked={conventional} onChange={(event) => setConventional(event.currentTarget.checked)} /> conventional cells
        </label>
      </p>
      <div class="sides">
        {crystals.map((one, n) => (
          <section class="panel" key={wanted[n]}>
            <h2 class="path">
              {one.relation ? (
                <>
                  {n + 1}. <Formula text={formulaOf(one)} />
                </>
              ) : (
                <a href={address(['crystal', one.entry.key, one.row])}>
                  {n + 1}. <Formula text={formulaOf(one)} />
                </a>
              )}
            </h2>
            <p class="soft">
              {one.relation ? <strong>{one.relation} · </strong> : null}
              {String(one.values.name)} · {one.origin}
            </p>
            {one.crystal && !one.undrawn ? (
              <>
                <CrystalView structure={(conventional && one.conventional) || one.crystal} elements={elements} look={LOOK} label={formulaOf(one)} />
                <Legend symbols={one.crystal.species} elements={elements} />
              </>
            ) : (
              <p class="undrawn soft">It can't be drawn.</p>
            )}
            <button type="button" class="plain" onClick={() => remove(wanted, wanted[n]!, pins)}>
              Remove
            </button>
          </section>
        ))}
      </div>
      <Panel title="Numbers">
        <Facts crystals={crystals} />
      </Panel>
      {crystals.length > 1 ? (
        <Panel title="Distances">
          <div class="scroll">
            <table class="plain numbers">
              <thead>
                <tr>
                  <th>pair</th>
                  <th>RMS displacement</th>
                  <th>of geometry alone (AMD)</th>
                </tr>
              </thead>
              <tbody>
                {distances.flatMap((row, i) =>
                  row.slice(0, i).map((one, j) => (
                    <tr key={`${i}-${j}`}>
                      <td>
                        {j + 1} and {i + 1}
                      </td>
                      <td>
                        {!one || !one.same_formula
                          ? 'other composition'
                          : one.rms === null
                            ? one.problem || 'no match: other structures'
                            : `${fixed(one.rms, 4)} (V/n)^⅓, ${fixed(one.rms_length!, 3)} Å`}
                      </td>
                      <td>{one?.geometry === null || !one ? '' : fixed(one.geometry, 4)}</td>
                    </tr>
                  )),
                )}
              </tbody>
            </table>
          </div>
          <p class="soft">The RMS displacement is that of StructureMatcher with stol 0.5, angle_tol 10°, ltol 0.3; AMD is the largest difference of average minimum distances, 0 for the same arrangement of points.</p>
        </Panel>
      ) : null}
    </>
  )
}

const formulaOf = (one: Details) => String(one.values.formula ?? one.values.name)

function remove(wanted: string[], gone: string, pins: string[]) {
  setPins(pins.filter((one) => one !== gone))
  go(address(['compare'], new URLSearchParams(wanted.filter((one) => one !== gone).map((one) => ['c', one]))))
}

function Facts({ crystals }: { crystals: Compared['crystals'] }) {
  const lines: [string, (one: Details) => ComponentChildren][] = [
    ['space group (0.1 Å)', (one) => (one.symmetry.at(-1)?.number ? <Group symbol={one.symmetry.at(-1)!.symbol!} number={one.symmetry.at(-1)!.number!} /> : '')],
    ['atoms in the cell', (one) => one.crystal?.species.length],
    ['a, b, c, Å', (one) => one.crystal?.lengths.map((x) => fixed(x, 3)).join(', ')],
    ['α, β, γ', (one) => one.crystal?.angles.map((x) => fixed(x, 1)).join(', ')],
    ['volume, Å³/atom', (one) => one.crystal && number(one.crystal.volume / one.crystal.species.length)],
    ['shortest distance, Å', (one) => one.crystal?.shortest && number(one.crystal.shortest)],
    ...['probability', 'energy_per_atom', 'energy', 'above_lowest', 'energy_above_hull', 'e_above_hull', 'formation_energy_per_atom', 'band_gap', 'prototype', 'source']
      .filter((name) => crystals.some((one) => one.values[name] !== undefined))
      .map((name): [string, (one: Details) => ComponentChildren] => [name.replaceAll('_', ' '), (one) => {
        const value = one.values[name]
        return typeof value === 'number' ? number(value) : value
      }]),
  ]
  return (
    <div class="scroll">
      <table class="plain numbers">
        <thead>
          <tr>
            <th />
            {crystals.map((one, n) => (
              <th key={n}>
                {n + 1}. {one.relation || <Formula text={formulaOf(one)} />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map(([title, value]) => (
            <tr key={title}>
              <th>{title}</th>
              {crystals.map((one, n) => (
                <td key={n}>{value(one)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
