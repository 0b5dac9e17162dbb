// A crystal in three dimensions, by 3Dmol.js; where a browser has no WebGL, a word says so.

import { useEffect, useRef, useState } from 'preact/hooks'
import { script, type Element, type Structure } from '../lib/api'
import { cross, hull, MOST, minus, place, polyhedra, scene, type Scene, type Vector } from '../lib/structure'
import { useDark } from '../lib/theme'

/** What is used of 3Dmol.js. */
interface Viewer {
  addModel(): { addAtoms(atoms: object[]): void }
  setStyle(which: object, style: object): void
  addCylinder(shape: object): void
  addCustom(shape: object): void
  addLabel(text: string, options: object): void
  setBackgroundColor(colour: string, alpha: number): void
  setHoverable(which: object, on: boolean, enter: (atom: any, viewer: Viewer) => void, leave: (atom: any, viewer: Viewer) => void): void
  removeLabel(label: unknown): void
  removeAllLabels(): void
  removeAllModels(): void
  removeAllShapes(): void
  getView(): number[]
  setView(view: number[]): void
  zoomTo(): void
  zoom(by: number): void
  rotate(angle: number, axis: string): void
  render(): void
  resize(): void
  spin(axis: string | false, speed?: number): void
  pngURI(): string
}

declare global {
  interface Window {
    $3Dmol?: { createViewer(element: HTMLElement, options: object): Viewer | null }
  }
}

export interface Look {
  repeat: Vector
  boundary: boolean
  style: 'balls' | 'spheres' | 'polyhedra'
  labels: boolean
}

export const LOOK: Look = { repeat: [1, 1, 1], boundary: true, style: 'balls', labels: false }

/** Å from the end of a cell vector to its name. */
const BEYOND = 1.1

interface Props {
  structure: Structure
  elements: Map<string, Element>
  look: Look
  /** Counts up to turn the view along a, b or c. */
  along?: { axis: number; turn: number }
  label: string
  /** Keep the view when the structure changes: frames of one trajectory. */
  still?: boolean
}

const colours = (dark: boolean) => ({ edge: dark ? '#8291a3' : '#7b8794', text: dark ? '#e6eaf0' : '#18202b', ground: dark ? '#171d25' : '#ffffff' })

export function CrystalView({ structure, elements, look, along, label, still = false }: Props) {
  const holder = useRef<HTMLDivElement>(null)
  const viewer = useRef<Viewer | null>(null)
  const [state, setState] = useState<'loading' | 'ready' | 'none'>('loading')
  const dark = useDark()

  useEffect(() => {
    let gone = false
    script('3Dmol-min.js')
      .then(() => {
        if (gone || !holder.current) return
        viewer.current = window.$3Dmol!.createViewer(holder.current, { backgroundColor: colours(dark).ground, orthographic: true, disableFog: true, antialias: true })
        setState(viewer.current ? 'ready' : 'none')
      })
      .catch(() => setState('none'))
    const watch = new ResizeObserver(() => viewer.current?.resize())
    if (holder.current) watch.observe(holder.current)
    return () => {
      gone = true
      watch.disconnect()
      holder.current?.querySelector('canvas')?.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext()
      viewer.current = null
    }
  }, [])

  const fitted = useRef('')
  const turned = useRef<Structure | null>(null)
  useEffect(() => {
    const view = viewer.current
    if (state !== 'ready' || !view) return
    const drawn = scene(structure, { repeat: look.repeat, boundary: look.boundary, bonds: look.style !== 'spheres' }, elements)
    const before = view.getView()
    draw(view, drawn, structure, elements, look, dark)
    // another block of cells is fitted anew; the same one keeps its view
    const size = `${look.repeat} ${structure.species.length}`
    const fresh = turned.current !== structure && !(still && turned.current)
    if (fresh) turn(view, structure.lattice, -1)
    if (fresh || fitted.current !== size) {
      view.zoomTo()
      // what is fitted is a ball around the cell, which a low picture cuts
      const { clientWidth, clientHeight } = holder.current!
      view.zoom(clientHeight < 0.6 * clientWidth ? 0.95 : 1.2)
    } else view.setView(before)
    turned.current = structure
    fitted.current = size
    view.render()
  }, [state, structure, look, dark])

  useEffect(() => {
    if (!along?.turn || !viewer.current) return
    turn(viewer.current, structure.lattice, along.axis)
    viewer.current.render()
  }, [along?.turn])

  function steer(event: KeyboardEvent) {
    const view = viewer.current
    const turns: Record<string, [number, string]> = { ArrowLeft: [-8, 'vy'], ArrowRight: [8, 'vy'], ArrowUp: [-8, 'vx'], ArrowDown: [8, 'vx'] }
    const zooms: Record<string, number> = { '+': 1.12, '=': 1.12, '-': 0.9 }
    if (!view || event.ctrlKey || event.metaKey) return
    if (turns[event.key]) view.rotate(...turns[event.key]!)
    else if (zooms[event.key]) view.zoom(zooms[event.key]!)
    else return
    event.preventDefault()
    view.render()
  }

  return (
    <div class="viewer">
      <div ref={holder} class="canvas" tabIndex={0} role="img" aria-label={`${label}. Arrow keys turn it, plus and minus zoom.`} onKeyDown={steer} data-state={state} />
      {state === 'none' ? <p class="soft over">This browser draws no 3D pictures (WebGL is off). Sites and downloads are below.</p> : null}
    </div>
  )
}

