import { IconArrowLeft, IconArrowRight, IconArrowsLeftRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { formatWord } from '#console/format.ts'
import { directions } from '#console/pages/connections/connection-words.ts'
import type { Mapping, Preview, VendorField } from '#console/pages/connections/mapping.queries.ts'
import { policies } from '#console/pages/conflicts/policy-words.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Connections.module.css'

const arrows = { pull: IconArrowLeft, push: IconArrowRight, both: IconArrowsLeftRight }

/** Two columns: a field here and its field there, with the type and a value of each, and what rules in between. */
export function MappingTable({
  name,
  mappings,
  vendorFields,
  samples,
}: {
  /** Of the connection. */
  name: string
  mappings: readonly Mapping[]
  vendorFields: readonly VendorField[]
  samples: Preview['records']
}) {
  const fieldOf = new Map(vendorFields.map((one) => [one.name, one]))
  return (
    <Panel
      title="Mapped fields"
      hint="A value of each stands below it, from a record that both sides have."
      flush
    >
      <Table
        caption="Fields of the hub and of the CRM, mapped"
        rows={mappings}
        columns={columnsOf(name, fieldOf, samples)}
        rowKey={({ field }) => field}
        empty={
          <EmptyState title="Nothing is mapped yet">
            Map a field of {name} below: the hub keeps it as a custom field.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsOf(
  name: string,
  fieldOf: ReadonlyMap<string, VendorField>,
  samples: Preview['records'],
): Column<Mapping>[] {
  return [
    {
      title: 'Hub',
      isHeader: true,
      cell: (mapping) => (
        <span className={classes.cell}>
          <Link
            from="/connections/$connectionId/streams/$stream"
            search={{ field: mapping.field }}
            resetScroll={false}
            className="tl-link"
            data-row-link
          >
            {mapping.label}
          </Link>
          <span className={classes.soft}>
            <span className={classes.name}>{mapping.field}</span> · {formatWord(mapping.type)}
          </span>
          <Sample value={sampleOf(samples, mapping.field, 'hub')} />
        </span>
      ),
    },
    { title: 'Direction', cell: ({ direction }) => <Arrow direction={direction} /> },
    {
      title: name,
      cell: (mapping) => (
        <span className={classes.cell}>
          <span>{labelsOf(mapping, fieldOf)}</span>
          <span className={classes.soft}>
            <span className={classes.name}>{mapping.properties.join(', ') || '—'}</span>
            {typesOf(mapping, fieldOf)}
          </span>
          <Sample value={sampleOf(samples, mapping.field, 'crm')} />
        </span>
      ),
    },
    {
      title: 'When both changed it',
      cell: ({ policy, policyText }) => (
        <span title={policyText}>{policies[policy] ?? policy}</span>
      ),
    },
    { title: 'Kind', cell: (mapping) => <Kind mapping={mapping} /> },
  ]
}

function Arrow({ direction }: { direction: Mapping['direction'] }) {
  const Icon = arrows[direction]
  return (
    <span className={classes.arrow}>
      <Icon size={15} stroke={1.8} aria-hidden /> {directions[direction]}
    </span>
  )
}

function Kind({
  mapping: { isCustom, isCritical, isComputed, policy, version },
}: {
  mapping: Mapping
}) {
  return (
    <span className={classes.badges}>
      {policy === 'off' && <Badge tone="warn">Not synced</Badge>}
      {isCustom && <Badge tone="info">Custom field</Badge>}
      {isComputed && (
        <Badge tone="plain" title="The hub computes it: it is only sent">
          Computed
        </Badge>
      )}
      {isCritical && (
        <Badge tone="plain" title="When both sides changed it a person decides, whatever is set">
          Critical
        </Badge>
      )}
      {version > 0 && !isCustom && (
        <Badge tone="plain" title="The workspace changed the rule that the connector brings">
          Own rule
        </Badge>
      )}
    </span>
  )
}

function Sample({ value }: { value: ShownValue | undefined }) {
  if (value === undefined) return null
  return (
    <span className={classes.sample}>
      <FieldValue value={value} />
    </span>
  )
}

/** The first value that is not blank; undefined when no record was read. */
function sampleOf(
  samples: Preview['records'],
  field: string,
  side: 'hub' | 'crm',
): ShownValue | undefined {
  const values = samples.flatMap(({ fields }) => {
    const found = fields.find((one) => one.field === field)
    return found ? [found[side]] : []
  })
  return values.find((value) => value !== null && value !== '') ?? values[0]
}

function labelsOf({ properties }: Mapping, fieldOf: ReadonlyMap<string, VendorField>): string {
  return properties.map((property) => fieldOf.get(property)?.label ?? property).join(', ')
}

function typesOf({ properties }: Mapping, fieldOf: ReadonlyMap<string, VendorField>): string {
  const types = properties.flatMap((property) => fieldOf.get(property)?.type ?? [])
  return types.length === 0 ? '' : ` · ${[...new Set(types)].map(formatWord).join(', ')}`
}
