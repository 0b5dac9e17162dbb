// One crystal: its picture, cell, symmetry, sites, numbers and origin, and files to take away.

import { useMemo, useState } from 'preact/hooks'
import { exported, type About, type Crystal as Cell, type Details, type Element, type Entry, type Symmetry, type TablePage } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address } from '../lib/route'
import { fixed, number, shown } from '../lib/text'
import { Pin } from '../parts/pins'
import { Formula, Group, Panel, Problem, Wait } from '../parts/small'
import { CrystalView, LOOK, type Look } from '../parts/viewer'
import { question } from './table'

interface Props {
  about: About
  entry: Entry
  row: number
  query: URLSearchParams
}

export function useElements(about: About): Map<string, Element> {
  return useMemo(() => new Map(about.elements.map((element) => [element.symbol, element])), [about])
}

export function Crystal({ about, entry, row, query }: Props) {
  const { answer, error } = useAsked<Details>(`crystal/${entry.key}/${row}`)
  const elements = useElements(about)
  if (error) return <Problem error={error} />
  if (!answer || answer.row !== row) return <Wait what="Reading the crystal" />
  const name = String(answer.values.name ?? row)
  const formula = String(answer.values.formula ?? '')
  return (
    <>
      <div class="head">
        <p class="crumbs">
          <a href="#/">Library</a> / <a href={address(['crystals', entry.key], query)}>{entry.name}</a>
        </p>
        <h1>
          <Formula text={formula || name} /> <small class="soft">{formula ? name : ''}</small>
        </h1>
      </div>
      <div class="crystal">
        <div class="left">
          <Picture answer={answer} elements={elements} label={`${formula} in its cell`} />
          <div class="actions">
            <Pin crystal={`${entry.key}:${row}`} name={name} wide />
            {answer.undrawn || exported() ? null : <Beside entry={entry} row={row} />}
            {answer.crystal && !answer.undrawn && !exported() ? <Files entry={entry} row={row} /> : null}
          </div>
        </div>
        <div class="right">
          <Neighbours entry={entry} row={row} query={query} />
          <Numbers about={about} answer={answer} entry={entry} />
          {answer.crystal ? <CellPanel cell={answer.crystal} /> : null}
          <SymmetryPanel found={answer.symmetry} />
          {answer.crystal ? <Sites cell={answer.crystal} elements={elements} /> : null}
          <Origin answer={answer} entry={entry} />
        </div>
      </div>
    </>
  )
}

/** A crystal that stands in no table. */
export function Alone({ about, answer }: { about: About; answer: Details }) {
  const elements = useElements(about)
  return (
    <div class="crystal">
      <div class="left">
        <Picture answer={answer} elements={elements} label={String(answer.values.name)} />
      </div>
      <div class="right">
        {answer.crystal ? <CellPanel cell={answer.crystal} /> : null}
        <SymmetryPanel found={answer.symmetry} />
        {answer.crystal ? <Sites cell={answer.crystal} elements={elements} /> : null}
      </div>
    </div>
  )
}

