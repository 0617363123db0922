// A flow of Kratos as forms: it says which fields there are, with labels, values and what was wrong.

import { useEffect, useRef } from 'preact/hooks'
import type { Flow, FlowNode, Message } from '../../service/identity'
import { textOf, texts } from '../../text'

// Kratos knows the values of a list, and does not tell them.
const CHOICES: Record<string, [value: string, label: string][]> = {
  'traits.language': [['', 'English'], ['ru', 'Русский']],
}

type FlowProps = { flow: Flow; titled: boolean; busy: boolean; onSubmit: (form: URLSearchParams) => void }

/** A form for each way that the flow offers; what all of them share stands in each. */
export function FlowForms({ flow, titled, busy, onSubmit }: FlowProps) {
  const { nodes } = flow.ui
  const shared = nodes.filter(({ group }) => group === 'default')
  const groups = [...new Set(nodes.map(({ group }) => group))].filter(group => group !== 'default')
  return (
    <>
      <Messages messages={flow.ui.messages ?? []} />
      {groups.map((group, place) => (
        <FlowForm
          key={group}
          title={titled ? textOf(texts.access.flowGroups, group) : undefined}
          nodes={[...shared, ...nodes.filter(node => node.group === group)]}
          first={place === 0 && !titled}
          busy={busy}
          onSubmit={onSubmit}
        />
      ))}
    </>
  )
}

type FormProps = {
  title: string | undefined
  nodes: FlowNode[]
  first: boolean
  busy: boolean
  onSubmit: (form: URLSearchParams) => void
}

function FlowForm({ title, nodes, first, busy, onSubmit }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    // On with the keyboard, after a wrong password too.
    if (first) form.current?.querySelector<HTMLInputElement>('label input:placeholder-shown')?.focus()
  }, [])
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    const pressed = event.submitter as HTMLButtonElement | null
    const data = new URLSearchParams()
    for (const [name, value] of new FormData(form.current!)) data.append(name, String(value))
    if (pressed?.name) data.set(pressed.name, pressed.value)
    onSubmit(data)
  }
  return (
    <form class="change" ref={form} onSubmit={send}>
      {title && <h2>{title}</h2>}
      {nodes.map(node => <Node key={`${node.attributes.name} ${node.attributes.value}`} node={node} busy={busy} />)}
    </form>
  )
}

function Node({ node, busy }: { node: FlowNode; busy: boolean }) {
  const { attributes, messages, meta } = node
  const label = meta.label ? messageOf(meta.label) : attributes.name
  if (node.type === 'img') return <img class="code" src={attributes.src} alt={label} />
  if (node.type === 'text') return <SecretText label={label} text={attributes.text?.text ?? ''} />
  // Passkeys and what else needs a script of Kratos' own.
  if (node.type !== 'input' || attributes.type === 'button') return null
  const { name, value, type } = attributes
  if (type === 'hidden') return <input type="hidden" name={name} value={value} />
  if (type === 'submit')
    return (
      // Only what is sent needs the fields: a code can be asked for anew without the old one.
      <button type="submit" name={name} value={value} formNoValidate={name !== 'method'} disabled={busy || attributes.disabled}>
        {label}
      </button>
    )
  return (
    <label>
      {label}
      <Input node={node} />
      <Messages messages={messages} />
    </label>
  )
}

function Input({ node }: { node: FlowNode }) {
  const { name, value, type, required, disabled, autocomplete, maxlength } = node.attributes
  const choices = CHOICES[name ?? '']
  if (choices)
    return (
      <select name={name}>
        {choices.map(([each, label]) => <option key={each} value={each} selected={each === value}>{label}</option>)}
      </select>
    )
  return (
    <input
      name={name}
      type={type as 'text'}
      defaultValue={value}
      required={required}
      disabled={disabled}
        autocomplete={(autocomplete ?? completionOf(name)) as 'on'}
      maxLength={maxlength}
      placeholder=" "
      aria-invalid={node.messages.some(({ type }) => type === 'error')}
    />
  )
}

/** What a password manager fills in; Kratos says it of passwords and addresses alone. */
function completionOf(name: string | undefined): string | undefined {
  if (name === 'identifier') return 'username'
  return name?.includes('code') ? 'one-time-code' : undefined
}

function SecretText({ label, text }: { label: string | undefined; text: string }) {
  return (
    <div class="secret">
      <p class="hint">{label}</p>
      {text.split(', ').map(line => <p key={line}><code>{line}</code></p>)}
    </div>
  )
}

export function Messages({ messages }: { messages: Message[] }) {
  return (
    <>
      {messages.map(each => [each.id, each.type, messageOf(each)] as const).map(([id, type, message]) =>
        type === 'error'
          ? <p key={id} class="wrong" role="alert">▲ {message}</p>
          : <p key={id} role="status">{message}</p>,
      )}
    </>
  )
}

/** Kratos speaks English alone; its numbers stand for its sentences. */
function messageOf({ id, text }: Message): string {
  return texts.access.kratos[id] ?? text
}
