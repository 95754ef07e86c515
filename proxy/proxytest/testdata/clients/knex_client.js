// knex: a query builder whose statements are parameterised, and whose pool asks as it connects. Prints what it sees; the outputs of
// both servers are compared.
'use strict'
const knex = require('knex')

const show = (title, r) => console.log(title, JSON.stringify(r && r.command ? [r.command, r.rowCount, r.rows] : r))
const fails = async (title, query) => {
  try {
    show(title + ' did not fail', await query)
  } catch (e) {
    console.log(title, e.code, e.message, e.detail, e.position, e.constraint)
  }
}

async function main () {
  const db = knex({ client: 'pg', connection: {}, searchPath: ['knex', 'public'], pool: { min: 0, max: 2 } })
  show('raw', await db.raw('select ?::int as a, ? as b', [1, 'x']))
  show('in the search path', await db('parent').where({ id: 2 }))
  show('insert', await db('t').insert([{ id: 1, name: 'one' }, { id: 2, name: null }]).returning('*'))
  show('insert, no rows', await db('t').insert({ id: 3, name: 'three' }))
  show('conflict', await db('t').insert({ id: 1, name: 'uno' }).onConflict('id').merge().returning(['id', 'name']))
  show('update', await db('t').where('id', '>', 1).update({ name: 'same' }))
  show('select', await db('t').select('id', 'name').orderBy('id').limit(2).offset(1))
  show('first', await db('t').where({ id: 1 }).first())
  show('join', await db('parent as p').leftJoin('child as c', 'c.parent_id', 'p.id').count('c.id as n').groupBy('p.id').orderBy('p.id'))
  show('column info', await db('child').columnInfo())
  show('has table', [await db.schema.hasTable('parent'), await db.schema.hasTable('nope')])
  await db.schema.createTable('made', table => {
    table.increments('id')
    table.string('name', 20).notNullable().index()
    table.jsonb('doc')
    table.timestamp('at').defaultTo('2026-01-02 03:04:05+00')
  })
  show('made', await db('made').insert({ name: 'm', doc: { a: [1] } }).returning('*'))
  show('json', await db('made').whereJsonPath('doc', '$.a[0]', '=', 1).pluck('name'))
  show('delete', await db('t').where({ id: 3 }).del())
  await fails('unique', db('t').insert({ id: 1 }))
  await fails('table', db('nope').where({ id: 1 }))
  await fails('too long', db('made').insert({ name: 'x'.repeat(21) }))
  show('side by side', await Promise.all([1, 2, 3, 4].map(n => db.raw('select ?::int as n', [n]).then(r => r.rows[0].n))))
  await db.destroy()
  console.log('end')
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
