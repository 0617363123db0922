// Bundles the dashboard, the API reference and the documents into dist/: hashed assets and a page for each that
// names its own.
import { build } from 'esbuild'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, 'dist')

// What a phone on a slow line waits for before it shows a figure; the reference is for desks.
const DASHBOARD = { page: 'index.html', script: 'src/main.tsx', style: 'src/style.css', maxKb: 80 }
const REFERENCE = {
  page: 'reference/index.html',
  script: 'src/reference/main.ts',
  style: 'src/reference/style.css',
  maxKb: 700,
}

const DOCUMENTS = {
  page: 'documents/index.html',
  script: 'src/documents/main.ts',
  style: 'src/documents/style.css',
  maxKb: 10,
}

await rm(dist, { recursive: true, force: true })
for (const folder of ['assets', 'reference', 'documents']) await mkdir(join(dist, folder), { recursive: true })

for (const { page, script, style, maxKb } of [DASHBOARD, REFERENCE, DOCUMENTS]) {
  const bundled = await bundle([script, style])
  const [scripts, [styles]] = [loadedWith(bundled, script), loadedWith(bundled, style)]
  // Each page fills in where it lies below the root, which a proxy may have moved below a prefix.
  const address = file => `{{root}}assets/${basename(file)}`
  const preload = scripts.slice(1).map(file => `<link rel="modulepreload" href="${address(file)}">`)
  const html = (await readFile(join(here, 'src', page), 'utf8'))
    .replace('{{script}}', address(scripts[0]))
    .replace('{{preload}}', preload.join('\n'))
    .replace('{{style}}', address(styles))
  await writeFile(join(dist, page), html)
  await checkSize(page, [...scripts, styles], maxKb)
}
// For the home screen, under names that do not change.
for (const file of ['icon.svg', 'app.webmanifest', 'icons/icon180.png', 'icons/icon192.png', 'icons/icon512.png'])
  await copyFile(join(here, 'src', file), join(dist, 'assets', basename(file)))

// Markdown that the service renders when it starts.
const docs = join(here, '../../docs')
for (const file of (await readdir(docs)).filter(name => name.endsWith('.md')))
  await copyFile(join(docs, file), join(dist, 'documents', file))

// What we ship of others goes with its licence; nothing here is served.
const swaggerUi = join(here, 'node_modules/swagger-ui-dist')
for (const file of ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt'])
  await copyFile(join(swaggerUi, file), join(dist, 'reference', file))

// What esbuild wrote, by path.
async function bundle(entryPoints) {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints,
    outdir: join(dist, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    sourcemap: false,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    metafile: true,
    logLevel: 'warning',
  })
  return metafile.outputs
}

// The entry's file and those that it cannot begin without; what is imported later is not among them.
function loadedWith(bundled, entry) {
  const first = Object.keys(bundled).find(path => bundled[path].entryPoint === entry)
  const files = new Set([first])
  for (const file of files)
    for (const { path, kind } of bundled[file].imports) if (kind === 'import-statement') files.add(path)
  return [...files].map(path => join(here, path))
}

async function checkSize(page, files, maxKb) {
  let loadKb = 0
  for (const file of files) {
    const packed = gzipSync(await readFile(file)).length / 1024
    loadKb += packed
    console.log(`${basename(file)}  ${packed.toFixed(1)} kB compressed`)
  }
  if (loadKb > maxKb) throw new Error(`${page} loads ${loadKb.toFixed(1)} kB, above ${maxKb} kB`)
}
