import { expect, test } from 'vitest'
import { inTree, placeOf } from '#console/pages/permissions/grant-tree.ts'

const grant = (node: string, effect: 'allow' | 'deny' = 'allow') => ({
  id: 'grt_00000000000000000000000000000000' as const,
  subject: 'role:sales',
  effect,
  scope: 'leads:read',
  node,
  createdAt: new Date(0),
  createdBy: 'usr_0',
})

test('a place says its level and its name', () => {
  expect(placeOf('org')).toEqual({ level: 'Organisation', depth: 0, name: null })
  expect(placeOf('team:emea')).toEqual({ level: 'Team', depth: 2, name: 'emea' })
})

test('rights stand from the organisation down, at one place denials first', () => {
  const mixed = [
    grant('record:lead_1'),
    grant('domain:sales'),
    grant('team:emea'),
    grant('domain:sales', 'deny'),
    grant('org'),
  ]
  expect(inTree(mixed).map(({ node, effect }) => `${node} ${effect}`)).toEqual([
    'org allow',
    'domain:sales deny',
    'domain:sales allow',
    'team:emea allow',
    'record:lead_1 allow',
  ])
})
