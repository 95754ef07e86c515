package proxytest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// settingSession makes a session of statements that change, undo, read and depend on settings.
type settingSession struct {
	r       *rand.Rand
	seed    uint64
	touched []*setting // what the session has worked on so far, which is worked on again rather than something else
	block   bool       // the text so far has a block open
	named   int        // statements that have been parsed under a name
	probes  int        // so many have been made
}

// statement is one of a session. Parameters are for the extended protocol alone.
type statement struct {
	sql    string
	params []string
}

func (g *settingSession) oneIn(n int) bool { return g.r.IntN(n) == 0 }

// setting picks one, more often than not one that was touched before.
func (g *settingSession) setting() *setting {
	if len(g.touched) > 0 && !g.oneIn(4) {
		return g.touched[g.r.IntN(len(g.touched))]
	}
	s := &settings[g.r.IntN(len(settings))]
	if g.oneIn(3) {
		s = &settings[g.r.IntN(seenSettings)]
	}
	if g.oneIn(12) {
		s = &setting{name: g.custom(), good: []string{"x", "", "Mixed Case", "42", "it's"}}
	}
	if s.closed && !g.oneIn(4) {
		return g.setting()
	}
	g.touched = append(g.touched, s)
	return s
}

// custom is a name that no other session has: a server process keeps what it once knew of one.
func (g *settingSession) custom() string {
	return fmt.Sprintf(pick(g.r, "s%d.tenant", "s%d.Tenant_Id", "s%d.a.b"), g.seed)
}

// value is one to be given as a string. One in so many is wrong.
func (g *settingSession) value(s *setting, wrong int) string {
	if len(s.bad) > 0 && g.oneIn(wrong) {
		return pick(g.r, s.bad...)
	}
	return pick(g.r, s.good...)
}

