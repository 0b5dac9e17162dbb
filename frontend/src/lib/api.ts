// What the server tells, and how it is asked: over HTTP, or from scripts beside a page that was exported.

import { localPage } from './local'

export type Kind = 'dataset' | 'predictions' | 'generated' | 'relaxed' | 'run' | 'model' | 'report' | 'trajectories' | 'ledger'

export interface Element {
  symbol: string
  name: string
  group: number
  period: number
  radius: number
  colour: string
}

export interface About {
  runs: boolean
  elements: Element[]
  groups: string[]
  systems: { name: string; last: number }[]
}

export interface Entry {
  key: string
  kind: Kind
  name: string
  folder: string
  changed: number
  size: number
  crystals: boolean
}

export interface Column {
  name: string
  title: string
  kind: 'number' | 'text' | 'flag'
  unit: string
  shown: boolean
  low?: number
  high?: number
}

export type Value = string | number | boolean | null

export interface TablePage {
  total: number
  matched: number
  start: number
  columns: Column[]
  rows: { row: number; values: Value[] }[]
  elements: Record<string, number>
  symmetry: { known: number; complete: boolean }
}

export interface Structure {
  species: string[]
  frac: number[][]
  lattice: number[][]
}

export interface Crystal extends Structure {
  lengths: number[]
  angles: number[]
  volume: number
  density: number | null
  shortest: number | null
}

export interface Symmetry {
  tolerance: number
  number: number | null
  symbol?: string
  system?: string
  lengths?: number[]
  angles?: number[]
  sites?: { position: string; site: string; element: string; place: number[] }[]
  problem?: string
}

export interface Details {
  entry: Entry
  row: number
  values: Record<string, Value>
  facts: Record<string, string>
  crystal: Crystal | null
  /** Its conventional cell, where that is another one. */
  conventional: Structure | null
  undrawn: string
  symmetry: Symmetry[]
}

export interface Curve {
  steps: number[]
  values: number[]
}

export interface Run {
  series: Record<string, Curve>
  lines: number
  alive: boolean
  recipe: string
}

export interface Comparison {
  title: string
  unit: string
  labels: string[]
  edges: number[]
  samples: number[]
  reference: number[]
}

export interface Measured {
  text: string
  description: string
  of: string
}

export interface Report {
  kind: 'dng' | 'csp' | 'property'
  text?: string
  protocol?: { name: string; title: string }
  headline?: ({ label: string } & Measured)[]
  funnel?: { title: string; count: number; share: number | null; text: string }[]
  families?: {
    name: string
    title: string
    measures: ({ title: string; beside: { label: string; text: string }[] } & Measured)[]
    comparisons: Comparison[]
    notes: string[]
  }[]
  notes?: string[]
  settings: Record<string, string>
}

export interface Trajectory {
  files: string[]
  file: number
  of: number
  frames: { t: number | null; energy: number | null; volume: number | null; crystal: Structure | null }[]
}

export interface Distance {
  same_formula: boolean
  rms: number | null
  rms_length: number | null
  geometry: number | null
  problem: string
}

export interface Compared {
  crystals: (Details & { relation: string; origin: string })[]
  distances: (Distance | null)[][]
}

export interface Phases {
  elements: string[]
  phases: Phase[]
  lines: [number[], number[]][]
  note: string
}

export interface Phase {
  row: number | null
  name: string
  formula: string
  fractions: number[]
  energy: number
  above: number
  stable: boolean
  kind: 'known' | 'candidate' | 'rejected'
}

export interface Funnel {
  stages: {
    label: string
    came: number
    passed: number
    rejected: number
    failed: number
    waiting: number
    seconds: number
    reasons: { outcome: string; reason: string; count: number; example: string }[]
  }[]
}

export interface Task {
  state: 'idle' | 'running' | 'stopping' | 'done' | 'failed' | 'stopped'
  seconds: number
  said: string[]
  folder: string
  task: string
  formula: string
  count: number
}

export class Refused extends Error {
  hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

interface Site {
  answers: Record<string, unknown>
  /** Of a piece in another page: the view that it begins with, and what unpacks its scripts. */
  start?: string
  load?: (script: string) => Promise<void>
}

declare global {
  interface Window {
    nucleateSite?: Site
  }
}

export const exported = (): boolean => window.nucleateSite !== undefined

/** Whether this is a piece in another page, such as a notebook. */
export const isPiece = (): boolean => window.nucleateSite?.load !== undefined

const waiting = new Map<string, Promise<unknown>>()

/** An answer that never changes while the page is open is asked for once. */
export function once<T>(path: string): Promise<T> {
  const known = waiting.get(path)
  if (known) return known as Promise<T>
  const answer = get<T>(path)
  waiting.set(path, answer)
  answer.catch(() => waiting.delete(path))
  return answer
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  if (exported()) return fromSite<T>(path)
  return read<T>(await fetch(`api/${path}`, { signal }))
}

export async function send<T>(path: string, body: unknown, method = 'POST'): Promise<T> {
  if (exported()) throw new Refused('this is a copy, and can only be looked at', "start 'nucleate show' for more")
  const raw = body instanceof Blob
  const headers: Record<string, string> = raw ? {} : { 'content-type': 'application/json' }
  return read<T>(await fetch(`api/${path}`, { method, headers, body: method === 'DELETE' ? undefined : raw ? body : JSON.stringify(body) }))
}

async function read<T>(response: Response): Promise<T> {
  const content = await response.json().catch(() => null)
  if (response.ok && content !== null) return content as T
  throw new Refused(content?.error ?? `the server answered ${response.status}`, content?.hint ?? '')
}

/** The script of an answer puts it into nucleateSite.answers. */
async function fromSite<T>(asked: string): Promise<T> {
  const site = window.nucleateSite!
  const [path, query] = asked.split('?') as [string, string | undefined]
  if (!(path in site.answers) && !site.load) await script(`data/${path.replace(/[^\w.-]/g, '_')}.js`)
  if (!(path in site.answers)) throw new Refused('this copy does not hold that', site.load ? 'show fewer crystals, or this one alone' : 'it holds the first 300 crystals of each table')
  const answer = site.answers[path]
  return (path.startsWith('table/') ? localPage(answer as TablePage, new URLSearchParams(query)) : answer) as T
}

const scripts = new Map<string, Promise<void>>()

/** Load a script of this page's own folder once. */
export function script(address: string): Promise<void> {
  const known = scripts.get(address)
  if (known) return known
  const loaded = window.nucleateSite?.load?.(address) ?? fetched(address)
  scripts.set(address, loaded)
  return loaded
}

function fetched(address: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const element = document.createElement('script')
    element.src = address
    element.onload = () => resolve()
    element.onerror = () => reject(new Refused(`${address} can't be loaded`, 'is nucleate show still running?'))
    document.head.append(element)
  })
}
