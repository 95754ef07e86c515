import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'

import * as schema from './schema.js'

// connect returns a Drizzle database on a small pool. The URL says which server and database; credentials, where given, whose
// name and password: on Postgres a role's, behind pgturnstile the password is the user's token.
export function connect(url, credentials) {
  const target = new URL(url)
  if (credentials) {
    target.username = encodeURIComponent(credentials.name)
    target.password = encodeURIComponent(credentials.password)
  }
  const pool = new pg.Pool({ connectionString: target.href, max: 2, connectionTimeoutMillis: 10_000 })
  // The server may end a connection that nobody uses, as when a token expires. The pool has let go of it already, and the next
  // query connects anew; without a listener the process would end.
  pool.on('error', () => {})
  return drizzle(pool, { schema })
}

// codeOf returns the SQLSTATE of what a query threw, undefined if Postgres did not answer.
export const codeOf = (error) => (error.cause ?? error).code

// refusesLogin: the server did not take the name and password, or takes the token no more.
export const refusesLogin = (error) => /^28...$/.test(codeOf(error))
