// Names that strangers chose: isolated, so that one written from right to left turns no line around,
// and shown so that two that look the same can be told apart.

// Spaces of all kinds, characters without a shape, and those that turn text around.
const UNSEEN = /[\p{Cf}\p{Zs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u
const LATIN = /\p{Script=Latin}/u
const ALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}]/u
// Of those, what is drawn like a Latin letter: a word of nothing else reads as another word.
const TWINS = /^[\d\W_аеорсухіјѕһАВЕКМНОРСТУХІЈЅοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]+$/u

export function Name({ children }: { children: string }) {
  // A code unit above ASCII; most names have none.
  const plain = !/[^\x20-\x7e]/.test(children)
  return (
    <bdi class="name" title={plain ? undefined : codePoints(children)}>
      {visible(children)}
      {!plain && mixed(children) && <sup class="muted">U+</sup>}
    </bdi>
  )
}

/** A space between two words as it is; any other space, and what has no shape, spelled out. */
export function visible(name: string): string {
  const characters = Array.from(name)
  const seen = (at: number) => characters[at] !== undefined && !UNSEEN.test(characters[at]!)
  return characters
    .map((each, at) => {
      if (!UNSEEN.test(each) || (each === ' ' && seen(at - 1) && seen(at + 1))) return each
      return each === ' ' ? '␣' : `⟨${codePoint(each)}⟩`
    })
    .join('')
}

function mixed(name: string): boolean {
  return ALIKE.test(name) && (LATIN.test(name) || TWINS.test(name))
}

const codePoint = (character: string) =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`

const codePoints = (name: string) => Array.from(name, codePoint).join(' ')
