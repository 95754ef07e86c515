// Sequelize with its defaults: it sets the session as it connects, asks for types, and writes values into its text. Prints what it
// sees; the outputs of both servers are compared.
'use strict'
const fs = require('fs')
const { Sequelize, DataTypes, Op } = require('sequelize')

const proxied = process.env.PGSSLMODE !== 'disable'
const ssl = proxied ? { ca: fs.readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' } : false

const show = (title, r) => console.log(title, JSON.stringify(r))
const fails = async (title, query) => {
  try {
    show(title + ' did not fail', await query)
  } catch (e) {
    const c = e.parent ?? e
    console.log(title, e.name, c.code, c.message, c.detail, c.constraint, c.position)
  }
}

async function main () {
  const db = new Sequelize({
    dialect: 'postgres', logging: false, schema: 'sequelize', pool: { max: 2 },
    host: process.env.PGHOST, port: process.env.PGPORT, username: process.env.PGUSER, password: process.env.PGPASSWORD, database: process.env.PGDATABASE,
    dialectOptions: { ssl, options: process.env.PGOPTIONS }
  })
  await db.authenticate()
  const Parent = db.define('parent', { id: { type: DataTypes.INTEGER, primaryKey: true }, name: DataTypes.TEXT }, { tableName: 'parent', timestamps: false })
  const Note = db.define('note', {
    title: { type: DataTypes.STRING(40), allowNull: false, unique: true },
    tags: DataTypes.ARRAY(DataTypes.TEXT),
    doc: DataTypes.JSONB,
    mood: DataTypes.ENUM('sad', 'happy'),
    price: DataTypes.DECIMAL(10, 2),
    at: DataTypes.DATE
  }, { tableName: 'note', timestamps: false })
  const [zone] = await db.query('show time zone', { plain: false })
  show('time zone', zone)
  show('find', await Parent.findByPk(2))
  await Note.sync()
  const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  show('create', await Note.create({ title: 'it\'s ä', tags: ['a', 'b"c'], doc: { a: [1, null] }, mood: 'happy', price: '12.5', at }))
  show('bulk', await Note.bulkCreate([{ title: 'two' }, { title: 'three', mood: 'sad' }], { returning: true }))
  show('all', await Note.findAll({ where: { mood: { [Op.ne]: null } }, order: ['id'] }))
  show('json', await Note.count({ where: { 'doc.a': { [Op.ne]: null } } }))
  show('update', await Note.update({ price: 1 }, { where: { title: 'two' }, returning: true }))
  show('upsert', await Note.upsert({ id: 3, title: 'three', mood: 'happy' }))
  show('increment', await Note.increment('price', { where: { title: 'two' } }))
  show('bound', await db.query('select $1::int + $2 as sum', { bind: [1, 2] }))
  show('replaced', await db.query('select :a as a, ? as b'.replace('?', ':b'), { replacements: { a: 'x', b: 2 } }))
  show('group', await Note.findAll({ attributes: ['mood', [db.fn('count', db.col('id')), 'n']], group: ['mood'], order: ['mood'], raw: true }))
  show('described', await db.getQueryInterface().describeTable({ tableName: 'note', schema: 'sequelize' }))
  show('indexes', (await db.getQueryInterface().showIndex({ tableName: 'note', schema: 'sequelize' })).map(i => [i.name, i.unique, i.fields.map(f => f.attribute)]))
  show('destroy', await Note.destroy({ where: { title: 'two' } }))
  await fails('unique', Note.create({ title: 'three' }))
  await fails('syntax', db.query('selec 1'))
  await fails('foreign key', db.query('insert into sequelize.child (parent_id) values (99)'))
  await db.close()
  console.log('end')
}

main().catch(e => {
  console.log('failed', e)
  process.exit(1)
})
