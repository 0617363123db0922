// Views whose code is fetched when somebody first goes there: on a slow line figures come before money.

import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { texts } from './text'

/** The component that `load` answers; until then nothing. A release that is newer than the page holds its files under
 * other names, so that after a failure the page itself is loaded again. */
export function later<Props extends object>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  let View: FunctionComponent<Props> | undefined
  return props => {
    const [state, setState] = useState<'coming' | 'here' | 'failed'>(View ? 'here' : 'coming')
    useEffect(() => {
      if (state !== 'coming') return
      load().then(
        loaded => {
          View = loaded
          setState('here')
        },
        () => setState('failed'),
      )
    }, [state])
    if (View) return <View {...props} />
    if (state === 'coming') return null
    return (
      <section class="card" role="alert">
        <p>{texts.page.notLoaded}</p>
        <button type="button" onClick={() => location.reload()}>{texts.page.loadAgain}</button>
      </section>
    )
  }
}
