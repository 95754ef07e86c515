import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { chromium } from 'playwright-core'

import { folder } from './places.js'

const limit = 15_000 // ms for each thing that is waited for

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync']

// openBrowser starts Chromium without a window and with a fresh profile.
export const openBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args: flags, timeout: 2 * limit })

// startServer runs the app in a process of its own that gets a place's URLs and nothing else.
async function startServer(place) {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: '0', DATABASE_AUTHENTICATED_URL: place.usersURL, DATABASE_ANONYMOUS_URL: place.visitorsURL },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const line = once(createInterface(child.stdout), 'line')
  const [url] = await Promise.race([line, ended.then(([code]) => { throw new Error(`the server ended with ${code}`) })])
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      assert.equal(code, 0, 'exit code of the server')
    },
  }
}

// tell clicks through the app in one place, as a visitor and as users in browsers of their own, and returns every page that they came
// to as [who does what, HTML].
export async function tell(browser, place, screenshot) {
  const server = await startServer(place)
  const seen = []
  const contexts = []

  async function person(name) {
    const context = await browser.newContext({ baseURL: server.url })
    contexts.push(context)
    context.setDefaultTimeout(limit)
    const page = await context.newPage()
    page.on('pageerror', (error) => assert.fail(`${name}: ${error}`))
    const todo = (task) => page.getByRole('listitem').filter({ hasText: task })
    const step = async (what) => seen.push([`${name} ${what}`, await page.content()])
    // leave does what leads to another page, waits until that one is there, and returns its response.
    const leave = async (action) => (await Promise.all([page.waitForNavigation(), action()]))[0]
    const click = (within, button) => leave(() => within.getByRole('button', { name: button, exact: true }).click())
    return {
      page,
      step,
      tasks: () => page.locator('#todos li span').allTextContents(),
      alert: () => page.getByRole('alert').textContent(),
      async signIn({ name: user, password }) {
        await page.goto('/')
        await page.getByLabel('Name').fill(user)
        await page.getByLabel('Password or token').fill(password)
        await click(page, 'Sign in')
        await step('signs in')
      },
      async add(task) {
        await page.getByLabel('What is to be done?').fill(task)
        await click(page, 'Add')
        await step(`adds "${task}"`)
      },
      async complete(task) {
        await click(todo(task), 'Complete')
        await step(`completes "${task}"`)
      },
      async remove(task) {
        await click(todo(task), 'Delete')
        await step(`deletes "${task}"`)
      },
      // forge submits a form that no page of the app shows this user.
      async forge(action) {
        const response = await leave(() => page.evaluate((url) => {
          const form = Object.assign(document.createElement('form'), { method: 'post', action: url })
          document.body.append(form)
          form.submit()
        }, action))
        return response.status()
      },
      async signOut() {
        await click(page, 'Sign out')
        await step('signs out')
      },
    }
  }

  try {
    const visitor = await person('a visitor')
    await visitor.page.goto('/')
    await visitor.step('comes')
    assert.deepEqual(await visitor.page.locator('#announcements li').allTextContents(), ['The office is closed on Friday'])
    assert.equal(await visitor.forge('/todos'), 401)
    assert.equal(await visitor.alert(), 'Sign in first.')
    await visitor.signIn(await place.refused('alice'))
    assert.equal(await visitor.alert(), 'The database does not accept this name and password.')

    const carol = await person('carol')
    await carol.signIn(await place.credentials('carol', '8s'))
    assert.equal(await carol.page.title(), "carol's todos")
    await place.retire('carol')

    const alice = await person('alice')
    await alice.signIn(await place.credentials('alice'))
    assert.equal(await alice.page.title(), "alice's todos")
    assert.deepEqual(await alice.tasks(), [])
    await alice.add('water the plants')
    await alice.add(`<b>O'Neil</b> & "co"; DROP TABLE todos; --`)
    await alice.add('дом 家 🏡')
    await alice.complete('water the plants')
    await alice.remove('DROP TABLE')
    assert.deepEqual(await alice.tasks(), ['water the plants', 'дом 家 🏡'])
    const paths = await alice.page.locator('#todos form').evaluateAll((forms) => forms.map((form) => form.getAttribute('action')))
    assert.equal(paths.length, 4)

    const bob = await person('bob')
    await bob.signIn(await place.credentials('bob'))
    assert.equal(await bob.page.title(), "bob's todos")
    assert.deepEqual(await bob.tasks(), [])
    await bob.add('answer alice')
    assert.equal(await bob.forge('/todos'), 400, 'bob adds nothing')
    for (const path of [...paths, '/todos/none/delete']) {
      assert.equal(await bob.forge(path), 404, `bob posts to ${path}`)
    }
    await bob.page.goto('/')
    await bob.step("comes back from alice's todos")
    assert.deepEqual(await bob.tasks(), ['answer alice'])

    await alice.page.reload()
    await alice.step('reloads')
    assert.deepEqual(await alice.tasks(), ['water the plants', 'дом 家 🏡'])
    assert.deepEqual(await alice.page.locator('li.done span').allTextContents(), ['water the plants'])
    if (screenshot) await alice.page.screenshot({ path: screenshot })
    await alice.signOut()
    assert.equal(await alice.page.title(), 'Todo')
    assert.deepEqual(await alice.tasks(), [])

    // Each reload is a query. In between a connection may end under one (500); the first login that is refused ends the session.
    const deadline = Date.now() + 2 * limit
    for (let status = 200; status !== 401; status = (await carol.page.reload()).status()) {
      assert.ok(Date.now() < deadline, 'carol is still signed in')
      await carol.page.waitForTimeout(200)
    }
    assert.equal(await carol.alert(), 'Your session has ended. Sign in again.')
    await carol.step('is signed out')
  } finally {
    await Promise.allSettled(contexts.map((context) => context.close()))
    await server.stop()
  }
  return seen
}
