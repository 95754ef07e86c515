// What postgres.js cannot do through the proxy. The answers stand in postgres_js_refused.expected.
'use strict'
const fs = require('fs')
const postgres = require('postgres')

async function main () {
  const sql = postgres({ ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' }, max: 1, onnotice: () => {} })
  const refused = async (title, work) => {
    try {
      console.log(title, 'did not fail', JSON.stringify(await work()))
    } catch (e) {
      console.log(title, e.code, e.message, '|', e.hint)
    }
    console.log('  well', (await sql`select ${'again'}::text as well`)[0].well)
  }
  await refused('begin', () => sql.begin(sql => sql`select 1`))
  await refused('a cursor', () => sql`select g from generate_series(1, 10) g`.cursor(3, () => {}))
  await refused('COPY', async () => (await sql`copy postgres_js.t to stdout`.readable()).read())
  await refused('listen', () => sql.listen('somebody', () => {}))
  await sql.end({ timeout: 1 })
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
}).then(() => process.exit(0))
