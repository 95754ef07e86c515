# ruby-pg and ActiveRecord on it: reading, and writing without its transactions. Prints what it sees; the outputs of both servers are
# compared.
require 'pg'
require 'active_record'
require 'json'

c = PG.connect(host: ENV['PGHOST'], port: ENV['PGPORT'])
puts "server #{c.server_version} #{c.parameter_status('TimeZone')} #{c.transaction_status}"
show = ->(title, r) { puts [title, r.cmd_status, r.fields, r.fields.each_index.map { |i| [r.ftype(i) < 16384 ? r.ftype(i) : 'own', r.fmod(i), r.fsize(i), r.ftablecol(i)] }, r.values].to_json }
show['simple', c.exec("select 1 as a, null as b, 'x' as c")]
show['parameters', c.exec_params('select $1::int + $2 as sum, $3::text as t', [1, 2, "ä'"])]
show['typed', c.exec_params('select $1 as a', [{ value: '7', type: 23 }])]
c.prepare('by id', 'select id, name from activerecord.parent where id = $1')
show['described', c.describe_prepared('by id')]
[1, 2, 3].each { |id| show['prepared', c.exec_prepared('by id', [id])] }
c.send_query_params('select $1::text', ['sent'])
show['sent', c.get_last_result]
begin
  c.exec_params('select nope from activerecord.t where id = $1', [1])
rescue PG::Error => e
  puts "error #{e.class} #{e.result.error_field(PG::PG_DIAG_SQLSTATE)} #{e.message}"
end
c.type_map_for_results = PG::BasicTypeMapForResults.new(c)
puts "mapped #{c.exec("select 1 as i, 1.5::float8 as f, true as b, '2026-01-02'::date as d").values.inspect}"
show['set', c.exec("set search_path = activerecord")]
show['in that path', c.exec_params('select name from parent where id = $1', [1])]
c.reset
puts "reset #{c.exec('show search_path').values}"
c.close

ActiveRecord::Base.establish_connection(
  adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'], username: ENV['PGUSER'], password: ENV['PGPASSWORD'], database: ENV['PGDATABASE'],
  sslmode: ENV['PGSSLMODE'], schema_search_path: 'activerecord', variables: { statement_timeout: '30s' }, pool: 2
)
class Parent < ActiveRecord::Base
  self.table_name = 'parent'
  has_many :children, foreign_key: 'parent_id'
end

class Child < ActiveRecord::Base
  self.table_name = 'child'
  belongs_to :parent
end
say = ->(title, value) { puts [title, value].to_json }
say['tables', ActiveRecord::Base.connection.tables.sort]
say['columns', Child.columns.map { |x| [x.name, x.sql_type, x.null, x.default] }]
say['timeout', ActiveRecord::Base.connection.select_value('show statement_timeout')]
say['find', Parent.find(2)]
say['where', Parent.where('id > ?', 1).order(:id).pluck(:id, :name)]
[1, 2, 3].each { |id| say['again', Parent.find_by(id: id).name] }
say['insert', Child.insert_all([{ parent_id: 1, n: 1.5, tags: ['a', 'b"c'] }, { parent_id: 2, n: 0, tags: nil }], returning: %w[id n]).rows]
say['upsert', Parent.upsert({ id: 1, name: 'uno' }).rows]
say['update', Child.where(parent_id: 1).update_all(n: 7)]
say['loaded', Child.order(:id).first.attributes]
say['joined', Parent.joins(:children).order(:id).map { |x| [x.name, x.children.map(&:n)] }]
say['included', Parent.includes(:children).order(:id).map { |x| x.children.size }]
say['group', Child.group(:parent_id).order(:parent_id).sum(:n)]
say['exists', [Child.exists?(parent_id: 3), Child.where(n: 0..9).count]]
say['delete', Child.where(parent_id: 2).delete_all]
begin
  Parent.insert_all!([{ id: 1, name: 'again' }])
rescue ActiveRecord::RecordNotUnique => e
  say['unique', e.message]
end
begin
  Parent.where('nope = ?', 1).to_a
rescue ActiveRecord::StatementInvalid => e
  say['column', e.message]
end
say['own', ActiveRecord::Base.connection.exec_query('insert into public.todos (task) values ($1) returning user_id', 'SQL', [ActiveRecord::Relation::QueryAttribute.new('task', 'mine', ActiveRecord::Type::String.new)]).rows]
say['cleanup', ActiveRecord::Base.connection.delete('delete from public.todos')]
ActiveRecord::Base.connection.disconnect!
puts 'end'
