package proxytest

import "strings"

// setting is one that generated sessions work on, with values as a string literal would hold them.
type setting struct {
	name   string
	good   []string
	bad    []string
	spelt  []string // further values for SET alone, as they are written
	probes []string // statements whose result depends on it
	closed bool     // the role may not change it
}

var (
	booleans     = []string{"on", "off", "true", "FALSE", "yes", "no", "1", "0", "t", "f", "tr", "of"}
	notBooleans  = []string{"o", "2", "maybe", ""}
	notNumbers   = []string{"many", "", "1x", "99999999999999999999"}
	bigPlan      = "explain (costs off) select * from w.big where id = 5"
	bigCosts     = "explain select * from w.big where id = 5"
	joinPlan     = "explain (costs off) select * from w.big a join w.big b using (id) order by a.id"
	times        = "select '2024-07-04 12:34:56.789+00'::timestamptz, '2024-01-04 12:34:56'::timestamptz, '2024-07-04'::date, '2024-07-04 12:34:56'::timestamp"
	typedTimes   = "select '01/02/2003'::date, to_timestamp(0), extract(timezone from '2024-07-04 00:00:00'::timestamptz)"
	transactions = "select current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_setting('transaction_deferrable')"
	backslashes  = "select 'a\\\\b' as a, 'tab\\tbed' as b"
)

// seenSettings is how many of the first settings change what a client sees.
const seenSettings = 32

