// node-postgres, as its users write it: simple and parameterised queries, named statements, a pool. Prints what it sees; the
// outputs of both servers are compared.
'use strict'
const { Client, Pool } = require('pg')

function show (title, r) {
  for (const one of Array.isArray(r) ? r : [r]) {
    const fields = one.fields.map(f => `${f.name}:${f.dataTypeID}:${f.dataTypeSize}:${f.dataTypeModifier}:${f.format}`)
    console.log(title, one.command, one.rowCount, fields.join(' '), JSON.stringify(one.rows))
  }
}

async function main () {
  const client = new Client({ keepAlive: true })
  client.on('notice', n => console.log('notice', n.message))
  await client.connect()
  console.log('encrypted', Boolean(client.connection.stream.encrypted) === (process.env.PGSSLMODE !== 'disable'))

  const query = async (title, ...args) => show(title, await client.query(...args))
  const fails = async (title, ...args) => {
    try {
      await client.query(...args)
      console.log(title, 'did not fail')
    } catch (e) {
      console.log(title, e.severity, e.code, e.message, e.detail, e.hint, e.position, e.constraint, e.table, e.column, e.where)
    }
  }

  await query('simple', 'select 1 as a, null as b, \'x\' as c')
  await query('several', 'select 1 as a; select 2 as b; insert into node_pg.t values (100, \'s\')')
  await query('empty', '')
  await query('parameters', 'select $1::text as t, $2::int as n, $3::bool as b, $4::float8 as f', ['ä😀\'"\\', 42, true, 1.5])
  await query('null and empty', 'select $1::text as n, $2::text as e', [null, ''])
  await query('undefined is null', 'select $1::text as n', [undefined])
  await query('json', 'select $1::jsonb as j', [{ a: [1, null, 'x'] }])
  await query('array', 'select $1::int[] as i, $2::text[] as t', [[1, 2, null], ['a', 'b"c', null]])
  await query('date', 'select $1::timestamptz as d', [new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))])
  await query('types', 'select 1::int8 as i8, 1.50::numeric as n, \'\\x00ff\'::bytea as b, interval \'1 day\' as i, true as t, point(1,2) as p')
  await query('insert', 'insert into node_pg.t values ($1, $2)', [1, 'one'])
  await query('returning', 'insert into node_pg.t values ($1, $2), ($3, $4) returning id, name', [2, 'two', 3, null])
  await query('update', 'update node_pg.t set name = $2 where id = $1', [3, 'three'])
  await query('no rows', 'select id from node_pg.t where id = $1', [999])
  await query('arrays as rows', { text: 'select id, name from node_pg.t order by id', rowMode: 'array' })
  for (const id of [1, 2, 3]) await query('named', { name: 'by-id', text: 'select name from node_pg.t where id = $1', values: [id] })
  await query('delete', 'delete from node_pg.t where id = $1', [3])
  await query('ddl with parameters list', 'create table node_pg.made (a int)', [])
  await query('block in one query', 'begin; insert into node_pg.t values (50, \'block\'); commit')
  await query('set', 'set application_name = \'node test\'')
  await query('show', 'show application_name')
  await query('own rows', 'insert into todos (task) values ($1) returning user_id, task', ['mine'])
  await query('cleanup', 'delete from todos')

  await fails('syntax', 'selec 1')
  await fails('syntax, extended', 'selec $1', [1])
  await fails('column', 'select \'ä\', nope from node_pg.t')
  await fails('table, extended', 'select * from node_pg.nope where id = $1', [1])
  await fails('bad parameter', 'select $1::int', ['x'])
  await fails('unique', 'insert into node_pg.t values ($1)', [1])
  await fails('division', 'select 1 / $1::int', [0])
  await fails('too few parameters', 'select $1::int, $2::int', [1])
  await fails('named, failing', { name: 'bad', text: 'select * from node_pg.nope', values: [] })
  await fails('rls', 'insert into todos (user_id, task) values ($1, $2)', ['mallory', 'x'])
  await query('well again', 'select 1 as ok')

  const queued = await Promise.all([1, 2, 3].map(n => client.query('select $1::int as n', [n])))
  console.log('queued', JSON.stringify(queued.map(r => r.rows[0].n)))
  const big = await client.query('select g, repeat(\'x\', 1000) as x from generate_series(1, 5000) g')
  console.log('many rows', big.rowCount, big.rows.length, big.rows[4999].g, big.rows[4999].x.length)

  await query('set search_path', 'set search_path = node_pg, public')
  await query('unqualified', 'select name from parent where id = $1', [2])
  await query('named, in the path', { name: 'in-path', text: 'select name from parent where id = $1', values: [1] })
  await query('local path', 'set local search_path = public')
  await query('set for one query', 'set local search_path = pg_catalog; select current_schemas(false)')
  await query('set time zone', "set time zone 'America/New_York'")
  await query('show time zone', 'show time zone')
  await query('in that zone', "select '2026-07-01 12:00+00'::timestamptz::text as t, $1::timestamptz::text as p", [new Date(0)])
  await query('set time zone, interval', "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE")
  await query('in that zone', "select '2026-07-01 12:00+00'::timestamptz::text as t")
  await query('set_config', 'select set_config($1, $2, false)', ['bytea_output', 'escape'])
  await query('escaped', "select '\\x0041'::bytea::text as b")
  await fails('no such zone', "set time zone 'Nowhere'")
  await query('named, again', { name: 'in-path', text: 'select name from parent where id = $1', values: [3] })
  await query('sql prepare', 'prepare sums (int, int) as select $1 + $2 as sum')
  await query('sql execute', 'execute sums(1, 2)')
  await query('sql deallocate', 'deallocate sums')
  await fails('sql execute, gone', 'execute sums(1, 2)')
  await query('reset all', 'reset all')
  await query('after it', 'show search_path')
  await fails('not in the path', 'select name from parent where id = $1', [2])
  await query('discard all', 'discard all')
  await client.end()

  const withOptions = new Client({ options: '-c search_path=node_pg -c statement_timeout=30s', statement_timeout: 20000, application_name: 'options' })
  await withOptions.connect()
  const shown = await withOptions.query('show statement_timeout; show search_path; show application_name')
  console.log('options', JSON.stringify(shown.map(r => r.rows)))
  await withOptions.end()

  const pool = new Pool({ max: 3 })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('select $1::int as n, auth.user_id() as u', [n])))
  console.log('pool', answers.every((r, n) => r.rows[0].n === n), new Set(answers.map(r => r.rows[0].u)).size, answers[0].rows[0].u)
  await pool.end()
  console.log('end')
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
