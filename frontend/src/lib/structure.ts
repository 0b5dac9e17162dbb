// The atoms and bonds that are drawn: a block of cells, atoms on its boundary repeated, bonds by radii.

import type { Element, Structure } from './api'

export type Vector = [number, number, number]

export interface Atom {
  symbol: string
  at: Vector
  /** Of the atom in the cell that this one repeats. */
  site: number
}

export interface Scene {
  atoms: Atom[]
  bonds: [number, number][]
  /** Pairs of points: the edges of all cells. */
  edges: [Vector, Vector][]
  middle: Vector
}

export interface Wanted {
  repeat: Vector
  boundary: boolean
  bonds: boolean
}

/** Of a cell vector; atoms nearer to a face than this are repeated on the opposite one. */
const MARGIN = 0.02
/** Atoms that are drawn at most. */
export const MOST = 4000
/** A bond is at most this much longer than the sum of covalent radii; between ions more, whose radii these are not. */
const LOOSE = 1.12
const LOOSE_IONS = 1.2
/** Ions that hold a framework of others together: their bonds are drawn where there is no other cation. */
const LARGE_IONS = new Set('Na K Rb Cs Fr Sr Ba Ra'.split(' '))
const NONMETALS = new Set('H B C N O F Si P S Cl Ge As Se Br Sb Te I'.split(' '))
const ANIONS = new Set('N O F P S Cl As Se Br Te I'.split(' '))

export function place(frac: readonly number[], lattice: readonly number[][]): Vector {
  const sum = (k: number) => frac[0]! * lattice[0]![k]! + frac[1]! * lattice[1]![k]! + frac[2]! * lattice[2]![k]!
  return [sum(0), sum(1), sum(2)]
}

export function scene(structure: Structure, wanted: Wanted, elements: Map<string, Element>): Scene {
  const { species, frac, lattice } = structure
  const [n, m, l] = wanted.repeat
  const atoms: Atom[] = []
  frac.forEach((inside, site) => {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        for (let k = 0; k < l; k++) {
          for (const shift of images(inside, [i, j, k], wanted.repeat, wanted.boundary)) {
            atoms.push({ symbol: species[site]!, at: place([inside[0]! + shift[0], inside[1]! + shift[1], inside[2]! + shift[2]], lattice), site })
          }
        }
      }
    }
  })
  const middle = place([n / 2, m / 2, l / 2], lattice)
  return { atoms, bonds: wanted.bonds ? bonds(atoms, elements) : [], edges: edges(wanted.repeat, lattice), middle }
}

/** Shifts of an atom: its cell of the block, and the far side of the block where it lies on its boundary. */
function images(inside: readonly number[], cell: Vector, repeat: Vector, boundary: boolean): Vector[] {
  const choices = inside.map((x, axis) => {
    const shifts = [cell[axis]!]
    if (boundary && x < MARGIN && cell[axis] === 0) shifts.push(repeat[axis]!)
    if (boundary && x > 1 - MARGIN && cell[axis] === repeat[axis]! - 1) shifts.push(-1)
    return shifts
  })
  return choices[0]!.flatMap((i) => choices[1]!.flatMap((j) => choices[2]!.map((k) => [i, j, k] as Vector)))
}

/** Pairs within reach: unlike atoms, or like ones that are no metals; between ions only those of unlike charge. */
export function bonds(atoms: Atom[], elements: Map<string, Element>): [number, number][] {
  const found: [number, number][] = []
  const anions = atoms.some(({ symbol }) => ANIONS.has(symbol)) && atoms.some(({ symbol }) => !NONMETALS.has(symbol))
  const framework = anions && atoms.some(({ symbol }) => !NONMETALS.has(symbol) && !LARGE_IONS.has(symbol))
  const loose = anions ? LOOSE_IONS : LOOSE
  const bonded = (a: string, b: string) => {
    if (framework && (LARGE_IONS.has(a) || LARGE_IONS.has(b))) return false
    if (anions) return ANIONS.has(a) !== ANIONS.has(b) || (NONMETALS.has(a) && NONMETALS.has(b) && a === b && a !== 'O')
    return true
  }
  const radius = (symbol: string) => elements.get(symbol)?.radius ?? 1.5
  const reach = loose * 2 * Math.max(...atoms.map(({ symbol }) => radius(symbol)), 0)
  for (const [i, j] of near(atoms, reach)) {
    const a = atoms[i]!
    const b = atoms[j]!
    if (!bonded(a.symbol, b.symbol)) continue
    const far = loose * (radius(a.symbol) + radius(b.symbol))
    if (distance(a.at, b.at) < far && distance(a.at, b.at) > 0.3) found.push([i, j])
  }
  return found
}

