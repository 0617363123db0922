// Signing in and up, recovering and verifying, and one's own account: a view for each flow of Kratos.

import type { FlowKind } from '../service/identity'
import { FlowView } from '../parts/access/sign_in'
import { useTitle } from '../shell'
import { texts } from '../text'

export function SignInView({ kind }: { kind: FlowKind }) {
  useTitle(kind === 'settings' ? texts.access.flows.settings : texts.access.flows.login)
  return (
    <section class="card sign-in">
      <FlowView kind={kind} query={location.hash.split('?')[1] ?? ''} />
    </section>
  )
}
