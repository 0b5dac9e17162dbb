// Crystals as text of CIF, POSCAR and extended XYZ, for a copy of the page that has no server to write them.

import type { Crystal, Details } from './api'
import { place } from './structure'

export const WRITTEN = { cif: '.cif', poscar: '.vasp', extxyz: '.extxyz' } as const
export type Written = keyof typeof WRITTEN

export function fileText(kind: Written, details: Details): string {
  const crystal = details.crystal!
  const origin = ['name', 'formula']
    .map((name) => details.values[name])
    .concat(['model', 'seed', 'source', 'rank'].filter((name) => details.facts[name]).map((name) => `${name}=${details.facts[name]}`), 'from nucleate')
    .filter(Boolean)
    .join(' ')
    .replace(/\s+/g, ' ')
  if (kind === 'cif') return cif(crystal, origin)
  return kind === 'poscar' ? poscar(crystal, origin) : extxyz(crystal, details)
}

/** Valid on any file system. */
export function fileName(details: Details): string {
  const name = String(details.values.name ?? details.row)
  return name.replace(/[^\p{L}\p{N}_.+()#-]/gu, '_').replace(/^\.+/, '').slice(0, 100) || String(details.row)
}

const number = (x: number, digits: number, width = 0) => x.toFixed(digits).padStart(width)

function counted(species: string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const symbol of species) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  return [...counts]
}

/** In space group P1: every atom of the cell is written. */
function cif({ species, frac, lengths, angles, volume }: Crystal, origin: string): string {
  const cell = ['a', 'b', 'c'].map((name, n) => `_cell_length_${name}   ${number(lengths[n]!, 8)}`)
  const corner = ['alpha', 'beta', 'gamma'].map((name, n) => `_cell_angle_${name}   ${number(angles[n]!, 8)}`)
  const sum = counted(species).map(([symbol, count]) => `${symbol}${count}`)
  const columns = ['type_symbol', 'label', 'fract_x', 'fract_y', 'fract_z', 'occupancy'].map((name) => ` _atom_site_${name}`)
  const atoms = species.map((symbol, n) => `  ${symbol}  ${symbol}${n}  ${frac[n]!.map((x) => number(x, 8)).join('  ')}  1`)
  return [
    `# ${origin}`,
    `data_${sum.join('')}`,
    "_symmetry_space_group_name_H-M   'P 1'",
    ...cell,
    ...corner,
    '_symmetry_Int_Tables_number   1',
    `_chemical_formula_sum   '${sum.join(' ')}'`,
    `_cell_volume   ${number(volume, 8)}`,
    'loop_',
    ' _symmetry_equiv_pos_site_id',
    ' _symmetry_equiv_pos_as_xyz',
    "  1  'x, y, z'",
    'loop_',
    ...columns,
    ...atoms,
    '',
  ].join('\n')
}

function poscar({ species, frac, lattice }: Crystal, origin: string): string {
  const row = (vector: readonly number[]) => vector.map((x) => number(x, 10, 15)).join('')
  const kinds = counted(species)
  const atoms = kinds.flatMap(([symbol]) => species.flatMap((other, n) => (other === symbol ? [`${row(frac[n]!)} ${symbol}`] : [])))
  return [origin, '1.0', ...lattice.map(row), kinds.map(([symbol]) => symbol).join(' '), kinds.map(([, count]) => count).join(' '), 'direct', ...atoms, ''].join('\n')
}

function extxyz({ species, frac, lattice }: Crystal, { values, facts }: Details): string {
  const pairs = Object.entries({ ...values, ...facts })
    .filter(([name, value]) => !['Lattice', 'Properties', 'pbc'].includes(name) && value !== null && value !== '')
    .map(([name, value]) => `${name.replace(/\W/g, '_')}=${quoted(String(value).replaceAll('"', "'").replace(/\s+/g, ' '))}`)
  const cell = lattice.flat().map((x) => number(x, 8))
  const atoms = species.map((symbol, n) => symbol.padEnd(2) + place(frac[n]!, lattice).map((x) => ` ${number(x, 8, 16)}`).join(''))
  return [String(species.length), `Lattice="${cell.join(' ')}" Properties=species:S:1:pos:R:3 ${pairs.join(' ')} pbc="T T T"`, ...atoms, ''].join('\n')
}

const quoted = (text: string) => (/[ =]/.test(text) ? `"${text}"` : text)