/** Pairs of atoms at most `reach` apart, by boxes of that size. */
function* near(atoms: Atom[], reach: number): Generator<[number, number]> {
  const boxes = new Map<string, number[]>()
  const box = (at: Vector) => at.map((x) => Math.floor(x / reach)) as Vector
  atoms.forEach((atom, i) => {
    const key = box(atom.at).join()
    boxes.set(key, [...(boxes.get(key) ?? []), i])
  })
  for (let i = 0; i < atoms.length; i++) {
    const [x, y, z] = box(atoms[i]!.at)
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dz = -1; dz <= 1; dz++) {
          for (const j of boxes.get([x + dx, y + dy, z + dz].join()) ?? []) if (i < j) yield [i, j]
        }
      }
    }
  }
}

export function distance(a: Vector, b: Vector): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}

function edges(repeat: Vector, lattice: readonly number[][]): [Vector, Vector][] {
  const lines: [Vector, Vector][] = []
  for (let axis = 0; axis < 3; axis++) {
    const [u, v] = [(axis + 1) % 3, (axis + 2) % 3] as [number, number]
    for (let i = 0; i <= repeat[u]!; i++) {
      for (let j = 0; j <= repeat[v]!; j++) {
        const from = [0, 0, 0]
        const to = [0, 0, 0]
        from[u] = to[u] = i
        from[v] = to[v] = j
        to[axis] = repeat[axis]!
        lines.push([place(from, lattice), place(to, lattice)])
      }
    }
  }
  return lines
}

/** Vertices of the coordination polyhedra: around each cation, the four to eight anions it is bonded to. */
export function polyhedra(scene: Scene): { centre: number; corners: number[] }[] {
  const around = new Map<number, number[]>()
  for (const [i, j] of scene.bonds) {
    for (const [a, b] of [[i, j], [j, i]] as const) {
      if (!ANIONS.has(scene.atoms[a]!.symbol) && ANIONS.has(scene.atoms[b]!.symbol)) around.set(a, [...(around.get(a) ?? []), b])
    }
  }
  // at the boundary of the block a centre may lack neighbours: only whole ones are drawn
  const whole = new Map<number, number>()
  for (const [centre, corners] of around) {
    const site = scene.atoms[centre]!.site
    whole.set(site, Math.max(whole.get(site) ?? 0, corners.length))
  }
  return [...around]
    .map(([centre, corners]) => ({ centre, corners }))
    .filter(({ centre, corners }) => corners.length >= 4 && corners.length <= 8 && corners.length === whole.get(scene.atoms[centre]!.site))
}

/** Triangles of the convex hull of a few points, as places in the list; for coordination polyhedra. */
export function hull(points: Vector[]): [number, number, number][] {
  const faces: [number, number, number][] = []
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      for (let k = j + 1; k < points.length; k++) {
        const normal = cross(minus(points[j]!, points[i]!), minus(points[k]!, points[i]!))
        const size = Math.hypot(...normal)
        if (size < 1e-6) continue
        const sides = points.map((point) => dot(normal, minus(point, points[i]!)) / size)
        if (sides.every((side) => side < 0.05)) faces.push([i, j, k])
        else if (sides.every((side) => side > -0.05)) faces.push([i, k, j])
      }
    }
  }
  return faces
}

export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