// settings are of every kind that PostgreSQL 15 has.
var settings = append([]setting{
	// What is reported to the client.
	{name: "DateStyle", good: []string{"ISO", "SQL", "dmy", "ISO, YMD", "German", "Postgres, European", "NonEuro", "US", "iso, dmy"}, bad: []string{"ISO, SQL", "nope", "ISO, nope"},
		spelt: []string{"iso, dmy", "sql, ymd", "'german', ymd"}, probes: []string{times, typedTimes}},
	{name: "TimeZone", good: []string{"UTC", "Europe/Berlin", "america/new_york", "-3", "5.5", "<+03>-03", "EST5EDT", "PST8PDT", "Asia/Kolkata", "utc"}, bad: []string{"Nope/Nowhere", "", "+99999"}, probes: []string{times, typedTimes}},
	{name: "IntervalStyle", good: []string{"postgres", "iso_8601", "SQL_STANDARD", "postgres_verbose"}, bad: []string{"iso", ""}, probes: []string{"select '1 year 2 months -3 days 04:05:06.7'::interval, make_interval(days => -1), interval '-1-2'"}},
	{name: "application_name", good: []string{"a", "grüß", "", "it's", `back\slash`, "x  y", "A long name that is longer than the sixty-three bytes of an identifier"}, probes: []string{"select current_setting('application_name')"}},
	{name: "standard_conforming_strings", good: booleans, bad: notBooleans, probes: []string{backslashes, "select 'it\\'s' as c, ' -- d'"}},
	{name: "default_transaction_read_only", good: booleans, bad: notBooleans, probes: []string{transactions, "insert into w.pick values ('x')", "show transaction_read_only", "create table w.made (a int)"}},
	{name: "client_encoding", good: []string{"UTF8", "utf-8", "Unicode", "'utf8'"}, bad: []string{"nope", ""}, probes: []string{"show client_encoding"}},
	// What changes results or errors.
	{name: "search_path", good: []string{"w", "a", "b, a", `"$user", w`, "nowhere", "", "pg_catalog, a", `"A b", b`, "a,,b"}, bad: []string{`"a`, "a b"}, spelt: []string{"a, b", `"$user", b`, "'w', 'a'", `"A b"`, "''", "pg_catalog"},
		probes: []string{"select * from pick", "select which(), current_schema(), current_schemas(false)", "select 'pick'::regclass", "create table made (a int)", "select current_schemas(true)"}},
	{name: "bytea_output", good: []string{"hex", "ESCAPE"}, bad: []string{"base64"}, probes: []string{`select decode('deadbeef', 'hex'), 'a\134b'::bytea`}},
	{name: "extra_float_digits", good: []string{"3", "2", "1", "0", "-5", "-15"}, bad: []string{"4", "-16", "many"}, probes: []string{"select 0.1::float8 + 0.2, 1::float4 / 3"}},
	{name: "xmloption", good: []string{"content", "DOCUMENT"}, bad: []string{"fragment"}, probes: []string{"select 'x<a/>'::xml", "select '<!DOCTYPE a><a/>'::xml"}},
	{name: "xmlbinary", good: []string{"base64", "hex"}, bad: []string{"octal"}, probes: []string{`select xmlelement(name a, decode('dead', 'hex'))`}},
	{name: "array_nulls", good: booleans, bad: notBooleans, probes: []string{`select '{a,null,"null"}'::text[]`}},
	{name: "quote_all_identifiers", good: booleans, bad: notBooleans, probes: []string{"select quote_ident('plain'), pg_get_viewdef('w.v'::regclass)"}},
	{name: "transform_null_equals", good: booleans, bad: notBooleans, probes: []string{"select null = null, (select count(*) from w.pick where v = null)"}},
	{name: "backslash_quote", good: []string{"on", "off", "safe_encoding", "no"}, bad: []string{"never"}, probes: []string{`select E'it\'s'`}},
	{name: "escape_string_warning", good: booleans, bad: notBooleans, probes: []string{backslashes}},
	{name: "default_text_search_config", good: []string{"english", "pg_catalog.simple", "german"}, bad: []string{"klingon"}, probes: []string{"select to_tsvector('the running cats'), get_current_ts_config()"}},
	{name: "row_security", good: booleans, bad: notBooleans, probes: []string{"select count(*) from w.guarded"}},
	{name: "check_function_bodies", good: booleans, bad: notBooleans, probes: []string{"create or replace function w.wrong() returns int language sql as 'select nope /* %d */'"}},
	{name: "timezone_abbreviations", good: []string{"Default", "Australia", "India"}, bad: []string{"Nope", "../x"}, probes: []string{"select '2024-01-01 12:00 IST'::timestamptz, '2024-01-01 12:00 EST'::timestamptz"}},
	{name: "lc_numeric", good: []string{"C", "POSIX", "C.UTF-8"}, bad: []string{"xx_YY"}, probes: []string{"select to_char(1234.5, 'L9G999D99')"}},
	{name: "lc_monetary", good: []string{"C", "C.UTF-8"}, bad: []string{"xx_YY"}, probes: []string{"select 12.34::money, to_char(1234.5, 'L9G999D99')"}},
	{name: "lc_time", good: []string{"C", "POSIX"}, bad: []string{"xx_YY"}, probes: []string{"select to_char('2024-07-04'::date, 'TMDay')"}},
	{name: "default_transaction_isolation", good: []string{"read committed", "repeatable read", "SERIALIZABLE", "read uncommitted"}, bad: []string{"snapshot", ""}, probes: []string{transactions, "show transaction isolation level"}},
	{name: "default_transaction_deferrable", good: booleans, bad: notBooleans, probes: []string{transactions, "show transaction_deferrable"}},
	{name: "default_tablespace", good: []string{"", "pg_default", "pg_global"}, bad: []string{"nope"}, probes: []string{"create table w.made (a int)"}},
	{name: "temp_tablespaces", good: []string{"", "pg_default"}, bad: []string{"nope"}, spelt: []string{"''"}},
	{name: "default_table_access_method", good: []string{"heap"}, bad: []string{"nope", ""}, probes: []string{"create table w.made (a int)"}},
	{name: "default_toast_compression", good: []string{"pglz", "lz4"}, bad: []string{"zip"}},
	{name: "force_parallel_mode", good: []string{"on", "off", "regress"}, bad: []string{"x"}, probes: []string{"explain (costs off) select count(*) from w.big"}},
	{name: "seq_page_cost", good: []string{"1.5", "2", "0", "1e1"}, bad: []string{"-1", "x"}, probes: []string{"explain select count(*) from w.big"}},
	{name: "random_page_cost", good: []string{"1.1", "4", "0x10"}, bad: []string{"-0.5", "x"}, probes: []string{bigCosts}},
	{name: "cpu_tuple_cost", good: []string{"0.02", ".5"}, bad: []string{"-1"}, probes: []string{"explain select count(*) from w.big"}},
	// Waiting: with values that never come to pass.
	{name: "statement_timeout", good: []string{"0", "1min", "600000", "2 h", "1.5h", "100s"}, bad: []string{"-1", "1 week", "25d"}},
	{name: "lock_timeout", good: []string{"0", "1min", "1200.7s"}, bad: []string{"-1", "5 kB"}},
	{name: "idle_in_transaction_session_timeout", good: []string{"0", "10min", "700000"}, bad: []string{"-2", "soon"}},
	{name: "idle_session_timeout", good: []string{"0", "10min"}, bad: []string{"-2"}},
	{name: "tcp_keepalives_idle", good: []string{"0", "60"}, bad: []string{"-1", "60x"}},
	// Units and ranges.
	{name: "work_mem", good: []string{"4MB", "64", "1GB", "0.5MB", "1 TB", "8192 kB", "0x400", "64.6"}, bad: []string{"1", "64PB", "4 mb", "-1", "9TB"}},
	{name: "maintenance_work_mem", good: []string{"64MB", "1024"}, bad: []string{"10", "x"}},
	{name: "effective_cache_size", good: []string{"4GB", "1000", "123456kB"}, bad: []string{"0", "1 h"}},
	{name: "min_parallel_table_scan_size", good: []string{"8MB", "0", "16"}, bad: []string{"-1"}},
	{name: "vacuum_cost_delay", good: []string{"0", "1.5", "20us", "3ms"}, bad: []string{"1s", "x"}},
	{name: "vacuum_cost_limit", good: []string{"1", "10000", "200"}, bad: []string{"0", "10001", "1.5x"}},
	{name: "from_collapse_limit", good: []string{"8", "1", "12.4"}, bad: notNumbers},
	{name: "geqo_threshold", good: []string{"12", "2"}, bad: []string{"1"}},
	{name: "geqo_seed", good: []string{"0.5", "1", "1e-3"}, bad: []string{"1.1"}},
	{name: "max_parallel_workers_per_gather", good: []string{"0", "2"}, bad: []string{"-1", "5000"}},
	{name: "hash_mem_multiplier", good: []string{"2", "1.25"}, bad: []string{"0.5"}},
	{name: "gin_fuzzy_search_limit", good: []string{"0", "100"}, bad: []string{"-1"}},
	{name: "recursive_worktable_factor", good: []string{"10", "0.002"}, bad: []string{"0"}},
	// Other enums and strings.
	{name: "client_min_messages", good: []string{"warning", "ERROR", "notice", "debug5", "log"}, bad: []string{"nonsense", "", "5"}},
	{name: "plan_cache_mode", good: []string{"auto", "force_custom_plan"}, bad: []string{"x"}},
	{name: "constraint_exclusion", good: []string{"partition", "on", "off"}, bad: []string{"x"}},
	{name: "synchronous_commit", good: []string{"on", "off", "local", "remote_apply", "yes"}, bad: []string{"x"}},
	{name: "password_encryption", good: []string{"md5", "scram-sha-256"}, bad: []string{"x"}},
	{name: "stats_fetch_consistency", good: []string{"none", "snapshot"}, bad: []string{"x"}},
	{name: "local_preload_libraries", good: []string{""}, bad: []string{}},
	{name: "role", good: []string{"none", "authenticated", "settings_reader"}, bad: []string{"anonymous", "nope", ""}, spelt: []string{"none"}, probes: []string{"select current_user, session_user, current_role", "select count(*) from w.guarded", "show role"}},
	{name: "session_authorization", good: []string{"authenticated"}, bad: []string{"anonymous", "nope", "settings_reader"}, spelt: []string{"default"}, probes: []string{"select current_user, session_user", "show session_authorization"}},
	// Nobody's but the server's.
	{name: "session_replication_role", good: []string{"replica"}, closed: true},
	{name: "log_min_duration_statement", good: []string{"0"}, closed: true},
	{name: "max_stack_depth", good: []string{"1MB"}, closed: true},
	{name: "track_functions", good: []string{"all"}, bad: []string{"x"}, closed: true},
	{name: "shared_buffers", good: []string{"1GB"}, closed: true},
	{name: "max_connections", good: []string{"10"}, bad: []string{"x"}, closed: true},
	{name: "fsync", good: []string{"off"}, closed: true},
	{name: "server_version", good: []string{"17"}, closed: true},
	{name: "block_size", good: []string{"4096"}, closed: true},
	{name: "in_hot_standby", good: []string{"on"}, closed: true},
	{name: "ignore_system_indexes", good: []string{"on"}, bad: []string{"x"}, closed: true},
	{name: "nope", good: []string{"1"}, closed: true},
}, planners()...)

