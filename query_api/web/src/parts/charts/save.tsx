// What a list or a chart shows, as a file: the API answers the same question in another format.

import { download } from '../../service/api'
import { useAction } from '../../hooks'
import { texts } from '../../text'
import { Trouble } from '../form'

const KINDS = [
  { name: 'CSV', ending: 'csv', type: 'text/csv' },
  { name: 'Parquet', ending: 'parquet', type: 'application/vnd.apache.parquet' },
] as const

/** `path` is what was asked for the screen, `name` that of the file without its ending. */
export function Save({ path, name }: { path: string; name: string }) {
  const action = useAction()
  return (
    <span class="filters" role="group" aria-label={texts.page.save}>
      {KINDS.map(kind => (
        <button
          key={kind.ending}
          type="button"
          title={texts.page.saveAs(kind.name)}
          disabled={action.busy}
          onClick={() => action.run(() => download(path, `${name}.${kind.ending}`, kind.type))}
        >
          {kind.name}
        </button>
      ))}
      <Trouble action={action} />
    </span>
  )
}
