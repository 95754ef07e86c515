// Markup is text that may stand in a page as it is: what html`...` returns.
class Markup {
  constructor(text) {
    this.text = text
  }
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function markup(value) {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(markup).join('')
  return String(value ?? '').replace(/[&<>"']/g, (character) => entities[character])
}

// html escapes every value that is put into it, but for other markup and lists of it.
const html = (strings, ...values) => new Markup(String.raw({ raw: strings }, ...values.map(markup)))

const page = (title, body) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
<main>
<h1>${title}</h1>
${body}
</main>
</html>
`.text

const notice = (message) => message && html`<p role="alert">${message}</p>`

// welcome is for whoever is not signed in.
export const welcome = ({ announcements, message }) => page('Todo', html`${notice(message)}
<h2>Announcements</h2>
<ul id="announcements">${announcements.map(({ body }) => html`<li>${body}</li>`)}</ul>
<h2>Sign in</h2>
<form method="post" action="/sign-in">
<label>Name <input name="name" required autofocus></label>
<label>Password or token <input name="password" type="password" required></label>
<button>Sign in</button>
</form>`)

// list is the user's own page.
export const list = ({ user, todos }) => page(`${user}'s todos`, html`
<ul id="todos">${todos.map(({ id, task, done }) => html`
<li class="${done ? 'done' : 'open'}"><span>${task}</span>
<form method="post" action="/todos/${id}/complete"><button ${done ? 'disabled' : ''}>Complete</button></form>
<form method="post" action="/todos/${id}/delete"><button>Delete</button></form></li>`)}
</ul>
<form method="post" action="/todos"><label>What is to be done? <input name="task" maxlength="200" required autofocus></label>
<button>Add</button></form>
<form method="post" action="/sign-out"><button>Sign out</button></form>`)

export const failure = (message) => page('Todo', html`${notice(message)}<p><a href="/">Back</a></p>`)
