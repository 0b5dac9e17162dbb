// An evaluation: headline, funnel, the numbers of each family with their definitions, and comparisons.

import type { About, Entry, Report } from '../lib/api'
import { useAsked } from '../lib/ask'
import { ComparisonFigure, PairLegend } from '../parts/histogram'
import { Panel, Problem, Wait } from '../parts/small'
import { Tabs } from '../parts/tabs'

export function ReportView({ about, entry }: { about: About; entry: Entry }) {
  const { answer, error } = useAsked<Report>(`report/${entry.key}`)
  if (error) return <Problem error={error} />
  if (!answer) return <Wait what="Reading the evaluation" />
  return (
    <>
      <Tabs entry={entry} at="report" kind={answer.kind} />
      {answer.text ? (
        <Panel>
          <pre>{answer.text}</pre>
        </Panel>
      ) : null}
      {answer.headline ? (
        <>
          <p class="soft">
            Protocol {answer.protocol!.name}: {answer.protocol!.title}
          </p>
          <div class="headline">
            {answer.headline.map((one) => (
              <div class="panel" key={one.label} title={one.description}>
                <span class="soft">{one.label}</span>
                <strong>{one.text.replace(/ \[.*\]/, '')}</strong>
                <small class="soft">{one.text.match(/\[.*\]/)?.[0]}</small>
              </div>
            ))}
          </div>
          <Panel title="Funnel">
            <Steps steps={answer.funnel!} />
          </Panel>
          {answer.notes!.length ? <Notes notes={answer.notes!} /> : null}
        </>
      ) : null}
      {answer.families?.map((family) => (
        <Panel key={family.name} title={family.title}>
          {family.measures.length ? (
            <div class="scroll">
              <table class="measures">
                <tbody>
                  {family.measures.map((one) => (
                    <tr key={one.title}>
                      <th>{one.title}</th>
                      <td class="value">
                        {one.text}
                        {one.beside.map(({ label, text }) => (
                          <small class="soft" key={label}>
                            {label}: {text}
                          </small>
                        ))}
                      </td>
                      <td class="soft">{one.description}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ) : null}
          {family.comparisons.length ? (
            <>
              <PairLegend ours="samples" />
              <div class="figures">
                {family.comparisons.map((one) => (
                  <ComparisonFigure key={one.title} one={one} elements={about.elements} />
                ))}
              </div>
            </>
          ) : null}
          {family.notes.length ? <Notes notes={family.notes} /> : null}
        </Panel>
      ))}
      <Panel>
        <details>
          <summary>Settings</summary>
          <dl class="facts">
            {Object.entries(answer.settings).map(([name, value]) => (
              <div key={name}>
                <dt>{name.replaceAll('_', ' ')}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      </Panel>
    </>
  )
}

function Notes({ notes }: { notes: string[] }) {
  return (
    <ul class="notes soft">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  )
}

function Steps({ steps }: { steps: NonNullable<Report['funnel']> }) {
  return (
    <ul class="steps">
      {steps.map((step) => (
        <li key={step.title}>
          <span>{step.title}</span>
          <span class="track">
            <span class="fill" style={{ width: `${100 * (step.share ?? 0)}%` }} />
          </span>
          <span class="n">{step.count}</span>
          <span class="soft share-text">{step.text}</span>
        </li>
      ))}
    </ul>
  )
}
