// Drizzle on node-postgres and on postgres.js: its queries, prepared statements and relations. Prints what it sees; the outputs of both
// servers are compared.
'use strict'
const fs = require('fs')
const { Pool } = require('pg')
const postgres = require('postgres')
const onNodePostgres = require('drizzle-orm/node-postgres')
const onPostgresJS = require('drizzle-orm/postgres-js')
const { pgSchema, integer, numeric, serial, text } = require('drizzle-orm/pg-core')
const { eq, gt, sql, relations, count } = require('drizzle-orm')

const schema = pgSchema('drizzle')
const mood = schema.enum('mood', ['sad', 'happy'])
const parent = schema.table('parent', { id: integer('id').primaryKey(), name: text('name').notNull() })
const child = schema.table('child', {
  id: serial('id').primaryKey(),
  parentId: integer('parent_id').references(() => parent.id),
  n: numeric('n', { precision: 10, scale: 2 }),
  tags: text('tags').array()
})
const parentRelations = relations(parent, ({ many }) => ({ children: many(child) }))
const childRelations = relations(child, ({ one }) => ({ parent: one(parent, { fields: [child.parentId], references: [parent.id] }) }))
const feelings = schema.table('feelings', { id: serial('id').primaryKey(), mood: mood('mood') })

const show = (title, r) => console.log(title, JSON.stringify(r && r.command ? [r.command, r.rowCount, r.rows] : r))
const fails = async (title, query) => {
  try {
    show(title + ' did not fail', await query)
  } catch (e) {
    const c = e.cause ?? e
    console.log(title, c.code, c.message, c.detail, c.position, c.constraint)
  }
}

async function work (db) {
  await db.execute(sql`create table drizzle.feelings (id serial primary key, mood drizzle.mood)`)
  show('raw', await db.execute(sql`select ${1}::int as a, ${'b'} as b`))
  show('select', await db.select().from(parent).where(eq(parent.id, 2)))
  show('insert', await db.insert(child).values([{ parentId: 1, n: '1.50', tags: ['a', 'b"c'] }, { parentId: 2, n: '0' }]).returning())
  show('insert, no rows', await db.insert(child).values({ parentId: 3, n: '7' }))
  show('conflict', await db.insert(parent).values({ id: 1, name: 'uno' }).onConflictDoUpdate({ target: parent.id, set: { name: 'uno' } }).returning())
  show('update', await db.update(child).set({ n: '2' }).where(gt(child.n, '1')).returning({ id: child.id, n: child.n }))
  show('join', await db.select({ name: parent.name, n: child.n }).from(child).innerJoin(parent, eq(child.parentId, parent.id)).orderBy(child.id))
  show('group', await db.select({ parentId: child.parentId, count: count() }).from(child).groupBy(child.parentId).orderBy(child.parentId))
  show('relations', await db.query.parent.findMany({ with: { children: true }, orderBy: parent.id }))
  show('one', await db.query.child.findFirst({ with: { parent: true }, where: eq(child.id, 1) }))
  show('count', await db.$count(child))
  show('enum', await db.insert(feelings).values({ mood: 'happy' }).returning())
  const byID = db.select().from(parent).where(eq(parent.id, sql.placeholder('id'))).prepare('parent_by_id')
  for (const id of [1, 2, 3]) show('prepared', await byID.execute({ id }))
  show('delete', await db.delete(child).where(eq(child.parentId, 3)).returning({ id: child.id }))
  await fails('unique', db.insert(parent).values({ id: 1, name: 'again' }))
  await fails('foreign key', db.insert(child).values({ parentId: 99 }))
  await fails('bad value', db.select().from(parent).where(eq(parent.id, 'x')))
  show('set', await db.execute(sql`set search_path = drizzle`))
  show('in that path', await db.execute(sql`select name from parent where id = ${2}`))
  show('reset', await db.execute(sql`reset search_path`))
  await db.execute(sql`drop table drizzle.feelings`)
  show('clean', [await db.delete(child).returning({ n: child.n }), await db.update(parent).set({ name: 'one' }).where(eq(parent.id, 1)).returning()])
}

async function main () {
  const schema = { parent, child, parentRelations, childRelations }
  const pool = new Pool({ max: 1 })
  await work(onNodePostgres.drizzle(pool, { schema }))
  await pool.end()
  const proxied = process.env.PGSSLMODE !== 'disable'
  const client = postgres({
    max: 1,
    ssl: proxied && { ca: fs.readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' },
    connection: proxied ? {} : { options: process.env.PGOPTIONS }
  })
  await work(onPostgresJS.drizzle(client, { schema }))
  await client.end()
  console.log('end')
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