// planners are the switches that change plans.
func planners() []setting {
	var all []setting
	for _, name := range strings.Fields("seqscan indexscan bitmapscan indexonlyscan hashjoin mergejoin nestloop sort hashagg material memoize tidscan gathermerge incremental_sort") {
		all = append(all, setting{name: "enable_" + name, good: booleans, bad: notBooleans, probes: []string{bigPlan, joinPlan}})
	}
	return append(all, setting{name: "geqo", good: booleans, bad: notBooleans}, setting{name: "jit", good: booleans, bad: notBooleans},
		setting{name: "synchronize_seqscans", good: booleans, bad: notBooleans})
}

// settingsSchema is what the probes read. Autovacuum would make estimates a matter of time.
const settingsSchema = `admin "create schema if not exists a; create schema if not exists b; create schema if not exists \"A b\""
admin "grant usage, create on schema a, b, \"A b\" to authenticated"
admin "drop table if exists a.pick, b.pick, a.made, b.made, \"A b\".made; drop function if exists a.which(), b.which(), w.which(), w.wrong()"
admin "create table a.pick as select 'a' as v; create table b.pick as select 'b' as v; create table w.pick as select 'w' as v"
admin "create function a.which() returns text language sql as $$select 'a'::text$$; create function b.which() returns text language sql as $$select 'b'::text$$; create function w.which() returns text language sql as $$select 'w'::text$$"
admin "create view w.v as select v, v as \"V\" from w.pick"
admin "create table w.big with (autovacuum_enabled = false) as select g as id, 'x' as v from generate_series(1, 2000) g; create unique index on w.big (id); analyze w.big"
admin "create table w.guarded as select 'alice' as owner; alter table w.guarded enable row level security; create policy p on w.guarded using (owner = current_user)"
admin "create table w.late (id int constraint late_id unique deferrable)"
admin "grant all on all tables in schema w to authenticated; grant select on a.pick, b.pick to authenticated; grant usage on schema w, a, b to settings_reader; grant select on w.guarded, a.pick to settings_reader"
after "drop schema a, b, \"A b\" cascade"
`
