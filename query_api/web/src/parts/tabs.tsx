// A row of choices of which one is taken.

type Props<T extends string> = {
  label: string
  options: readonly T[]
  names: Record<T, string>
  value: T
  onChange: (value: T) => void
}

export function Tabs<T extends string>({ label, options, names, value, onChange }: Props<T>) {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {options.map(option => (
        <button type="button" key={option} aria-pressed={option === value} onClick={() => onChange(option)}>
          {names[option]}
        </button>
      ))}
    </div>
  )
}