function draw(view: Viewer, drawn: Scene, structure: Structure, elements: Map<string, Element>, look: Look, dark: boolean) {
  view.removeAllModels()
  view.removeAllShapes()
  view.removeAllLabels()
  const at = ([x, y, z]: Vector) => ({ x: x - drawn.middle[0], y: y - drawn.middle[1], z: z - drawn.middle[2] })
  const atoms = drawn.atoms.slice(0, MOST).map((atom, serial) => ({ ...at(atom.at), elem: atom.symbol, serial, site: atom.site, bonds: [] as number[], bondOrder: [] as number[] }))
  const centres = look.style === 'polyhedra' ? new Set(polyhedra(drawn).map(({ centre }) => centre)) : null
  for (const [i, j] of drawn.bonds) {
    if (centres?.size && !centres.has(i) && !centres.has(j)) continue
    for (const [a, b] of [[i, j], [j, i]] as const) {
      if (a < atoms.length && b < atoms.length) {
        atoms[a]!.bonds.push(b)
        atoms[a]!.bondOrder.push(1)
      }
    }
  }
  view.addModel().addAtoms(atoms)
  for (const symbol of new Set(structure.species)) {
    const element = elements.get(symbol)
    const color = element?.colour ?? '#888888'
    const radius = element?.radius ?? 1.2
    const ball = look.style === 'spheres' ? 0.95 * radius : 0.36 * radius + 0.06
    view.setStyle({ elem: symbol }, { sphere: { radius: ball, color }, ...(look.style === 'spheres' ? {} : { stick: { radius: 0.09, color } }) })
  }
  const { edge, text, ground } = colours(dark)
  view.setBackgroundColor(ground, 1)
  for (const [from, to] of drawn.edges) view.addCylinder({ start: at(from), end: at(to), radius: 0.025, color: edge, fromCap: 1, toCap: 1 })
  if (look.style === 'polyhedra') solids(view, drawn, elements, at)
  structure.lattice.forEach((_, axis) => {
    const length = Math.hypot(...structure.lattice[axis]!)
    const frac = [0, 1, 2].map((other) => (other === axis ? look.repeat[axis]! + BEYOND / length : 0))
    view.addLabel('abc'[axis]!, { position: at(place(frac, structure.lattice)), fontColor: text, backgroundOpacity: 0, fontSize: 15, inFront: true, alignment: 'center' })
  })
  if (look.labels) {
    for (const atom of atoms.slice(0, 300)) view.addLabel(atom.elem, { position: atom, fontColor: text, backgroundOpacity: 0, fontSize: 12, inFront: true, alignment: 'center' })
  }
}

function solids(view: Viewer, drawn: Scene, elements: Map<string, Element>, at: (place: Vector) => object) {
  for (const { centre, corners } of polyhedra(drawn)) {
    const points = corners.map((corner) => drawn.atoms[corner]!.at)
    const faces = hull(points)
    view.addCustom({
      vertexArr: faces.flatMap((face) => face.map((i) => at(points[i]!))),
      normalArr: faces.flatMap(([i, j, k]) => {
        const [x, y, z] = cross(minus(points[j]!, points[i]!), minus(points[k]!, points[i]!))
        const size = Math.hypot(x, y, z) || 1
        return [0, 1, 2].map(() => ({ x: x / size, y: y / size, z: z / size }))
      }),
      faceArr: faces.flatMap((_, n) => [3 * n, 3 * n + 1, 3 * n + 2]),
      color: elements.get(drawn.atoms[centre]!.symbol)?.colour ?? '#888888',
      alpha: 0.72,
    })
  }
}

/** Look along a cell vector; -1 is the standard view, nearly along a with c upwards. */
function turn(view: Viewer, lattice: readonly number[][], axis: number) {
  const [a, b, c] = lattice as [Vector, Vector, Vector]
  const front = unit(axis === 1 ? b : axis === 2 ? c : a)
  const up = unit(axis === 2 ? b : c)
  const right = unit(cross(up, front))
  const above = cross(front, right)
  const now = view.getView()
  view.setView([...now.slice(0, 4), ...quaternion([right, above, front])])
  if (axis < 0) {
    view.rotate(-28, 'vy')
    view.rotate(14, 'vx')
  }
}

function unit(v: Vector): Vector {
  const size = Math.hypot(...v) || 1
  return [v[0] / size, v[1] / size, v[2] / size]
}

/** Of a rotation whose rows are given; x, y, z, w. */
function quaternion([r, u, f]: [Vector, Vector, Vector]): number[] {
  const trace = r[0] + u[1] + f[2]
  const parts =
    trace > 0
      ? [f[1] * 1 - u[2], r[2] - f[0], u[0] - r[1], 1 + trace]
      : r[0] > u[1] && r[0] > f[2]
        ? [1 + r[0] - u[1] - f[2], r[1] + u[0], r[2] + f[0], f[1] - u[2]]
        : u[1] > f[2]
          ? [r[1] + u[0], 1 + u[1] - r[0] - f[2], u[2] + f[1], r[2] - f[0]]
          : [r[2] + f[0], u[2] + f[1], 1 + f[2] - r[0] - u[1], u[0] - r[1]]
  const size = Math.hypot(...parts) || 1
  return parts.map((part) => part / size)
}
