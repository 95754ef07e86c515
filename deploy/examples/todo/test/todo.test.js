import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { kit, openPlaces, folder } from './places.js'
import { usersExpected, usersQueries, visitorsExpected, visitorsQueries } from './queries.js'
import { openBrowser, tell } from './story.js'

let places, plain, proxy
before(async () => {
  places = [plain, proxy] = await openPlaces()
})

test('the migrations are what the schema says', async () => {
  const list = () => readdir(new URL('migrations', folder))
  const committed = await list()
  assert.match(await kit('generate'), /No schema changes/)
  assert.deepEqual(await list(), committed)
})

test('users see and change their own todos', async () => {
  for (const place of places) assert.deepEqual(await usersQueries(place), usersExpected, place.name)
})

test('a visitor sees what is granted to anonymous, and nothing else', async () => {
  for (const place of places) assert.deepEqual(await visitorsQueries(place), visitorsExpected, place.name)
  // The route says the role, not the token: a user's own opens no more there.
  const { name, password } = await proxy.credentials('alice')
  const alice = Object.assign(new URL(proxy.visitorsURL), { username: name, password }).href
  assert.deepEqual(await visitorsQueries(proxy, alice), visitorsExpected)
})

test('the app is the same in both places', async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  const screenshot = ({ name }) => new URL(`${name.replaceAll(' ', '-')}.png`, folder).pathname
  const [there, here] = await Promise.all(places.map((place) => tell(browser, place, screenshot(place))))
  assert.deepEqual(here, there)
  t.diagnostic(`${here.length} pages are the same`)
})
