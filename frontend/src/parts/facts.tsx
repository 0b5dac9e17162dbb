// What is known of one crystal: its cell, its symmetry with the Wyckoff positions, its sites.

import { useState } from 'preact/hooks'
import type { Crystal as Cell, Element, Symmetry } from '../lib/api'
import { fixed } from '../lib/text'
import { Group, Panel } from './small'

export function CellPanel({ cell }: { cell: Cell }) {
  return (
    <Panel title="Cell">
      <table class="plain numbers">
        <tbody>
          {['a', 'b', 'c'].map((name, n) => (
            <tr key={name}>
              <th>{name}</th>
              <td>{fixed(cell.lengths[n]!, 4)} Å</td>
              <th>{'αβγ'[n]}</th>
              <td>{fixed(cell.angles[n]!, 3)}°</td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl class="facts">
        <div>
          <dt>atoms</dt>
          <dd>{cell.species.length}</dd>
        </div>
        <div>
          <dt>volume</dt>
          <dd>
            {fixed(cell.volume, 3)} <span class="soft">Å³</span>
          </dd>
        </div>
        {cell.density ? (
          <div>
            <dt>density</dt>
            <dd>
              {fixed(cell.density, 3)} <span class="soft">g/cm³</span>
            </dd>
          </div>
        ) : null}
        {cell.shortest ? (
          <div>
            <dt>shortest distance</dt>
            <dd>
              {fixed(cell.shortest, 3)} <span class="soft">Å</span>
            </dd>
          </div>
        ) : null}
      </dl>
      <details>
        <summary>Cell vectors</summary>
        <table class="plain numbers">
          <tbody>
            {cell.lattice.map((vector, n) => (
              <tr key={n}>
                <th>{'abc'[n]}</th>
                {vector.map((x, k) => (
                  <td key={k}>{fixed(x, 5)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Panel>
  )
}

export function SymmetryPanel({ found }: { found: Symmetry[] }) {
  const [chosen, setChosen] = useState(found.length - 1)
  const now = found[Math.min(chosen, found.length - 1)]
  if (!now) return null
  return (
    <Panel title="Symmetry">
      <div class="choice" role="group" aria-label="Tolerance">
        {found.map((one, n) => (
          <button type="button" key={n} aria-pressed={n === chosen} onClick={() => setChosen(n)}>
            within {one.tolerance} Å: {one.number ? <Group symbol={one.symbol!} number={one.number} /> : 'none'}
          </button>
        ))}
      </div>
      {now.number ? (
        <>
          <p>
            {now.system}, conventional cell {now.lengths!.map((x) => fixed(x, 3)).join(', ')} Å; {now.angles!.map((x) => fixed(x, 1)).join(', ')}°
          </p>
          <div class="scroll">
            <table class="plain numbers">
              <thead>
                <tr>
                  <th>Wyckoff</th>
                  <th>site</th>
                  <th>element</th>
                  <th>x</th>
                  <th>y</th>
                  <th>z</th>
                </tr>
              </thead>
              <tbody>
                {now.sites!.map((site, n) => (
                  <tr key={n}>
                    <td>{site.position}</td>
                    <td>{site.site}</td>
                    <td>{site.element}</td>
                    {site.place.map((x, k) => (
                      <td key={k}>{fixed(x, 4)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      ) : (
        <p class="soft">{now.problem}</p>
      )}
    </Panel>
  )
}

export function Sites({ cell, elements }: { cell: Cell; elements: Map<string, Element> }) {
  return (
    <Panel title="">
      <details>
        <summary>Sites of the cell ({cell.species.length})</summary>
        <div class="scroll">
          <table class="plain numbers">
            <thead>
              <tr>
                <th>element</th>
                <th>x</th>
                <th>y</th>
                <th>z</th>
              </tr>
            </thead>
            <tbody>
              {cell.frac.map((place, n) => (
                <tr key={n}>
                  <td title={elements.get(cell.species[n]!)?.name}>{cell.species[n]}</td>
                  {place.map((x, k) => (
                    <td key={k}>{fixed(x, 5)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Panel>
  )
}
