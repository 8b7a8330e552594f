import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { z } from 'zod'
import { listOwnerIds } from './owner.store.ts'
import { routingOf } from './progress.ts'
import {
  PublishedRouting,
  RoutingRules,
  RoutingTrial,
  RoutingTrialResult,
} from './routing.schema.ts'
import { routingFaults } from './routing-faults.rules.ts'
import { findRouting, insertRouting, listRoutedOwners } from './routing.store.ts'
import { tryRouting } from './routing-trial.rules.ts'
import { listRecentRouted } from './lead-list.store.ts'

export const getRouting = defineOperation({
  id: 'getRouting',
  method: 'GET',
  path: '/api/v1/routing',
  scope: 'leads:read',
  tag: 'Routing',
  summary: 'The routing rules in force',
  version: ({ version }) => version,
  input: z.object({}),
  output: PublishedRouting,
  perform: (_input, { tx }) => readRouting(tx),
})

async function readRouting(tx: Transaction): Promise<z.output<typeof PublishedRouting>> {
  const row = await findRouting(tx)
  const { version, rules } = routingOf({ routing: row })
  return {
    ...rules,
    version,
    publishedAt: row?.publishedAt ?? null,
    publishedBy: row?.publishedBy ?? null,
  }
}

export const publishRouting = defineOperation({
  id: 'publishRouting',
  method: 'PUT',
  path: '/api/v1/routing',
  scope: 'routing:write',
  tag: 'Routing',
  summary: 'Publish routing rules',
  description:
    'They hold for leads from now on, and for those that wait for an owner; owned leads stay where they are.',
  event: 'routing.published',
  subject: ({ version }) => `routing_${version}`,
  version: ({ version }) => version,
  input: RoutingRules,
  output: PublishedRouting,
  async perform(rules, { tx, principal, now, expectedVersion }) {
    await refuseFaults(tx, rules)
    const held = await findRouting(tx)
    refuseOldVersion(expectedVersion, held?.version ?? 0)
    const version = await insertRouting(tx, rules, principal.id, now)
    return { ...rules, version, publishedAt: now, publishedBy: principal.id }
  },
})

export const simulateRouting = defineOperation({
  id: 'simulateRouting',
  method: 'POST',
  path: '/api/v1/routing/simulate',
  scope: 'leads:read',
  tag: 'Routing',
  summary: 'Try routing rules on recent leads',
  description:
    'Deals the most recent leads out under the given rules, or the published ones, and tells who would move. A lead stays ' +
    'with its owner where the rule that takes it names that owner. Nothing is changed.',
  status: 200,
  input: RoutingTrial,
  output: RoutingTrialResult,
  async perform({ limit, rules, fallback }, { tx }) {
    const published = await readRouting(tx)
    const draft: RoutingRules = {
      rules: rules ?? published.rules,
      fallback: fallback ?? published.fallback,
    }
    await refuseFaults(tx, draft)
    return tryRouting(await listRecentRouted(tx, limit), draft, await listRoutedOwners(tx))
  },
})

async function refuseFaults(tx: Transaction, rules: RoutingRules): Promise<void> {
  const errors = routingFaults(rules, await listOwnerIds(tx)).slice(0, 50)
  if (errors.length > 0) {
    throw new Problem('routing.rule_invalid', `${errors[0]!.pointer}: ${errors[0]!.detail}`, {
      errors,
    })
  }
}

/** @throws Problem when the caller's If-Match names another version than the one held. */
export function refuseOldVersion(expected: number | null, held: number): void {
  if (expected !== null && expected !== held) {
    throw new Problem(
      'resource.version_mismatch',
      `It is at version ${held} now: read it again and repeat the change.`,
    )
  }
}
