import { randomBytes } from 'node:crypto'

import { connect } from './database.js'

const lifetime = 60 * 60 * 1000 // ms; a Cognito access token lives as long by default
const most = 1000

// Sessions holds who is signed in: the user's id and database, by the secret in the browser's cookie. Passwords and tokens stay in
// the pool that connects with them.
export class Sessions {
  #url
  #byId = new Map()

  constructor(url) {
    this.#url = url
  }

  // open asks the database who it is that has this name and password. It throws the server's error if it refuses them.
  async open(credentials) {
    const db = connect(this.#url, credentials)
    let user
    try {
      user = (await db.execute('SELECT auth.user_id() AS id')).rows[0].id
    } catch (error) {
      await db.$client.end()
      throw error
    }
    if (this.#byId.size === most) await this.close(this.#byId.keys().next().value)
    const id = randomBytes(32).toString('base64url')
    const timer = setTimeout(() => this.close(id), lifetime)
    timer.unref()
    this.#byId.set(id, { id, user, db, timer })
    return id
  }

  get(id) {
    return this.#byId.get(id)
  }

  async close(id) {
    const session = this.#byId.get(id)
    if (!session) return
    this.#byId.delete(id)
    clearTimeout(session.timer)
    await session.db.$client.end()
  }

  closeAll() {
    return Promise.all([...this.#byId.keys()].map((id) => this.close(id)))
  }
}
