// Crystals to take away: written by the server, or by the browser where a copy of the page has none.

import { useState } from 'preact/hooks'
import { exported, get, type Details, type Entry, type TablePage } from '../lib/api'
import { fileName, fileText, WRITTEN, type Written } from '../lib/files'
import { count } from '../lib/text'
import { save, zip } from '../lib/zip'

export function Downloads({ entry, query, matched }: { entry: Entry; query: URLSearchParams; matched: number }) {
  if (exported()) return <LocalDownloads entry={entry} query={query} />
  const asked = new URLSearchParams(query)
  asked.delete('page')
  asked.delete('size')
  return (
    <details class="menu">
      <summary>Download</summary>
      <div class="sheet">
        {matched > 2000 ? <p class="soft">Filter to at most 2,000 crystals.</p> : null}
        {matched > 2000
          ? null
          : ['cif', 'poscar', 'extxyz', 'json'].map((kind) => (
              <a key={kind} href={`api/zip/${entry.key}/${kind}?${asked}`} download>
                {count(matched)} as {kind === 'cif' ? 'CIF' : kind === 'poscar' ? 'POSCAR' : kind === 'json' ? 'pymatgen JSON' : 'extended XYZ'}
              </a>
            ))}
        {matched > 2000 ? null : (
          <a href={`api/zip/${entry.key}/chemiscope?${asked}`} download>
            {count(matched)} for Chemiscope
          </a>
        )}
      </div>
    </details>
  )
}

/** Of a copy without a server: those of the crystals found that it holds whole. */
function LocalDownloads({ entry, query }: { entry: Entry; query: URLSearchParams }) {
  const [said, setSaid] = useState('')
  async function pack(kind: Written) {
    const asked = new URLSearchParams(query)
    asked.delete('page')
    asked.set('size', '100000')
    const { rows } = await get<TablePage>(`table/${entry.key}?${asked}`)
    const found: Details[] = []
    for (const { row } of rows) {
      const one = await get<Details>(`crystal/${entry.key}/${row}`).catch(() => null)
      if (one?.crystal && !one.undrawn) found.push(one)
    }
    setSaid(`${count(found.length)} of ${count(rows.length)} crystals; this copy does not hold the others whole.`)
    if (found.length === rows.length) setSaid('')
    if (found.length) save(zip(named(found, kind)), `crystals-${kind}.zip`)
  }
  return (
    <details class="menu">
      <summary>Download</summary>
      <div class="sheet">
        {(Object.keys(WRITTEN) as Written[]).map((kind) => (
          <button type="button" class="plain" key={kind} onClick={() => void pack(kind)}>
            all found as {kind === 'cif' ? 'CIF' : kind === 'poscar' ? 'POSCAR' : 'extended XYZ'}
          </button>
        ))}
        {said ? (
          <p class="soft" role="status">
            {said}
          </p>
        ) : null}
      </div>
    </details>
  )
}

/** One file for each crystal; one of all frames for extended XYZ. */
function named(found: Details[], kind: Written): { name: string; text: string }[] {
  if (kind === 'extxyz') return [{ name: 'crystals.extxyz', text: found.map((one) => fileText(kind, one)).join('') }]
  const taken = new Set<string>()
  return found.map((one) => {
    const name = taken.has(fileName(one).toLowerCase()) ? `${fileName(one)}-${one.row}` : fileName(one)
    taken.add(name.toLowerCase())
    return { name: name + WRITTEN[kind], text: fileText(kind, one) }
  })
}

export function Files({ entry, row }: { entry: Entry; row: number }) {
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

/** Files that the browser writes itself. */
export function LocalFiles({ answer }: { answer: Details }) {
  return (
    <span class="files">
      {(
        [
          ['cif', 'CIF'],
          ['poscar', 'POSCAR'],
          ['extxyz', 'extXYZ'],
        ] as const
      ).map(([kind, title]) => (
        <button type="button" key={kind} onClick={() => save(fileText(kind, answer), fileName(answer) + WRITTEN[kind])}>
          {title}
        </button>
      ))}
    </span>
  )
}
