// The table of crystals: filter, order and page stand in the address, and the server answers them.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { About, Column, Entry, TablePage, Value } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address, go } from '../lib/route'
import { count, shown } from '../lib/text'
import { Downloads } from '../parts/downloads'
import { Filters } from '../parts/filters'
import { Pin } from '../parts/pins'
import { Formula, Group, Problem, Share, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'

const SIZE = 50
export const OWN = ['cols']

/** The parameters of an address that are a question to the server. */
export function question(query: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(query)
  for (const name of OWN) asked.delete(name)
  return asked
}

interface Props {
  about: About
  entry: Entry
  query: URLSearchParams
}

export function Table({ about, entry, query }: Props) {
  const asked = question(query)
  asked.set('size', String(SIZE))
  const [again, setAgain] = useState(0)
  const { answer, error, busy } = useAsked<TablePage>(`table/${entry.key}?${asked}`, again)
  const body = useRef<HTMLTableSectionElement>(null)

  // Space groups of a large set are found while the page is open.
  const incomplete = answer !== null && !answer.symmetry.complete
  useEffect(() => {
    if (!incomplete) return
    const timer = setInterval(() => setAgain((n) => n + 1), 4000)
    return () => clearInterval(timer)
  }, [incomplete])

  function change(edit: (next: URLSearchParams) => void, quietly = false) {
    const next = new URLSearchParams(query)
    edit(next)
    if (!quietly) next.delete('page')
    go(address(['crystals', entry.key], next), quietly)
  }

  function sortBy(column: Column) {
    const now = query.get('sort')
    const next = now === column.name ? `-${column.name}` : now === `-${column.name}` ? '' : column.name
    change((q) => (next ? q.set('sort', next) : q.delete('sort')))
  }

  function walk(event: KeyboardEvent) {
    const step = event.key === 'ArrowDown' || event.key === 'j' ? 1 : event.key === 'ArrowUp' || event.key === 'k' ? -1 : 0
    const links = [...(body.current?.querySelectorAll<HTMLAnchorElement>('a.row') ?? [])]
    const at = links.indexOf(document.activeElement as HTMLAnchorElement)
    if (!step || at < 0) return
    event.preventDefault()
    links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus()
  }

  if (error && !answer) {
    return (
      <>
        <Tabs entry={entry} at="crystals" />
        <Problem error={error} />
        <p>
          <a href={address(['crystals', entry.key])}>Show all crystals</a>
        </p>
      </>
    )
  }
  if (!answer) return <Wait what={`Reading ${entry.name}`} />
  const columns = chosen(answer.columns, query.get('cols'))
  const places = new Map(answer.columns.map((column, place) => [column.name, place]))
  const page = Math.floor(answer.start / SIZE) + 1
  const pages = Math.max(1, Math.ceil(answer.matched / SIZE))
  const sort = query.get('sort') ?? ''
  return (
    <>
      <Tabs entry={entry} at="crystals" />
      <div class="browse">
        <Filters about={about} page={answer} query={query} change={change} />
        <div class="found" aria-busy={busy}>
          <div class="bar">
            <p role="status" class="matched">
              <strong>{count(answer.matched)}</strong>
              {answer.matched < answer.total ? ` of ${count(answer.total)}` : ''} crystals
              {incomplete ? <span class="soft"> · space groups: {Math.round((100 * answer.symmetry.known) / answer.total)} %</span> : null}
            </p>
            <Chooser columns={answer.columns} now={columns} change={(names) => change((q) => q.set('cols', names.join(',')), true)} />
            <Downloads entry={entry} query={question(query)} matched={answer.matched} />
          </div>
          <div class="scroll" tabIndex={0} role="region" aria-label="Crystals">
            <table class="crystals">
              <thead>
                <tr>
                  {columns.map((column) => (
                    <th key={column.name} class={`${column.kind} ${column.name}`} aria-sort={sort === column.name ? 'ascending' : sort === `-${column.name}` ? 'descending' : 'none'}>
                      <button type="button" onClick={() => sortBy(column)}>
                        {column.title}
                        <span class="arrow" aria-hidden="true">
                          {sort === column.name ? '↑' : sort === `-${column.name}` ? '↓' : ''}
                        </span>
                        {column.unit ? <small>{column.unit}</small> : null}
                      </button>
                    </th>
                  ))}
                  <th>
                    <span class="hidden">Pin</span>
                  </th>
                </tr>
              </thead>
              <tbody ref={body} onKeyDown={walk}>
                {answer.rows.map(({ row, values }) => (
                  <tr key={row}>
                    {columns.map((column) => (
                      <td key={column.name} class={`${column.kind} ${column.name}`}>
                        <Cell value={values[places.get(column.name)!] ?? null} column={column} about={about} link={address(['crystal', entry.key, row], query)} />
                      </td>
                    ))}
                    <td class="pinning">
                      <Pin crystal={`${entry.key}:${row}`} name={String(values[0])} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {answer.rows.length ? null : <p class="empty soft">No crystal is like that. Loosen a filter.</p>}
          </div>
          {pages > 1 ? <Pages page={page} pages={pages} to={(n) => change((q) => q.set('page', String(n)), true)} /> : null}
        </div>
      </div>
    </>
  )
}

function chosen(columns: Column[], names: string | null): Column[] {
  if (!names) return columns.filter((column) => column.shown && (column.kind !== 'number' || column.low !== undefined || column.name === 'space_group')).slice(0, 11)
  const wanted = names.split(',')
  return columns.filter((column) => wanted.includes(column.name) || column.name === 'name')
}

function Cell({ value, column, about, link }: { value: Value; column: Column; about: About; link: string }) {
  if (column.name === 'name') {
    return (
      <a class="row" href={link}>
        {String(value)}
      </a>
    )
  }
  if (column.name === 'formula') return <Formula text={String(value ?? '')} />
  if (column.name === 'space_group' && typeof value === 'number') return <Group symbol={about.groups[value - 1]!} number={value} />
  if (column.name === 'probability' && typeof value === 'number') return <Share value={value} />
  if (typeof value === 'boolean') return <span class={value ? 'yes' : 'no'}>{value ? 'yes' : 'no'}</span>
  return <>{shown(value, column, about)}</>
}

function Chooser({ columns, now, change }: { columns: Column[]; now: Column[]; change: (names: string[]) => void }) {
  const names = now.map((column) => column.name)
  return (
    <details class="menu">
      <summary>Columns</summary>
      <div class="sheet">
        {columns.map((column) => (
          <label key={column.name}>
            <input
              type="checkbox"
              checked={names.includes(column.name)}
              disabled={column.name === 'name'}
              onChange={(event) => change(event.currentTarget.checked ? [...names, column.name] : names.filter((name) => name !== column.name))}
            />
            {column.title}
          </label>
        ))}
      </div>
    </details>
  )
}

function Pages({ page, pages, to }: { page: number; pages: number; to: (page: number) => void }) {
  return (
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled={page <= 1} onClick={() => to(page - 1)}>
        ← Previous
      </button>
      <label>
        Page{' '}
        <input
          type="number"
          min={1}
          max={pages}
          value={page}
          onChange={(event) => {
            const wanted = Math.round(Number(event.currentTarget.value))
            if (wanted >= 1 && wanted <= pages) to(wanted)
          }}
        />{' '}
        of {count(pages)}
      </label>
      <button type="button" disabled={page >= pages} onClick={() => to(page + 1)}>
        Next →
      </button>
    </nav>
  )
}
