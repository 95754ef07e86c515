# Sequel: its statements hold their values, and it sets the session as it connects. Prints what it sees; the outputs of both servers are
# compared.
require 'sequel'
require 'json'

DB = Sequel.connect(adapter: 'postgres', host: ENV['PGHOST'], port: ENV['PGPORT'], user: ENV['PGUSER'], password: ENV['PGPASSWORD'], database: ENV['PGDATABASE'],
                    sslmode: ENV['PGSSLMODE'], sslrootcert: ENV['PGSSLROOTCERT'], search_path: 'sequel', max_connections: 2,
                    driver_options: ENV['PGOPTIONS'] ? { options: ENV['PGOPTIONS'] } : {})
DB.extension :pg_array
say = ->(title, value) { puts [title, value].to_json }
say['test', DB.test_connection]
say['all', DB[:parent].order(:id).all]
say['where', DB[:parent].where { id > 1 }.exclude(name: 'x').select_map(:name).sort]
say['insert', DB[:child].insert(parent_id: 1, n: 1.5, tags: Sequel.pg_array(['a', 'b"c'], :text))]
say['returning', DB[:t].returning.insert(id: 1, name: "it's ä")]
say['conflict', DB[:t].insert_conflict(target: :id, update: { name: 'again' }).returning.insert(id: 1, name: 'x')]
say['update', DB[:child].where(parent_id: 1).update(n: Sequel[:n] + 1)]
say['join', DB[:parent].left_join(:child, parent_id: :id).select_map([Sequel[:parent][:name], :n]).sort_by(&:to_s)]
say['cte', DB[:x].with(:x, DB[:parent].select(:id)).count]
say['prepared', DB[:parent].where(id: :$id).prepare(:first, :by_id).call(id: 2)]
say['prepared again', DB.call(:by_id, id: 3)]
say['schema', DB.schema(:child).map { |name, c| [name, c[:db_type], c[:allow_null], c[:primary_key]] }]
say['indexes', DB.indexes(:child)]
say['tables', DB.tables.sort]
begin
  DB[:parent].insert(id: 1, name: 'again')
rescue Sequel::UniqueConstraintViolation => e
  say['unique', e.message]
end
begin
  DB[:parent].where(nope: 1).all
rescue Sequel::DatabaseError => e
  say['column', e.message]
end
say['own', DB[Sequel[:public][:todos]].returning(:user_id).insert(task: 'mine')]
say['cleanup', DB[Sequel[:public][:todos]].delete]
say['delete', DB[:t].where(id: 1).delete]
DB.disconnect
puts 'end'
