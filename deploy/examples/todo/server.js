import { createApp } from './app.js'

const { DATABASE_AUTHENTICATED_URL, DATABASE_ANONYMOUS_URL, PORT = '3000' } = process.env
if (!DATABASE_AUTHENTICATED_URL || !DATABASE_ANONYMOUS_URL) {
  console.error('DATABASE_AUTHENTICATED_URL (for users, without name and password) and DATABASE_ANONYMOUS_URL (complete) are needed')
  process.exit(2)
}

const { app, close } = createApp({ usersURL: DATABASE_AUTHENTICATED_URL, visitorsURL: DATABASE_ANONYMOUS_URL })
const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://127.0.0.1:${server.address().port}`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(async () => {
      await close()
      process.exit(0)
    })
    server.closeAllConnections()
  })
}