function Picture({ answer, elements, label }: { answer: Details; elements: Map<string, Element>; label: string }) {
  const [look, setLook] = useState<Look>(LOOK)
  const [along, setAlong] = useState({ axis: -1, turn: 0 })
  const [given, setGiven] = useState(false)
  if (!answer.crystal || answer.undrawn) {
    return <p class="undrawn soft">{answer.undrawn ? `It can't be drawn: ${answer.undrawn.replaceAll('_', ' ')}.` : "It can't be read."}</p>
  }
  return (
    <>
      {answer.conventional ? (
        <div class="choice cells" role="group" aria-label="Cell">
          <button type="button" aria-pressed={given} onClick={() => setGiven(true)}>
            cell as given
          </button>
          <button type="button" aria-pressed={!given} onClick={() => setGiven(false)}>
            conventional cell
          </button>
        </div>
      ) : null}
      <CrystalView structure={(!given && answer.conventional) || answer.crystal} elements={elements} look={look} along={along} label={label} />
      <Legend symbols={answer.crystal.species} elements={elements} />
      <LookControls look={look} atoms={answer.crystal.species.length} setLook={setLook} turn={(axis) => setAlong({ axis, turn: along.turn + 1 })} />
    </>
  )
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

/** Links to this crystal beside what it was, and beside what is known. */
function Beside({ entry, row }: { entry: Entry; row: number }) {
  const to = (what: string) =>
    address(
      ['compare'],
      new URLSearchParams([
        ['c', `${entry.key}:${row}`],
        ['c', `${entry.key}:${row}:${what}`],
      ]),
    )
  return (
    <span class="files">
      {['relaxed', 'report', 'ledger'].includes(entry.kind) ? (
        <a class="button" href={to('before')}>
          Before relaxation
        </a>
      ) : null}
      <a class="button" href={to('known')}>
        Nearest known
      </a>
    </span>
  )
}

function Files({ entry, row }: { entry: Entry; row: number }) {
  return (
    <span class="files">
      {[
        ['cif', 'CIF'],
        ['poscar', 'POSCAR'],
        ['extxyz', 'extXYZ'],
        ['json', 'JSON'],
      ].map(([kind, title]) => (
        <a key={kind} class="button" href={`api/file/${entry.key}/${row}/${kind}`} download>
          {title}
        </a>
      ))}
    </span>
  )
}

/** The crystals before and after this one, in the order of the table it was opened from. */
function Neighbours({ entry, row, query }: Omit<Props, 'about'>) {
  const asked = question(query)
  asked.set('size', '50')
  const { answer } = useAsked<TablePage>(`table/${entry.key}?${asked}`)
  const at = answer?.rows.findIndex((one) => one.row === row) ?? -1
  if (!answer || at < 0) return null
  const to = (place: number) => (answer.rows[place] ? address(['crystal', entry.key, answer.rows[place]!.row], query) : undefined)
  return (
    <nav class="neighbours" aria-label="Crystals of the table">
      <a href={to(at - 1)} aria-disabled={at === 0}>
        ← previous
      </a>
      <span class="soft">
        {answer.start + at + 1} of {answer.matched}
      </span>
      <a href={to(at + 1)} aria-disabled={at === answer.rows.length - 1}>
        next →
      </a>
    </nav>
  )
}

const NO_NUMBER = ['name', 'formula', 'space_group', 'volume', 'density', 'atoms', 'elements']

function Numbers({ about, answer, entry }: { about: About; answer: Details; entry: Entry }) {
  const { answer: page } = useAsked<TablePage>(`table/${entry.key}?size=1`)
  const columns = page?.columns.filter((column) => column.shown && !NO_NUMBER.includes(column.name) && answer.values[column.name] !== undefined && answer.values[column.name] !== '') ?? []
  if (!columns.length) return null
  return (
    <Panel title="Numbers">
      <dl class="facts">
        {columns.map((column) => (
          <div key={column.name}>
            <dt>{column.title}</dt>
            <dd>
              {column.name === 'probability' ? `${number(100 * Number(answer.values.probability), 3)} %` : shown(answer.values[column.name], column, about)} {column.unit ? <span class="soft">{column.unit}</span> : null}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}

function CellPanel({ cell }: { cell: Cell }) {
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

function SymmetryPanel({ found }: { found: Symmetry[] }) {
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

function Sites({ cell, elements }: { cell: Cell; elements: Map<string, Element> }) {
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

function Origin({ answer, entry }: { answer: Details; entry: Entry }) {
  const facts = Object.entries(answer.facts).filter(([name]) => name !== 'file' || !('name' in answer.facts))
  return (
    <Panel title="">
      <details>
        <summary>Origin</summary>
        <dl class="facts">
          <div>
            <dt>folder</dt>
            <dd>{[entry.folder, entry.name].filter(Boolean).join(' / ')}</dd>
          </div>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name.replaceAll('_', ' ')}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </Panel>
  )
}
