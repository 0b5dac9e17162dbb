// Numbers, times and formulas as people read them.

import type { About, Column, Value } from './api'

export function number(value: number, digits = 4): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  const size = Math.abs(value)
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return value.toExponential(Math.max(digits - 1, 0)).replace(/\.?0+e/, 'e').replace(/-/g, '−').replace('e+', 'e')
  return Number(value.toPrecision(digits)).toString().replace('-', '−')
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace('-', '−')
}

export function count(value: number): string {
  return value.toLocaleString('en')
}

/** A value of a column as text; the number of a space group as its symbol with the number. */
export function shown(value: Value | undefined, column: Column, about: About): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (column.name === 'space_group' && typeof value === 'number') return `${about.groups[value - 1]} (${value})`
  return typeof value === 'number' ? number(value) : value
}

export function ago(seconds: number): string {
  const minutes = (Date.now() / 1000 - seconds) / 60
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${Math.round(minutes)} min ago`
  if (minutes < 60 * 24) return `${Math.round(minutes / 60)} h ago`
  return new Date(1000 * seconds).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' })
}

/** A symbol such as Fm-3m or P6_3/mmc, its parts told apart: text, overlined, lowered. */
export function groupParts(symbol: string): { text: string; kind: '' | 'bar' | 'sub' }[] {
  const parts: { text: string; kind: '' | 'bar' | 'sub' }[] = []
  for (const match of symbol.matchAll(/-(\d)|_(\d)|([^-_]+|-)/g)) {
    if (match[1]) parts.push({ text: match[1], kind: 'bar' })
    else if (match[2]) parts.push({ text: match[2], kind: 'sub' })
    else parts.push({ text: match[3]!, kind: '' })
  }
  return parts
}
