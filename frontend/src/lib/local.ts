// A table without a server: the filters, order and pages of an exported copy, as the server has them.

import type { Column, TablePage, Value } from './api'

type Row = TablePage['rows'][number]

export function localPage(all: TablePage, asked: URLSearchParams): TablePage {
  const at = new Map(all.columns.map((column, place) => [column.name, place]))
  const value = (row: Row, name: string): Value => row.values[at.get(name) ?? -1] ?? null
  const list = (name: string) => (asked.get(name) ?? '').split(',').filter(Boolean)
  const [inside, outside] = [list('with'), list('without')]
  const text = (asked.get('text') ?? '').trim()
  const system = text.includes('-') && text.split('-').every((part) => /^[A-Z][a-z]?$/.test(part)) ? new Set(text.split('-')) : null
  let rows = all.rows.filter((row) => {
    const formula = String(value(row, 'formula') ?? '')
    const held = new Set(formula.match(/[A-Z][a-z]?/g) ?? [])
    if (!inside.every((one) => held.has(one)) || outside.some((one) => held.has(one))) return false
    if (asked.get('only') === '1' && inside.length && held.size !== inside.length) return false
    if (system) return held.size === system.size && [...system].every((one) => held.has(one))
    return !text || `${formula}\n${value(row, 'name')}`.toLowerCase().includes(text.toLowerCase())
  })
  const group = range(asked.get('group') ?? '')
  if (group) rows = rows.filter((row) => within(value(row, 'space_group'), ...group))
  for (const one of asked.getAll('where')) {
    const cut = one.lastIndexOf(':')
    const [name, rest] = [one.slice(0, cut), one.slice(cut + 1)]
    rows = rows.filter((row) => matches(value(row, name), rest, all.columns[at.get(name) ?? -1]))
  }
  const sort = asked.get('sort') ?? ''
  if (sort) rows = sorted(rows, (row) => value(row, sort.replace(/^-/, '')), sort.startsWith('-') ? -1 : 1)
  const size = Number(asked.get('size') ?? 50)
  const start = (Number(asked.get('page') ?? 1) - 1) * size
  const elements: Record<string, number> = {}
  for (const row of rows) for (const one of new Set(String(value(row, 'formula')).match(/[A-Z][a-z]?/g) ?? [])) elements[one] = (elements[one] ?? 0) + 1
  return { ...all, matched: rows.length, start, rows: rows.slice(start, start + size), elements, symmetry: { known: 0, complete: true } }
}

const LAST = { triclinic: 2, monoclinic: 15, orthorhombic: 74, tetragonal: 142, trigonal: 167, hexagonal: 194, cubic: 230 }

function range(text: string): [number, number] | null {
  const names = Object.keys(LAST)
  if (names.includes(text)) return [(Object.values(LAST)[names.indexOf(text) - 1] ?? 0) + 1, LAST[text as keyof typeof LAST]]
  const [low, high] = text.split('-').map(Number)
  return low ? [low, high || low] : null
}

function within(value: Value, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value <= high
}

function matches(value: Value, rest: string, column: Column | undefined): boolean {
  if (column?.kind === 'flag') return value === (rest === 'yes')
  if (column?.kind !== 'number') return String(value ?? '').toLowerCase().includes(rest.toLowerCase())
  const [low, high] = rest.includes('..') ? rest.split('..') : [rest, rest]
  return within(value, low ? Number(low) : -Infinity, high ? Number(high) : Infinity)
}

/** Unknown values come last either way. */
function sorted(rows: Row[], value: (row: Row) => Value, way: number): Row[] {
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return way * (x < y ? -1 : x > y ? 1 : 0)
  })
}
