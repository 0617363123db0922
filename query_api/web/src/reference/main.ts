// The API reference: Swagger UI on our own OpenAPI document.

import SwaggerUIBundle from 'swagger-ui-dist/swagger-ui-bundle.js'

const root = document.querySelector<HTMLMetaElement>('meta[name=root]')!.content
const prefersDark = matchMedia('(prefers-color-scheme: dark)')

function followTheme(): void {
  document.documentElement.classList.toggle('dark-mode', prefersDark.matches)
}

followTheme()
prefersDark.addEventListener('change', followTheme)

// Beside this page. Calls go to where the page came from, below the prefix of a proxy if there is one.
const spec = await (await fetch('openapi.json')).json()
spec.servers = [{ url: new URL(root, location.href).href.replace(/\/$/, '') }]

SwaggerUIBundle({
  spec,
  dom_id: '#reference',
  deepLinking: true,
  // Open, 170 operations are a page of many screens; Swagger UI renders those in sight.
  docExpansion: 'list',
  // The schemas stand in each operation; a list of all of them costs a second.
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  tagsSorter: 'alpha',
  // It would send the document's address to another host.
  validatorUrl: null,
})
