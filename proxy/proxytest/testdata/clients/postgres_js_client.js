// postgres.js with its defaults: types are fetched, statements are prepared. Prints what it sees; the outputs of both servers are
// compared.
'use strict'
const fs = require('fs')
const postgres = require('postgres')

const proxied = process.env.PGSSLMODE !== 'disable'
const ssl = proxied ? { ca: fs.readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' } : false
const options = proxied ? {} : { connection: { options: process.env.PGOPTIONS } }

const columns = r => r.columns ? r.columns.map(c => `${c.name}:${c.type < 16384 ? c.type : 'own'}:${c.number}`).join(' ') : ''
const show = (title, r) => console.log(title, r.command, r.count, columns(r), JSON.stringify(r))
const fails = async (title, query) => {
  try {
    show(title + ' did not fail', await query)
  } catch (e) {
    console.log(title, e.name, e.severity, e.code, e.message, e.detail, e.hint, e.position, e.constraint_name, e.table_name, e.column_name)
  }
}

async function main () {
  const sql = postgres({ ...options, ssl, max: 1, onnotice: n => console.log('notice', n.severity, n.message), onparameter: (k, v) => k === 'application_name' && console.log(k, v) })
  show('no parameters', await sql`select 1 as a, null as b, 'x' as c`)
  show('parameters', await sql`select ${'ä😀\'"\\'}::text as s, ${42}::int4 as i, ${true}::bool as b, ${1.5}::float8 as f`)
  show('inferred', await sql`select name from postgres_js.parent where id = ${2}`)
  for (const id of [1, 2, 3]) show('again', await sql`select name from postgres_js.parent where id = ${id}`)
  show('null', await sql`select ${null}::text as n, ${''}::text as e`)
  show('json', await sql`select ${sql.json({ a: [1, null, 'x'] })} as j, ${sql.json([1])}::jsonb as k`)
  show('date', await sql`select ${new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))} as d`)
  show('bytes', await sql`select ${Buffer.from([0, 1, 255])}::bytea as b`)
  show('arrays', await sql`select ${[1, 2]}::int[] as i, ${['a', 'b"c']}::text[] as t, ${sql.array(['happy'])}::postgres_js.mood[] as m`)
  show('types', await sql`select 1::int8 as i8, 1.50::numeric as n, '\\x00ff'::bytea as b, interval '1 day' as i, point(1,2) as p, '{happy,sad}'::postgres_js.mood[] as moods`)
  show('insert', await sql`insert into postgres_js.t ${sql([{ id: 1, name: 'one' }, { id: 2, name: 'two' }])}`)
  show('returning', await sql`insert into postgres_js.t ${sql({ id: 3, name: null })} returning *`)
  show('update', await sql`update postgres_js.t set ${sql({ name: 'three' }, 'name')} where id = ${3} returning id, name`)
  show('in', await sql`select * from postgres_js.t where id in ${sql([1, 3])} order by id`)
  show('identifiers', await sql`select ${sql('id')}, ${sql(['name'])} from ${sql('postgres_js.t')} order by ${sql('id')}`)
  show('fragments', await sql`select * from postgres_js.t where true ${sql`and id = ${2}`}`)
  show('values', await sql`select id, name from postgres_js.t order by id`.values())
  show('raw', (await sql`select id, name from postgres_js.t order by id`.raw()).map(r => r.map(b => b && b.toString())))
  show('no rows', await sql`select id from postgres_js.t where id = ${999}`)
  show('delete', await sql`delete from postgres_js.t where id = ${3}`)
  show('ddl', await sql`create table postgres_js.made (a int)`)
  show('unsafe', await sql.unsafe('select $1::int as n', [7]))
  show('unsafe, prepared', await sql.unsafe('select $1::int as n', [8], { prepare: true }))
  const several = await sql.unsafe('select 1 as a; select 2 as b; insert into postgres_js.t values (9, \'s\')')
  several.forEach(r => show('several', r))
  show('simple', await sql`select 1 as one; select 2 as two`.simple())
  const described = await sql`select id, name, ${1}::int4 as n from postgres_js.t where name = ${'x'}`.describe()
  console.log('described', described.types, columns(described))
  console.log('pipelined', JSON.stringify(await Promise.all([1, 2, 3, 4, 5].map(n => sql`select ${n}::int as n`.then(r => r[0].n)))))
  const big = await sql`select g, repeat('x', 1000) as x from generate_series(1, ${5000}::int) g`
  console.log('many rows', big.count, big.length, big[4999].g, big[4999].x.length)
  let rows = 0
  await sql`select g from generate_series(1, 100) g`.forEach(() => rows++)
  console.log('for each', rows)

  await fails('syntax', sql`selec 1`)
  await fails('syntax, with a parameter', sql`selec ${1}`)
  await fails('column', sql`select 'ä', nope from postgres_js.t where id = ${1}`)
  await fails('table', sql`select * from postgres_js.nope where id = ${1}`)
  await fails('bad parameter', sql`select ${'x'}::int`)
  await fails('unique', sql`insert into postgres_js.t values (${1})`)
  await fails('division', sql`select 1 / ${0}::int`)
  await fails('rls', sql`insert into todos (user_id, task) values (${'mallory'}, 'x')`)
  await fails('undefined', sql`select ${undefined}::int`)
  show('well again', await sql`select ${'ok'} as ok`)

  show('set', await sql`set search_path = postgres_js`)
  show('in that path', await sql`select name from parent where id = ${1}`)
  show('zone', await sql`set time zone 'Asia/Tokyo'`)
  show('in that zone', await sql`select '2026-07-01 12:00+00'::timestamptz::text as t`)
  show('config', await sql`select set_config('statement_timeout', ${'5s'}, false)`)
  show('show', await sql`show statement_timeout`)
  show('own row', await sql`insert into public.todos ${sql({ task: 'mine' })} returning user_id, task`)
  show('cleanup', await sql`delete from public.todos`)
  await sql.end()

  const plain = postgres({ ...options, ssl, max: 2, prepare: false, fetch_types: false })
  show('unprepared', await plain`select ${1}::int as a, ${'b'} as b`)
  console.log('pool', JSON.stringify(await Promise.all([1, 2, 3, 4].map(n => plain`select ${n}::int as n, auth.user_id() as u`.then(r => r[0])))))
  await plain.end()

  const withSettings = postgres({ ...options, ssl, max: 1, connection: { ...options.connection, search_path: 'postgres_js', application_name: 'x', statement_timeout: 20000 } })
  show('settings at startup', await withSettings`select name, current_setting('statement_timeout') as t from parent where id = ${3}`)
  await withSettings.end()
  console.log('end')
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
