// Bundles the dashboard into dist/: hashed assets and an index.html that names them.
import { build } from 'esbuild'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, 'dist')

await rm(dist, { recursive: true, force: true })
await mkdir(join(dist, 'assets'), { recursive: true })

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ['src/main.tsx', 'src/style.css'],
  outdir: join(dist, 'assets'),
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  sourcemap: false,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  metafile: true,
  logLevel: 'warning',
})

const outputs = Object.entries(metafile.outputs)
const hashed = entry => {
  const found = outputs.find(([, output]) => output.entryPoint === entry)
  if (!found) throw new Error(`no output for ${entry}`)
  return `/assets/${basename(found[0])}`
}

const page = (await readFile(join(here, 'src/index.html'), 'utf8'))
  .replace('{{script}}', hashed('src/main.tsx'))
  .replace('{{style}}', hashed('src/style.css'))
await writeFile(join(dist, 'index.html'), page)
await writeFile(join(dist, 'assets', 'icon.svg'), await readFile(join(here, 'src/icon.svg')))

// What a phone on a slow line waits for before it shows a figure.
const MAX_FIRST_LOAD_KB = 150
let firstLoadKb = 0
for (const [path] of outputs) {
  const packed = gzipSync(await readFile(join(here, path))).length / 1024
  firstLoadKb += packed
  console.log(`${basename(path)}  ${packed.toFixed(1)} kB compressed`)
}
if (firstLoadKb > MAX_FIRST_LOAD_KB)
  throw new Error(`the first load is ${firstLoadKb.toFixed(1)} kB, above ${MAX_FIRST_LOAD_KB} kB`)
