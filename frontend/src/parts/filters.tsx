// The filters beside a table: text, elements, space group, and ranges of any column.

import { useEffect, useState } from 'preact/hooks'
import type { About, Column, TablePage } from '../lib/api'
import { number } from '../lib/text'
import { PeriodicTable } from './periodic'
import { hasLibrary } from './small'

interface Props {
  about: About
  page: TablePage
  query: URLSearchParams
  change: (edit: (next: URLSearchParams) => void) => void
}

const list = (text: string | null) => (text ? text.split(',').filter(Boolean) : [])

function put(query: URLSearchParams, name: string, value: string) {
  if (value) query.set(name, value)
  else query.delete(name)
}

export function Filters({ about, page, query, change }: Props) {
  const asked = list(query.get('with'))
  const left = list(query.get('without'))
  const active = ['text', 'with', 'without', 'only', 'group', 'where'].reduce((n, name) => n + query.getAll(name).length, 0)
  const [open, setOpen] = useState(() => hasLibrary() && matchMedia('(min-width: 60rem)').matches)
  return (
    <details class="filters" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Filter{active ? ` (${active})` : ''}</summary>
      <Text query={query} change={change} />
      <fieldset>
        <legend>Elements</legend>
        <PeriodicTable
          elements={about.elements}
          counts={page.elements}
          asked={asked}
          left={left}
          change={(inside, outside) =>
            change((q) => {
              put(q, 'with', inside.join(','))
              put(q, 'without', outside.join(','))
            })
          }
        />
        <label class="check">
          <input type="checkbox" checked={query.get('only') === '1'} disabled={!asked.length} onChange={(event) => change((q) => put(q, 'only', event.currentTarget.checked ? '1' : ''))} />
          no other elements
        </label>
      </fieldset>
      <Groups about={about} query={query} change={change} />
      <Ranges columns={page.columns} query={query} change={change} />
      {active ? (
        <button
          type="button"
          class="plain"
          onClick={() => change((q) => ['text', 'with', 'without', 'only', 'group', 'where'].forEach((name) => q.delete(name)))}
        >
          Clear all filters
        </button>
      ) : null}
    </details>
  )
}

function Text({ query, change }: Pick<Props, 'query' | 'change'>) {
  const now = query.get('text') ?? ''
  const [text, setText] = useState(now)
  useEffect(() => setText(now), [now])
  useEffect(() => {
    if (text === now) return
    const timer = setTimeout(() => change((q) => put(q, 'text', text.trim())), 350)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <label class="field">
      Formula, system or name
      <input type="search" id="search" placeholder="SrTiO3, Li-Fe-O, mp-2" value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </label>
  )
}

function Groups({ about, query, change }: Pick<Props, 'about' | 'query' | 'change'>) {
  const now = query.get('group') ?? ''
  const system = about.systems.some(({ name }) => name === now) ? now : ''
  return (
    <fieldset class="pair">
      <legend>Space group</legend>
      <label>
        <span class="hidden">Crystal system</span>
        <select value={system} onChange={(event) => change((q) => put(q, 'group', event.currentTarget.value))}>
          <option value="">any system</option>
          {about.systems.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="hidden">Number or range</span>
        <input placeholder="225 or 195-230" value={system ? '' : now} onChange={(event) => change((q) => put(q, 'group', event.currentTarget.value.trim()))} />
      </label>
    </fieldset>
  )
}

interface Condition {
  name: string
  low: string
  high: string
}

function conditions(query: URLSearchParams): Condition[] {
  return query.getAll('where').map((text) => {
    const at = text.lastIndexOf(':')
    const [low = '', high = ''] = text.slice(at + 1).includes('..') ? text.slice(at + 1).split('..') : [text.slice(at + 1)]
    return { name: text.slice(0, at), low, high }
  })
}

function Ranges({ columns, query, change }: { columns: Column[] } & Pick<Props, 'query' | 'change'>) {
  const now = conditions(query)
  const free = columns.filter((column) => !['name', 'formula', 'space_group'].includes(column.name) && !now.some(({ name }) => name === column.name))

  function write(next: Condition[]) {
    change((q) => {
      q.delete('where')
      for (const { name, low, high } of next) {
        const kind = columns.find((column) => column.name === name)?.kind
        q.append('where', kind === 'number' ? `${name}:${low}..${high}` : `${name}:${low}`)
      }
    })
  }

  return (
    <fieldset>
      <legend>Columns</legend>
      {now.map((one, place) => {
        const column = columns.find(({ name }) => name === one.name)
        const edit = (part: Partial<Condition>) => write(now.map((old, at) => (at === place ? { ...old, ...part } : old)))
        return (
          <div class="condition" key={one.name}>
            <span>{column?.title ?? one.name}</span>
            {column?.kind === 'number' ? (
              <>
                <input aria-label={`${column.title}, lowest`} inputMode="decimal" value={one.low} placeholder={column.low === undefined ? '' : number(column.low, 3)} onChange={(event) => edit({ low: event.currentTarget.value.trim() })} />
                <span aria-hidden="true">–</span>
                <input aria-label={`${column.title}, highest`} inputMode="decimal" value={one.high} placeholder={column.high === undefined ? '' : number(column.high, 3)} onChange={(event) => edit({ high: event.currentTarget.value.trim() })} />
              </>
            ) : column?.kind === 'flag' ? (
              <select aria-label={column.title} value={one.low || 'yes'} onChange={(event) => edit({ low: event.currentTarget.value })}>
                <option>yes</option>
                <option>no</option>
              </select>
            ) : (
              <input class="wide" aria-label={`${column?.title ?? one.name}, part of the text`} value={one.low} onChange={(event) => edit({ low: event.currentTarget.value.trim() })} />
            )}
            <button type="button" class="plain" aria-label={`Remove the filter of ${column?.title ?? one.name}`} onClick={() => write(now.filter((_, at) => at !== place))}>
              ×
            </button>
          </div>
        )
      })}
      {free.length ? (
        <select
          aria-label="Filter by another column"
          value=""
          onChange={(event) => {
            const column = free.find(({ name }) => name === event.currentTarget.value)
            if (column) write([...now, { name: column.name, low: column.kind === 'flag' ? 'yes' : '', high: '' }])
          }}
        >
          <option value="">+ range of a column …</option>
          {free.map((column) => (
            <option key={column.name} value={column.name}>
              {column.title}
            </option>
          ))}
        </select>
      ) : null}
    </fieldset>
  )
}
