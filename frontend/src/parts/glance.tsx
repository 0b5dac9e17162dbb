// What a folder holds at one glance, on the page of the library: answers with their rivals, or the first crystals.

import type { About, Column, Entry, TablePage, Value } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address } from '../lib/route'
import { count, fixed } from '../lib/text'
import { Formula, Group, Share } from './small'

/** Formulas, and answers to each of them, that are shown. */
const FORMULAS = 6
const ANSWERS = 3
const CRYSTALS = 24
const LARGEST = 3_000_000
const KINDS = ['predictions', 'generated', 'relaxed', 'ledger']

/** Larger files are read when somebody asks for them. */
export function hasGlance(entry: Entry): boolean {
  return KINDS.includes(entry.kind) && entry.size < LARGEST
}

export function Glance({ about, entry }: { about: About; entry: Entry }) {
  const { answer } = useAsked<TablePage>(`table/${entry.key}?size=60`, entry.changed)
  if (!answer) return <p class="soft glance-wait">…</p>
  const ranked = answer.columns.some((column) => column.name === 'probability')
  return ranked ? <Answers about={about} entry={entry} page={answer} /> : <Crystals about={about} entry={entry} page={answer} />
}

interface Props {
  about: About
  entry: Entry
  page: TablePage
}

function reader(columns: Column[]) {
  const at = new Map(columns.map((column, place) => [column.name, place]))
  return (row: TablePage['rows'][number], name: string): Value => row.values[at.get(name) ?? -1] ?? null
}

function Answers({ about, entry, page }: Props) {
  const value = reader(page.columns)
  // a frame that can't be read has no formula
  const formulas = [...new Set(page.rows.map((row) => String(value(row, 'formula') ?? '')))].filter(Boolean)
  const groups = formulas.slice(0, FORMULAS).map((formula) => page.rows.filter((row) => value(row, 'formula') === formula).slice(0, ANSWERS))
  const left = page.matched - groups.flat().length
  return (
    <div class="scroll">
      <table class="glance">
        <thead>
          <tr>
            <th>formula</th>
            <th>rank</th>
            <th>space group</th>
            <th>probability</th>
            <th class="number">
              above lowest <small>meV/atom</small>
            </th>
            <th class="number">
              energy <small>eV/atom</small>
            </th>
            <th class="wide-only">structure type of</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((rows) =>
            rows.map((row, n) => {
              const [group, probability, above, energy] = ['space_group', 'probability', 'above_lowest', 'energy_per_atom'].map((name) => value(row, name))
              return (
                <tr key={row.row} class={n ? 'rival' : 'best'}>
                  <th scope="row">
                    <a href={address(['crystal', entry.key, row.row])} aria-label={`${value(row, 'formula')}, rank ${value(row, 'rank')}`}>
                      <Formula text={String(value(row, 'formula'))} />
                    </a>
                  </th>
                  <td>{String(value(row, 'rank') ?? '')}</td>
                  <td>{typeof group === 'number' ? <Group symbol={about.groups[group - 1]!} number={group} /> : ''}</td>
                  <td>{typeof probability === 'number' ? <Share value={probability} /> : ''}</td>
                  <td class="number">{typeof above === 'number' ? Math.round(1000 * above) : <span class="soft">–</span>}</td>
                  <td class="number">{typeof energy === 'number' ? fixed(energy, 3) : <span class="soft">–</span>}</td>
                  <td class="wide-only soft">{origin(value(row, 'prototype'), value(row, 'source')) + (value(row, 'known') ? ', known' : '')}</td>
                </tr>
              )
            }),
          )}
        </tbody>
      </table>
      <p class="more soft">
        {left > 0 ? (
          <>
            <a href={address(['crystals', entry.key])}>
              {count(left)} more {formulas.length > FORMULAS ? 'answers' : 'rivals'}
            </a>
            {' · '}
          </>
        ) : null}
        Probability that a crystal is the structure of its compound; only the best are relaxed and have energies.
      </p>
    </div>
  )
}

function origin(prototype: Value, source: Value): string {
  if (source) return String(source).replace(/^mp_20:|^mpts_52:/, '')
  return String(prototype ?? '')
}

function Crystals({ about, entry, page }: Props) {
  const value = reader(page.columns)
  const above = page.columns.find((column) => column.title.startsWith('above hull'))?.name ?? ''
  const left = page.matched - Math.min(page.rows.length, CRYSTALS)
  if (!page.matched) return <p class="soft">No crystals yet.</p>
  return (
    <ul class="chips">
      {page.rows.slice(0, CRYSTALS).map((row) => {
        const group = value(row, 'space_group')
        const height = above ? value(row, above) : null
        return (
          <li key={row.row}>
            <a class="chip" href={address(['crystal', entry.key, row.row])}>
              <Formula text={String(value(row, 'formula'))} />
              {typeof group === 'number' ? <Group symbol={about.groups[group - 1]!} /> : null}
              {typeof height === 'number' ? <span class="soft">{fixed(1000 * height, 0)}</span> : null}
            </a>
          </li>
        )
      })}
      {left > 0 ? (
        <li class="more">
          <a href={address(['crystals', entry.key])}>{count(left)} more</a>
        </li>
      ) : null}
      {above ? <li class="soft">numbers: meV/atom above the hull</li> : null}
    </ul>
  )
}
