// A document has no script of its own: it follows the theme that was chosen on the dashboard.

import { applyTheme, storedTheme } from '../theme'

applyTheme(storedTheme())
