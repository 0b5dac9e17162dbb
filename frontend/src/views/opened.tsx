// Crystals of a file that was dropped on the page; it is read and forgotten.

import { useState } from 'preact/hooks'
import { Refused, send, type About, type Details } from '../lib/api'
import { Panel, Problem, Wait } from '../parts/small'
import { Alone } from './crystal'

const LARGEST = 1_000_000

export function Opened({ about }: { about: About }) {
  const [found, setFound] = useState<Details[]>([])
  const [place, setPlace] = useState(0)
  const [error, setError] = useState<Refused | null>(null)
  const [busy, setBusy] = useState(false)

  async function open(file: File | undefined) {
    if (!file) return
    setError(null)
    setBusy(true)
    try {
      if (file.size > LARGEST) throw new Refused(`${file.name} has ${file.size} bytes`, 'give a file of at most 1 MB')
      const answer = await send<{ crystals: Details[] }>(`upload?name=${encodeURIComponent(file.name)}`, file)
      setFound(answer.crystals)
      setPlace(0)
    } catch (reason) {
      setFound([])
      setError(reason instanceof Refused ? reason : new Refused('the server does not answer', ''))
    }
    setBusy(false)
  }

  const one = found[place]
  return (
    <>
      <h1>Open a file</h1>
      <Panel>
        <label
          class="drop"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault()
            void open(event.dataTransfer?.files[0])
          }}
        >
          CIF, POSCAR or extended XYZ: drop a file here, or choose one. <input type="file" accept=".cif,.mcif,.vasp,.poscar,.xyz,.extxyz" onChange={(event) => void open(event.currentTarget.files?.[0])} />
        </label>
      </Panel>
      {busy ? <Wait what="Reading" /> : null}
      {error ? <Problem error={error} /> : null}
      {found.length > 1 ? (
        <p class="bar">
          <label>
            Crystal{' '}
            <select value={place} onChange={(event) => setPlace(Number(event.currentTarget.value))}>
              {found.map((crystal, n) => (
                <option key={n} value={n}>
                  {String(crystal.values.name)}
                </option>
              ))}
            </select>
          </label>
        </p>
      ) : null}
      {one ? <Alone about={about} answer={one} /> : null}
    </>
  )
}
