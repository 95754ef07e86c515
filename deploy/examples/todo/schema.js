// The tables, and who may see and change which rows of them. drizzle-kit makes the migrations from this file (npm run generate).
// Which tables a role reaches at all is said by grants, which Drizzle does not know: they stand in migrations/0001_grants.sql.
import { sql } from 'drizzle-orm'
import { anonymousRole, authenticatedRole, authUid, crudPolicy } from 'drizzle-orm/neon'
import { bigint, boolean, check, pgTable, text } from 'drizzle-orm/pg-core'

// Everybody sees and changes their own todos, and nobody else's.
export const todos = pgTable('todos', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  userId: text('user_id').notNull().default(sql`auth.user_id()`),
  task: text().notNull(),
  done: boolean().notNull().default(false),
}, (table) => [
  check('task_length', sql`char_length(${table.task}) BETWEEN 1 AND 200`),
  crudPolicy({ role: authenticatedRole, read: authUid(table.userId), modify: authUid(table.userId) }),
])

// Announcements are for everybody, signed in or not, once they are published. The owner alone writes them.
export const announcements = pgTable('announcements', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  body: text().notNull(),
  published: boolean().notNull().default(false),
}, (table) => [
  crudPolicy({ role: [anonymousRole, authenticatedRole], read: sql`${table.published}`, modify: null }),
])