var plainValue = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*|-?[0-9]+(\.[0-9]+)?)$`)

// literal spells a value for SET.
func (g *settingSession) literal(s *setting) string {
	if len(s.spelt) > 0 && g.oneIn(3) {
		return pick(g.r, s.spelt...)
	}
	v := g.value(s, 8)
	if plainValue.MatchString(v) && !strings.EqualFold(v, "default") && g.oneIn(2) {
		return v
	}
	quoted := "'" + strings.ReplaceAll(v, "'", "''") + "'"
	switch g.r.IntN(12) {
	case 0:
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	case 1:
		return "$x$" + v + "$x$"
	}
	return quoted
}

// name spells a setting's name, as Postgres reads it in any case.
func (g *settingSession) name(s *setting) string {
	switch g.r.IntN(8) {
	case 0:
		return strings.ToUpper(s.name)
	case 1:
		return `"` + strings.ReplaceAll(s.name, ".", `"."`) + `"`
	case 2:
		return strings.ToLower(s.name)
	}
	return s.name
}

func (g *settingSession) set() string {
	s := g.setting()
	scope := pick(g.r, "", "", "", "SESSION ", "LOCAL ")
	switch s.name {
	case "role":
		return "set " + scope + pick(g.r, "role ", "role = ", "role to ") + g.literal(s)
	case "session_authorization":
		return "set " + scope + pick(g.r, "session authorization ", "session_authorization = ") + g.literal(s)
	case "TimeZone":
		if g.oneIn(2) {
			return "set " + scope + "time zone " + pick(g.r, "'UTC'", "'Europe/Berlin'", "local", "default", "-3", "5.5", "+2", "interval '+01:30' hour to minute", "interval '-5' hour", "interval '1 month'", "PST8PDT", "'nope'", "interval(3) '08:00'")
		}
	case "search_path":
		if g.oneIn(6) {
			return "set " + scope + "schema " + pick(g.r, "'a'", "'b'", "'A b'", "''")
		}
	case "client_encoding":
		if g.oneIn(2) {
			return "set " + scope + "names " + pick(g.r, "'UTF8'", "'utf-8'", "default", "", "'nope'")
		}
	case "xmloption":
		if g.oneIn(2) {
			return "set " + scope + "xml option " + pick(g.r, "document", "content")
		}
	}
	switch g.r.IntN(10) {
	case 0:
		return "set " + scope + g.name(s) + pick(g.r, " to ", " = ") + pick(g.r, "default", "DEFAULT")
	case 1:
		return "set " + scope + g.name(s) + " from current"
	case 2:
		return "set " + scope + g.name(s) + " = " + g.literal(s) + ", " + g.literal(s) // most take one value
	}
	return pick(g.r, "set ", "SET ", "/* x */ set\n") + scope + g.name(s) + pick(g.r, " to ", " = ", "=") + g.literal(s)
}

func (g *settingSession) reset() string {
	if g.oneIn(5) {
		return pick(g.r, "reset all", "RESET ALL", "reset all", "reset time zone", "reset session authorization", "reset transaction isolation level")
	}
	return pick(g.r, "reset ", "RESET ") + g.name(g.setting())
}

func (g *settingSession) show() string {
	if g.oneIn(5) {
		return pick(g.r, "show time zone", "SHOW TRANSACTION ISOLATION LEVEL", "show session authorization", `show "TIMEZONE"`, "show transaction_read_only", "show server_version",
			"show server_encoding", "show is_superuser", "show max_identifier_length", `show "time zone"`, "show nope", "show s0.unknown", "show timezone /* x */", "show lc_collate")
	}
	return pick(g.r, "show ", "SHOW ") + g.name(g.setting())
}

// quote makes a string literal that means the same whatever standard_conforming_strings is.
func quote(v string) string {
	v = strings.ReplaceAll(v, "'", "''")
	if strings.Contains(v, `\`) {
		return "E'" + strings.ReplaceAll(v, `\`, `\\`) + "'"
	}
	return "'" + v + "'"
}

func (g *settingSession) setConfig(extended bool) statement {
	s := g.setting()
	function := pick(g.r, "set_config", "pg_catalog.set_config", "SET_CONFIG")
	local := pick(g.r, "false", "false", "true", "'f'", "'on'")
	value := g.value(s, 8)
	if extended && g.oneIn(2) {
		if g.oneIn(2) {
			return statement{"select " + function + "($1, $2, $3)", []string{s.name, value, pick(g.r, "f", "true", "no")}}
		}
		return statement{"select " + function + "('" + s.name + "', $1, " + local + ") as x", []string{value}}
	}
	if g.oneIn(10) {
		return statement{sql: "select " + function + "('" + s.name + "', null, " + local + ")"}
	}
	call := function + "('" + s.name + "', " + quote(value) + ", " + local + ")"
	switch g.r.IntN(8) {
	case 0:
		return statement{sql: "select " + function + "(name, " + quote(value) + ", " + local + ") from pg_settings where name = '" + s.name + "'"}
	case 1:
		o := g.setting()
		return statement{sql: "select " + call + ", " + function + "('" + o.name + "', " + quote(g.value(o, 12)) + ", " + local + ") as second"}
	case 2:
		return statement{sql: "select 1 as one where " + call + " is not null"}
	case 3:
		return statement{sql: "select length(" + call + ") > 0"}
	}
	return statement{sql: "select " + call}
}

func (g *settingSession) read(extended bool) statement {
	name := g.setting().name
	if strings.Contains(name, ".") { // the column says so: see the accepted differences
		return statement{sql: fmt.Sprintf(pick(g.r, `select current_setting('%[1]s') as "%[1]s"`, `select current_setting('%[1]s', true) as "%[1]s"`), name)}
	}
	if extended && g.oneIn(2) {
		return statement{"select current_setting($1)", []string{name}}
	}
	return statement{sql: fmt.Sprintf(pick(g.r, "select current_setting('%s')", "select current_setting('%s', true)", "select name, setting from pg_settings where lower(name) = lower('%s')",
		"select pg_catalog.current_setting('%s', true) as v"), name)}
}

func (g *settingSession) probe() string {
	for range 8 {
		if s := g.setting(); len(s.probes) > 0 {
			g.probes++
			return strings.ReplaceAll(pick(g.r, s.probes...), "%d", strconv.Itoa(g.probes))
		}
	}
	return pick(g.r, times, "select current_user", "select 1")
}

// lasting is a statement that means the same whenever it is parsed: a literal is read, and a name looked up, when a statement is
// prepared.
func (g *settingSession) lasting() string {
	return pick(g.r, "select current_setting('timezone'), to_timestamp(0)", "select current_setting('search_path')", "select v from pick", "select 0.1::float8 + 0.2, now() - now()",
		"select set_config('work_mem', '1MB', false)", "insert into w.pick values ('z')", "select current_user", "explain (costs off) select * from w.big where id = 5")
}

var settingFaults = []string{"set", "set work_mem", "set work_mem to", "set work_mem = = 1", "set local", "reset", "show", "set a b c", "set session", `set "my-var.x" = 1`, `set "a b" = 1`, "set work_mem = 1 2",
	"set time zone", "set timezone = interval '1'", "select set_config('work_mem')", "select set_config('work_mem', 'x', false)", "select current_setting('s0.unknown')", "select 1/0", "selec 1",
	"select set_config(null, 'x', false)", "set work_mem = $1", "select nope", "set session characteristics as transaction", "set transaction", "set 1x = 2", "set names 5", "reset work_mem, timezone"}

var modes = []string{"isolation level serializable", "isolation level read committed", "ISOLATION LEVEL REPEATABLE READ, READ ONLY", "read only", "read write", "deferrable", "not deferrable",
	"isolation level serializable read only deferrable"}

var resets = []string{"discard all", "DISCARD ALL", "discard plans", "discard temp", "discard temporary", "discard sequences", "unlisten *", "close all", "deallocate all", "select pg_advisory_unlock_all()",
	"set session authorization default", "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;",
	"SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP", "select 1; discard all"}

// statement is any, for a Query or a pipeline.
func (g *settingSession) statement(extended bool) statement {
	switch n := g.r.IntN(100); {
	case n < 26:
		return statement{sql: g.set()}
	case n < 34:
		return statement{sql: g.reset()}
	case n < 46:
		return statement{sql: g.show()}
	case n < 58:
		return g.setConfig(extended)
	case n < 64:
		return g.read(extended)
	case n < 84:
		return statement{sql: g.probe()}
	case n < 87:
		return statement{sql: pick(g.r, settingFaults...)}
	case n < 90:
		return statement{sql: "set session characteristics as transaction " + pick(g.r, modes...)}
	case n < 92:
		return statement{sql: "set constraints " + pick(g.r, "all deferred", "all immediate", "w.late_id deferred", "w.nope deferred")}
	case n < 94:
		return statement{sql: pick(g.r, "select 1 as a", "select count(*) from w.pick", "insert into w.pick values ('y') returning v", "/* nothing */")}
	case n < 97 && g.block:
		return statement{sql: pick(g.r, "savepoint a", "rollback to a", "release a", "rollback to savepoint a")}
	case n < 99 && g.block:
		g.block = false
		return statement{sql: pick(g.r, "commit", "rollback", "end")}
	default:
		return statement{sql: pick(g.r, "set transaction ", "SET TRANSACTION ", "set local transaction ") + pick(g.r, modes...)}
	}
}

// step is the statements of one Query or pipeline. A block that it opens it also closes.
func (g *settingSession) step(extended bool) []statement {
	var all []statement
	if g.oneIn(4) {
		g.block = true
		all = append(all, statement{sql: pick(g.r, "begin", "BEGIN", "start transaction", "begin isolation level serializable", "begin read only")})
		if g.oneIn(5) {
			all = append(all, statement{sql: "set transaction " + pick(g.r, modes...)})
		}
		if g.oneIn(3) {
			all = append(all, statement{sql: g.set()}, statement{sql: "savepoint a"}, statement{sql: g.set()}, statement{sql: "rollback to a"}, statement{sql: g.show()})
		}
	}
	for range 1 + g.r.IntN(4) {
		all = append(all, g.statement(extended))
	}
	if g.block {
		g.block = false
		all = append(all, statement{sql: pick(g.r, "commit", "commit", "rollback")})
	}
	return all
}

// script is a session of so many steps. Behind each stands one that ends a failed block, and one that looks at what has become
// of the settings.
func (g *settingSession) script(steps int) string {
	var b strings.Builder
	b.WriteString(settingsSchema + "login\n")
	g.startup(&b)
	for i := range steps {
		fmt.Fprintf(&b, "= %d\n", i)
		switch n := g.r.IntN(20); {
		case n == 0:
			fmt.Fprintf(&b, "Query %s\n", strconv.Quote(pick(g.r, resets...)))
		case n == 1:
			g.named++
			fmt.Fprintf(&b, "Parse \"p%d\" %s\nSync\n", g.named, strconv.Quote(pick(g.r, g.show(), g.set(), g.lasting())))
		case n == 2 && g.named > 0:
			name := fmt.Sprint("p", 1+g.r.IntN(g.named))
			fmt.Fprintf(&b, "Bind \"\" %q\nDescribe P \"\"\nExecute \"\"\nSync\n", name)
		case n == 3:
			g.named++
			fmt.Fprintf(&b, "Query %s\n", strconv.Quote(fmt.Sprintf("prepare p%d as %s", g.named, g.lasting())))
		case n == 4 && g.named > 0:
			run := pick(g.r, "execute @", "execute @", "begin; execute @; SET; execute @; commit", "SET; execute @", "deallocate @")
			between := pick(g.r, "show search_path", "set local timezone = 'Asia/Tokyo'", "set search_path = a, b", "set work_mem = '3MB'")
			run = strings.NewReplacer("@", fmt.Sprint("p", 1+g.r.IntN(g.named)), "SET", between).Replace(run)
			fmt.Fprintf(&b, "Query %s\n", strconv.Quote(run))
		case n < 12:
			var parts []string
			for _, s := range g.step(false) {
				parts = append(parts, s.sql)
			}
			fmt.Fprintf(&b, "Query %s\n", strconv.Quote(strings.Join(parts, pick(g.r, ";", "; ", " ;\n"))))
		default:
			pipeline(&b, g.r, g.step(true))
		}
		fmt.Fprintf(&b, "await Z\n= %d end\n", i)
		if g.oneIn(6) {
			fmt.Fprintf(&b, "Query %s\nawait Z\n", strconv.Quote(g.statement(false).sql))
		}
		fmt.Fprintf(&b, "Query \"rollback\"\nawait Z\n= %d after\n", i)
		for range 1 + g.r.IntN(2) {
			fmt.Fprintf(&b, "Query %s\nawait Z\n", strconv.Quote(pick(g.r, g.show(), g.show(), g.probe())))
		}
	}
	return b.String()
}

func pipeline(b *strings.Builder, r *rand.Rand, statements []statement) {
	for _, s := range statements {
		fmt.Fprintf(b, "Parse \"\" %s\nBind \"\" \"\" params (", strconv.Quote(s.sql))
		for _, p := range s.params {
			b.WriteString(" " + strconv.Quote(p))
		}
		b.WriteString(")\n")
		if r.IntN(2) == 0 {
			b.WriteString("Describe P \"\"\n")
		}
		b.WriteString("Execute \"\" 0\n")
	}
	b.WriteString("Sync\n")
}

// startup gives the session settings from its first packet on.
func (g *settingSession) startup(b *strings.Builder) {
	var options []string
	for range g.r.IntN(5) {
		s := g.setting()
		if s.closed || s.name == "role" || s.name == "session_authorization" { // the login has scripts of its own
			continue
		}
		value := g.value(s, 40)
		if g.oneIn(2) {
			value = strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(value)
			options = append(options, pick(g.r, "-c "+s.name, "-c"+s.name, "--"+strings.ReplaceAll(s.name, "_", pick(g.r, "_", "-")))+"="+value)
			continue
		}
		fmt.Fprintf(b, "startup %s %s\n", s.name, strconv.Quote(value))
	}
	if len(options) > 0 {
		fmt.Fprintf(b, "startup options %s\n", strconv.Quote(strings.Join(options, pick(g.r, " ", "  "))))
	}
}
