// What node-postgres cannot do through the proxy. The answers stand in node_pg_refused.expected.
'use strict'
const { Client, Query } = require('pg')

async function main () {
  const client = new Client()
  await client.connect()
  const refused = async (title, ...args) => {
    try {
      const r = await client.query(...args)
      console.log(title, 'did not fail', JSON.stringify(r.rows))
    } catch (e) {
      console.log(title, e.code, e.message, '|', e.hint)
    }
    const r = await client.query('select $1::text as well', ['again'])
    console.log('  well', r.rows[0].well)
  }
  await refused('a Buffer', 'select $1::bytea', [Buffer.from([0, 1])])
  await refused('binary results', { text: 'select 1 as a, $1::text as b', values: ['x'], binary: true })
  await refused('a block', 'begin')
  await refused('a cursor', 'declare c cursor for select 1')
  await refused('COPY', 'copy node_pg.t to stdout')
  await refused('LISTEN', 'listen somebody')
  await refused('a session lock', 'select pg_advisory_lock($1)', [1])
  await new Promise(resolve => {
    const q = new Query({ text: 'select g from generate_series(1, 10) g', rows: 3, values: [] })
    q.on('error', e => { console.log('rows at a time', e.code, e.message, '|', e.hint); resolve() })
    q.on('end', () => { console.log('rows at a time did not fail'); resolve() })
    client.query(q)
  })
  await client.end()
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
