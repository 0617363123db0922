// The page's language: the one that was chosen in its head, else the first of the browser's that it has.

export const LANGUAGES = { en: 'English', ru: 'Русский' } as const
export type Language = keyof typeof LANGUAGES

const STORED = 'hashgauge.language'
const LOCALES: Record<Language, string> = { en: 'en-GB', ru: 'ru-RU' }
// "03/04" is read in two ways in English, so UTC days are ISO dates there: Swedish writes them.
const UTC_LOCALES: Record<Language, string> = { en: 'sv-SE', ru: 'ru-RU' }

export const language: Language = [localStorage.getItem(STORED), ...navigator.languages]
  .map(name => name?.slice(0, 2).toLowerCase())
  .find(isLanguage) ?? 'en'
export const locale = LOCALES[language]
export const utcLocale = UTC_LOCALES[language]

/** The page starts anew in it; what is chosen in its lists and charts stands in the address. */
export function chooseLanguage(next: Language): void {
  localStorage.setItem(STORED, next)
  location.reload()
}

function isLanguage(name: string | undefined): name is Language {
  return name !== undefined && name in LANGUAGES
}
