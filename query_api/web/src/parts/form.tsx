// Small parts of forms: what went wrong, a second thought, a copy for elsewhere.

import { useEffect, useState } from 'preact/hooks'
import type { Action } from '../hooks'
import { texts } from '../text'

export function Trouble({ action }: { action: Action }) {
  return action.trouble ? <p class="wrong" role="alert">▲ {action.trouble}</p> : null
}

type ConfirmProps = { label: string; sure: string; disabled?: boolean; onConfirm: () => void }

/** A button for what cannot be taken back: the first press asks, the second one does it. */
export function ConfirmButton({ label, sure, disabled = false, onConfirm }: ConfirmProps) {
  const [asked, setAsked] = useState(false)
  useEffect(() => {
    if (!asked) return
    const timer = setTimeout(() => setAsked(false), 6_000)
    return () => clearTimeout(timer)
  }, [asked])
  const press = () => {
    if (asked) onConfirm()
    setAsked(!asked)
  }
  return (
    <button type="button" class={asked ? 'asked' : undefined} disabled={disabled} onClick={press}>
      {asked ? sure : label}
    </button>
  )
}

export function CopyButton({ text, label = texts.page.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState<boolean | null>(null)
  // A page without TLS has no clipboard; the text stands beside the button.
  const copy = () =>
    void Promise.resolve(navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return (
    <button type="button" onClick={copy}>
      <span aria-live="polite">{copied === null ? label : copied ? texts.page.copied : texts.page.copyByHand}</span>
    </button>
  )
}
