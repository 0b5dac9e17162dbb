// Small parts: formulas, symbols of space groups, errors, a spinner.

import { Fragment, type ComponentChildren } from 'preact'
import type { Refused } from '../lib/api'
import { groupParts, number } from '../lib/text'

export function Formula({ text }: { text: string }) {
  return <span class="formula">{text.split(/(\d+)/).map((part) => (/^\d+$/.test(part) ? <sub>{part}</sub> : part))}</span>
}

export function Group({ symbol, number }: { symbol: string; number?: number }) {
  return (
    <span class="group">
      <i aria-label={symbol}>
        {groupParts(symbol).map(({ text, kind }) =>
          kind === 'bar' ? <span class="bar">{text}</span> : kind === 'sub' ? <sub>{text}</sub> : text,
        )}
      </i>
      {number ? <span class="soft"> {number}</span> : null}
    </span>
  )
}

export function Share({ value }: { value: number }) {
  return (
    <span class="share">
      <meter min={0} max={1} value={value} aria-hidden="true" />
      <span class="percent">{value < 0.01 ? '< 1' : number(100 * value, 2)} %</span>
    </span>
  )
}

export function Problem({ error }: { error: Refused }) {
  return (
    <div class="problem" role="alert">
      <strong>{error.message}</strong>
      {error.hint ? <span>{error.hint}</span> : null}
    </div>
  )
}

/** A piece of the page that begins at one table or crystal has no library around it. */
export const hasLibrary = (): boolean => (window.nucleateSite?.start ?? '#/') === '#/'

/** Where one is: the library, and what leads here from it. */
export function Crumbs({ parts = [] }: { parts?: ComponentChildren[] }) {
  const all = hasLibrary() ? [<a href="#/">Library</a>, ...parts] : parts
  return (
    <p class="crumbs">
      {all.map((part, n) => (
        <Fragment key={n}>
          {n ? ' / ' : ''}
          {part}
        </Fragment>
      ))}
    </p>
  )
}

export function Wait({ what = 'Reading' }: { what?: string }) {
  return (
    <p class="wait soft" role="status">
      <span class="spinner" aria-hidden="true" /> {what} …
    </p>
  )
}

export function Panel({ title, children, class: kind = '' }: { title?: string; children: ComponentChildren; class?: string }) {
  return (
    <section class={`panel ${kind}`}>
      {title ? <h2>{title}</h2> : null}
      {children}
    </section>
  )
}
