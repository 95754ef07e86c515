import { asc, count, eq, sql } from 'drizzle-orm'

import { connect } from '../database.js'
import { announcements, todos } from '../schema.js'

// outcome is what a query gave, or the code and message of Postgres' error.
async function outcome(query) {
  try {
    const result = await query
    return Array.isArray(result) || typeof result !== 'object' ? result : result.rowCount ?? result
  } catch (error) {
    return `${error.cause.code} ${error.cause.message}`
  }
}

// usersQueries runs what two users ask of the table of todos and returns what came of it. No query says whose rows it means.
export async function usersQueries(place) {
  const alice = connect(place.usersURL, await place.credentials('alice'))
  const bob = connect(place.usersURL, await place.credentials('bob'))
  const got = {}
  try {
    const added = await alice.insert(todos).values([{ task: "water Bob's plants" }, { task: 'rent; call' }]).returning()
    const [first, second] = added.map(({ id }) => id)
    got.added = added.map(({ id, ...row }) => row)
    got.updated = await outcome(alice.update(todos).set({ done: true }).where(eq(todos.id, first)).returning({ task: todos.task, done: todos.done }))
    got.grouped = await outcome(alice.select({ done: todos.done, n: count() }).from(todos).groupBy(todos.done).orderBy(asc(todos.done)))
    got.relational = await outcome(alice.query.todos.findMany({ columns: { task: true }, where: eq(todos.done, false) }))
    got.counted = await outcome(alice.$count(todos))
    const byId = alice.select({ task: todos.task }).from(todos).where(eq(todos.id, sql.placeholder('id'))).prepare('by_id')
    got.prepared = [await byId.execute({ id: first }), await byId.execute({ id: second })].flat()

    got.bobSees = await outcome(bob.select().from(todos))
    got.bobUpdates = await outcome(bob.update(todos).set({ task: 'mine' }).where(eq(todos.id, first)))
    got.bobDeletes = await outcome(bob.delete(todos))
    got.bobWritesAsAlice = await outcome(bob.insert(todos).values({ task: 'trust Bob', userId: 'alice' }))
    got.aliceGivesAway = await outcome(alice.update(todos).set({ userId: 'bob' }).where(eq(todos.id, first)))
    got.noTask = await outcome(bob.insert(todos).values({ task: '' }))
    got.announces = await outcome(bob.insert(announcements).values({ body: 'Party', published: true }))
    got.reads = await outcome(bob.select({ body: announcements.body }).from(announcements))
    got.cleared = await outcome(alice.delete(todos))
  } finally {
    await Promise.all([alice.$client.end(), bob.$client.end()])
  }
  return got
}

export const usersExpected = {
  added: [
    { userId: 'alice', task: "water Bob's plants", done: false },
    { userId: 'alice', task: 'rent; call', done: false },
  ],
  updated: [{ task: "water Bob's plants", done: true }],
  grouped: [{ done: false, n: 1 }, { done: true, n: 1 }],
  relational: [{ task: 'rent; call' }],
  counted: 2,
  prepared: [{ task: "water Bob's plants" }, { task: 'rent; call' }],
  bobSees: [],
  bobUpdates: 0,
  bobDeletes: 0,
  bobWritesAsAlice: '42501 new row violates row-level security policy for table "todos"',
  aliceGivesAway: '42501 new row violates row-level security policy for table "todos"',
  noTask: '23514 new row for relation "todos" violates check constraint "task_length"',
  announces: '42501 permission denied for table announcements',
  reads: [{ body: 'The office is closed on Friday' }],
  cleared: 2,
}

// visitorsQueries finds out what a visitor reaches: url is a visitor's. Every table that there is, is asked for.
export async function visitorsQueries(place, url = place.visitorsURL) {
  const owner = connect(place.ownerURL)
  const visitor = connect(url)
  const got = { readable: [], refusals: new Set() }
  try {
    const tables = await owner.execute(sql`SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1`)
    got.todosIsThere = tables.rows.some(({ name }) => name === 'todos')
    for (const { name } of tables.rows) {
      const answer = await outcome(visitor.execute(sql.raw(`SELECT * FROM ${name}`)))
      typeof answer === 'string' ? got.refusals.add(answer.slice(0, 5)) : got.readable.push(name)
    }
    got.refusals = [...got.refusals]
    got.announcements = await outcome(visitor.select({ body: announcements.body }).from(announcements))
    got.todos = await outcome(visitor.select().from(todos))
    got.adds = await outcome(visitor.insert(todos).values({ task: 'hello' }))
    got.announces = await outcome(visitor.insert(announcements).values({ body: 'hello', published: true }))
    got.publishes = await outcome(visitor.update(announcements).set({ published: true }))
    got.removes = await outcome(visitor.delete(announcements))
    got.ownerKeeps = await outcome(owner.$count(announcements))
  } finally {
    await Promise.all([owner.$client.end(), visitor.$client.end()])
  }
  return got
}

export const visitorsExpected = {
  readable: ['announcements'],
  refusals: ['42501'],
  todosIsThere: true,
  announcements: [{ body: 'The office is closed on Friday' }],
  todos: '42501 permission denied for table todos',
  adds: '42501 permission denied for table todos',
  announces: '42501 permission denied for table announcements',
  publishes: '42501 permission denied for table announcements',
  removes: '42501 permission denied for table announcements',
  ownerKeeps: 2,
}
