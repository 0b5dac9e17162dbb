// One crystal: its picture, cell, symmetry, sites, numbers and origin, and files to take away.

import { useState } from 'preact/hooks'
import { exported, type About, type Details, type Element, type Entry, type TablePage } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address } from '../lib/route'
import { number, shown } from '../lib/text'
import { Files, LocalFiles } from '../parts/downloads'
import { CellPanel, Sites, SymmetryPanel } from '../parts/facts'
import { Legend, LookControls, useElements } from '../parts/look'
import { Pin } from '../parts/pins'
import { Crumbs, Formula, Panel, Problem, Wait } from '../parts/small'
import { CrystalView, LOOK, type Look } from '../parts/viewer'
import { question } from './table'

interface Props {
  about: About
  entry: Entry
  row: number
  query: URLSearchParams
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
        <Crumbs parts={entry.name ? [<a href={address(['crystals', entry.key], query)}>{entry.name}</a>] : []} />
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
            {!answer.crystal || answer.undrawn ? null : exported() ? <LocalFiles answer={answer} /> : <Files entry={entry} row={row} />}
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
        {answer.crystal && !answer.undrawn ? (
          <div class="actions">
            <LocalFiles answer={answer} />
          </div>
        ) : null}
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
