import { fileURLToPath } from 'node:url'

import { asc, eq } from 'drizzle-orm'
import express from 'express'

import { codeOf, connect, refusesLogin } from './database.js'
import * as pages from './pages.js'
import { announcements, todos } from './schema.js'
import { Sessions } from './sessions.js'

const cookieName = 'session'

// createApp returns the app and how to end what it opened. usersURL is the database for those who are signed in, each with a name
// and password of their own; visitorsURL, complete with name and password, is for all others. No query below says whose rows it
// means: the database's policies do.
export function createApp({ usersURL, visitorsURL }) {
  const sessions = new Sessions(usersURL)
  const visitors = connect(visitorsURL)
  const app = express()
  app.disable('x-powered-by')
  app.use((request, response, next) => {
    response.set({
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    })
    request.session = sessions.get(cookieOf(request))
    next()
  })
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))
  app.use(express.urlencoded({ extended: false, limit: '64kb' }))

  async function welcome(response, status, message) {
    const rows = await visitors.select().from(announcements).orderBy(asc(announcements.id))
    response.status(status).send(pages.welcome({ announcements: rows, message }))
  }

  app.get('/', async ({ session }, response) => {
    if (!session) return welcome(response, 200)
    const rows = await session.db.select().from(todos).orderBy(asc(todos.id))
    response.send(pages.list({ user: session.user, todos: rows }))
  })

  app.post('/sign-in', async (request, response) => {
    let id
    try {
      id = await sessions.open({ name: field(request, 'name'), password: field(request, 'password') })
    } catch (error) {
      if (!refusesLogin(error)) throw error
      return welcome(response, 401, 'The database does not accept this name and password.')
    }
    if (request.session) await sessions.close(request.session.id)
    response.cookie(cookieName, id, { httpOnly: true, sameSite: 'strict' }).redirect(303, '/')
  })

  app.use(async (request, response, next) => {
    if (!request.session) return welcome(response, 401, 'Sign in first.')
    next()
  })

  app.post('/sign-out', async ({ session }, response) => {
    await sessions.close(session.id)
    response.clearCookie(cookieName).redirect(303, '/')
  })

  app.post('/todos', async (request, response) => {
    const task = field(request, 'task').trim()
    if (task === '' || [...task].length > 200) return response.status(400).send(pages.failure('A todo has 1 to 200 characters.'))
    await request.session.db.insert(todos).values({ task })
    response.redirect(303, '/')
  })

  app.param('id', (request, response, next, id) => next(/^[0-9]{1,15}$/.test(id) ? undefined : 'route'))

  // A todo of another user is not there: the policies hide it, and no row is changed.
  app.post('/todos/:id/complete', async ({ session, params }, response, next) => {
    const changed = await session.db.update(todos).set({ done: true }).where(eq(todos.id, params.id))
    changed.rowCount === 1 ? response.redirect(303, '/') : next()
  })

  app.post('/todos/:id/delete', async ({ session, params }, response, next) => {
    const removed = await session.db.delete(todos).where(eq(todos.id, params.id))
    removed.rowCount === 1 ? response.redirect(303, '/') : next()
  })

  app.use((request, response) => {
    response.status(404).send(pages.failure('There is no such page.'))
  })

  app.use(async (error, request, response, next) => {
    if (response.headersSent) return next(error)
    if (request.session && refusesLogin(error)) {
      await sessions.close(request.session.id)
      response.clearCookie(cookieName)
      return welcome(response, 401, 'Your session has ended. Sign in again.')
    }
    const code = codeOf(error)
    const status = error.status ?? (/^2[23]...$/.test(code) ? 400 : 500) // 22, 23: what was sent cannot be stored
    if (status < 500) return response.status(status).send(pages.failure('This cannot be processed.'))
    // Never the error itself: it has the statement and its parameters in it.
    console.error(`${request.method} ${request.path}: ${code ?? error.name}`)
    response.status(status).send(pages.failure('That did not work. Try again in a moment.'))
  })

  const close = () => Promise.all([sessions.closeAll(), visitors.$client.end()])
  return { app, close }
}

const field = (request, name) => String(request.body?.[name] ?? '')

const cookieOf = (request) =>
  request.headers.cookie?.split(/; */).find((text) => text.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
