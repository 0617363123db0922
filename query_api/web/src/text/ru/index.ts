// The page in Russian.

import type { Texts } from '..'
import { access, firstShare, open } from './access'
import { figures, health, spans } from './figures'
import { money } from './money'
import { page, units } from './page'
import { payouts } from './payouts'
import { sharing } from './sharing'
import { workers } from './workers'

export const ru: Texts = { access, figures, firstShare, health, money, open, page, payouts, sharing, spans, units, workers }
