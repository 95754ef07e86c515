// The two places where the example runs: a plain Postgres, where every user is a role with a password, and behind pgturnstile, where
// the password is the user's token. Both are databases of the server that "pgturnstile dev --empty --route visitors=anonymous"
// started; they differ in their URLs and in whose password is what.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

import pg from 'pg'

import { connect } from '../database.js'
import { announcements } from '../schema.js'

const run = promisify(execFile)

// What run.sh tells: the superuser's URL, the proxy's, and the command that prints a token.
const { ADMIN_URL, PROXY_URL, PGTURNSTILE_BINARY, READY_FILE } = process.env

export const folder = new URL('..', import.meta.url)
const users = ['alice', 'bob', 'carol']
const drizzleKit = new URL('node_modules/.bin/drizzle-kit', folder).pathname

// kit runs drizzle-kit and returns what it printed.
export async function kit(command, databaseURL = '') {
  const { stdout } = await run(drizzleKit, [command], { cwd: folder, env: { ...process.env, DATABASE_URL: databaseURL } })
  return stdout
}

async function admin(database, ...statements) {
  const client = new pg.Client(inDatabase(ADMIN_URL, database))
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

function inDatabase(url, database, user, password) {
  const target = new URL(url)
  target.pathname = database
  if (user) Object.assign(target, { username: user, password })
  return target.href
}

function withoutCredentials(url) {
  return Object.assign(new URL(url), { username: '', password: '' }).href
}

async function token(user, expires = '1h') {
  const { stdout } = await run(PGTURNSTILE_BINARY, ['dev', 'token', `--ready-file=${READY_FILE}`, `--user=${user}`, `--expires=${expires}`])
  return stdout.trim()
}

// openPlaces makes the databases, with the owner's migrations in them, and returns both. A place has
// - ownerURL, usersURL, visitorsURL: the owner's and the visitors' with credentials in them
// - credentials(user, expires): name and password of one of the users; what expires does so after that long
// - refused(user): a name and password that are not accepted
// - retire(user): what credentials(user, '8s') gave counts no more, soon if not at once
export async function openPlaces() {
  const neonDatabase = new URL(ADMIN_URL).pathname.slice(1)
  const passwords = Object.fromEntries(['owner', 'website', ...users].map((name) => [name, randomBytes(16).toString('hex')]))
  await admin(neonDatabase,
    // In this server the password of a member of needs_password counts.
    'CREATE ROLE needs_password',
    `CREATE ROLE owner LOGIN PASSWORD '${passwords.owner}' IN ROLE needs_password`,
    `ALTER DATABASE ${neonDatabase} OWNER TO owner`,
    'GRANT USAGE ON SCHEMA auth TO owner',
    'CREATE DATABASE plain OWNER owner')
  await run('psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${new URL('plain-postgres.sql', folder).pathname}`,
    inDatabase(ADMIN_URL, 'plain')])
  await admin('plain',
    ...users.map((name) => `CREATE ROLE ${name} LOGIN PASSWORD '${passwords[name]}' IN ROLE authenticated, needs_password`),
    `CREATE ROLE website LOGIN PASSWORD '${passwords.website}' IN ROLE anonymous, needs_password`)

  const plain = {
    name: 'plain Postgres',
    ownerURL: inDatabase(ADMIN_URL, 'plain', 'owner', passwords.owner),
    usersURL: withoutCredentials(inDatabase(ADMIN_URL, 'plain')),
    visitorsURL: inDatabase(ADMIN_URL, 'plain', 'website', passwords.website),
    credentials: async (name) => ({ name, password: passwords[name] }),
    refused: async (name) => ({ name, password: 'a guess' }),
    retire: (name) => admin('plain', `ALTER ROLE ${name} PASSWORD NULL`, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`),
  }
  const proxy = {
    name: 'pgturnstile',
    ownerURL: inDatabase(ADMIN_URL, neonDatabase, 'owner', passwords.owner),
    usersURL: PROXY_URL,
    visitorsURL: inDatabase(PROXY_URL, 'visitors', 'website', await token('website')),
    credentials: async (name, expires) => ({ name, password: await token(name, expires) }),
    refused: async (name) => ({ name, password: await token(name, '-1h') }),
    retire: async () => {}, // the token expires
  }
  for (const place of [plain, proxy]) {
    await kit('migrate', place.ownerURL)
    const owner = connect(place.ownerURL)
    await owner.insert(announcements).values([{ body: 'The office is closed on Friday', published: true }, { body: 'A draft' }])
    await owner.$client.end()
  }
  return [plain, proxy]
}
