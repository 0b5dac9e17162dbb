// The box to predict and generate: what is asked for, how it goes, and the candidates as they come in.

import { useEffect, useState } from 'preact/hooks'
import { get, Refused, send, type About, type Entry, type Task, type TablePage } from '../lib/api'
import { useAsked } from '../lib/ask'
import { address } from '../lib/route'
import { number } from '../lib/text'
import { Formula, Group, Panel, Problem, Share } from '../parts/small'

const PAUSE = 1000

export function Predict({ about, entries }: { about: About; entries: Entry[] }) {
  const [formula, setFormula] = useState('')
  const [kind, setKind] = useState<'predict' | 'generate'>('predict')
  const [size, setSize] = useState(5)
  const [relaxed, setRelaxed] = useState(true)
  const [task, setTask] = useState<Task | null>(null)
  const [error, setError] = useState<Refused | null>(null)
  const running = task?.state === 'running' || task?.state === 'stopping'

  useEffect(() => {
    const look = () => get<Task>('task').then(setTask).catch(() => {})
    look()
    const timer = setInterval(look, PAUSE)
    return () => clearInterval(timer)
  }, [])

  function ask(action: Promise<Task>) {
    setError(null)
    action.then(setTask).catch((reason) => setError(reason instanceof Refused ? reason : new Refused('the server does not answer', '')))
  }

  return (
    <>
      <h1>Predict</h1>
      <form
        class="panel ask"
        onSubmit={(event) => {
          event.preventDefault()
          ask(send<Task>('task', { task: kind, formula, count: size, potential: relaxed ? 'auto' : 'none' }))
        }}
      >
        <label>
          What{' '}
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
            <option value="predict">structures of a formula</option>
            <option value="generate">new crystals</option>
          </select>
        </label>
        {kind === 'predict' ? (
          <label>
            Formula <input value={formula} required placeholder="ZnSe" size={14} autofocus onInput={(event) => setFormula(event.currentTarget.value)} />
          </label>
        ) : null}
        <label>
          how many <input type="number" min={1} max={kind === 'predict' ? 20 : 100} value={size} onInput={(event) => setSize(Number(event.currentTarget.value))} />
        </label>
        {kind === 'predict' ? (
          <label class="check">
            <input type="checkbox" checked={relaxed} onChange={(event) => setRelaxed(event.currentTarget.checked)} /> relax the best
          </label>
        ) : null}
        <button class="primary" disabled={running}>
          {kind === 'predict' ? 'Predict' : 'Generate'}
        </button>
        {running ? (
          <button type="button" onClick={() => ask(send<Task>('task', null, 'DELETE'))}>
            Stop
          </button>
        ) : null}
      </form>
      {error ? <Problem error={error} /> : null}
      {task && task.state !== 'idle' ? <Going task={task} about={about} entries={entries} /> : <p class="soft">Results are written below the first folder that is shown. Whatever is stopped goes on when it is asked for again.</p>}
    </>
  )
}

const WORDS: Record<Task['state'], string> = { idle: '', running: 'running', stopping: 'stopping', done: 'done', failed: 'failed', stopped: 'stopped; ask again to go on' }

function Going({ task, about, entries }: { task: Task; about: About; entries: Entry[] }) {
  const entry = entries.find((one) => one.name === task.folder && one.crystals)
  return (
    <Panel title="">
      <p class="bar" role="status">
        <span class={`state ${task.state === 'running' ? 'going' : task.state}`}>{WORDS[task.state]}</span>
        <span>{task.formula ? <Formula text={task.formula} /> : `${task.count} new crystals`}</span>
        <span class="soft">{Math.round(task.seconds)} s</span>
        {entry ? <a href={address(['crystals', entry.key])}>open as a table</a> : null}
      </p>
      {entry ? <Candidates about={about} entry={entry} again={Math.floor(task.seconds)} /> : null}
      {task.said.length ? <pre class="said">{task.said.join('\n')}</pre> : null}
    </Panel>
  )
}

/** Ranked candidates with the prototype each came from. */
function Candidates({ about, entry, again }: { about: About; entry: Entry; again: number }) {
  const { answer } = useAsked<TablePage>(`table/${entry.key}?size=100`, again)
  if (!answer) return null
  const at = (name: string) => answer.columns.findIndex((column) => column.name === name)
  return (
    <ol class="candidates">
      {answer.rows.map(({ row, values }) => {
        const value = (name: string) => (at(name) < 0 ? null : values[at(name)])
        const group = value('space_group')
        const probability = value('probability')
        const above = value('above_lowest')
        return (
          <li key={row}>
            <a href={address(['crystal', entry.key, row])}>
              {value('rank') ? `${value('rank')}. ` : ''}
              <Formula text={String(value('formula'))} />
            </a>
            {typeof group === 'number' ? <Group symbol={about.groups[group - 1]!} number={group} /> : <span />}
            {typeof probability === 'number' ? <Share value={probability} /> : <span />}
            <span class="soft">
              {value('prototype') ? `${value('prototype')} from ${value('source')}` : ''}
              {value('known') ? ' · known' : ''}
              {typeof above === 'number' ? ` · ${number(1000 * above, 2)} meV/atom above the lowest` : ''}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
