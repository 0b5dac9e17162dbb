// One script and one style sheet with fixed names: a page that opens from the file system can't load modules.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'vite'

const OUT = '../src/nucleate/web/static'

/** SHA-256 of each source by name, from which a test sees that the build belongs to them. */
function sums(): string {
  const inside = ['src', 'public'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => `${file.parentPath}/${file.name}`),
  )
  const files = [...inside, 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts'].sort()
  return files.map((file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${file}\n`).join('')
}

export default defineConfig({
  build: {
    outDir: OUT,
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    lib: { entry: 'src/main.tsx', formats: ['iife'], name: 'nucleateShow', fileName: () => 'app.js', cssFileName: 'app' },
  },
  plugins: [{ name: 'sums', closeBundle: () => writeFileSync(`${OUT}/sources.sha256`, sums()) }],
  publicDir: 'public',
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
