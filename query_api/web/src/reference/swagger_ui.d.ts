// The package has no types of its own; these are the settings that we use.

declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  type Settings = {
    spec: unknown
    dom_id: string
    deepLinking: boolean
    docExpansion: 'list' | 'full' | 'none'
    defaultModelsExpandDepth: number
    displayRequestDuration: boolean
    filter: boolean
    tagsSorter: 'alpha'
    validatorUrl: null
  }
  export default function SwaggerUIBundle(settings: Settings): unknown
}
