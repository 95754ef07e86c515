package proxytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// extendedSession makes a session of pipelines in which every message of the extended protocol stands in every place.
type extendedSession struct {
	r *rand.Rand
	// What was parsed last under a name; it need not have been accepted. typed: types were declared.
	known map[string]sample
	typed map[string]bool
	// Of the step being made.
	portals map[string]bool // by name, whether it was executed already
	lines   []string
	// queryEnds: a Query stands in it behind a pipeline without Sync.
	queryEnds bool
	blockEnds bool // a transaction block stands in it, which may have failed
}

var (
	statementNames = []string{"", "", "", "a", "b", "c"}
	portalNames    = []string{"", "", "", "", "p", "q"}
)

func newExtendedSession(r *rand.Rand) *extendedSession {
	return &extendedSession{r: r, known: map[string]sample{}, typed: map[string]bool{}}
}

func (g *extendedSession) oneIn(n int) bool { return g.r.IntN(n) == 0 }

func one[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (g *extendedSession) add(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

// sample picks a statement.
func (g *extendedSession) sample() sample {
	switch n := g.r.IntN(100); {
	case n < 50:
		return one(g.r, reading)
	case n < 72:
		return one(g.r, writing)
	case n < 86:
		return one(g.r, failing)
	case n < 87:
		return one(g.r, forbidden)
	case n < 91:
		return sample{sql: one(g.r, settingsBetween)}
	case n < 97:
		return g.sqlStatement()
	default:
		return sample{sql: one(g.r, changing)}
	}
}

// sqlStatement is PREPARE, EXECUTE or DEALLOCATE, under the names of the protocol's statements too.
func (g *extendedSession) sqlStatement() sample {
	name := pick(g.r, "a", "b", "c", "d")
	switch g.r.IntN(9) {
	case 0:
		return sample{sql: "prepare " + name + " (int) as select $1 + 1 as p"}
	case 1:
		return sample{sql: "prepare " + name + " as select id, v from w.t where id = $1"}
	case 2:
		return sample{sql: "prepare " + name + " (text) as insert into w.log values ($1)" + pick(g.r, "", " returning how")}
	case 3:
		return sample{sql: pick(g.r, "deallocate ", "deallocate prepare ") + name}
	case 4:
		return sample{sql: "prepare " + name + " " + pick(g.r, "as selec 1", "(nope) as select $1", "as select ö", "as select $2::int", "(int, int) as select $1")}
	case 5:
		if g.oneIn(4) {
			return sample{sql: pick(g.r, "deallocate all", "discard plans")}
		}
	}
	return sample{sql: "execute " + name + pick(g.r, "", "(1)", "(1)", "('x')", "(null)", "(1, 2)", "(2 + 2)", "($1)")}
}

// declared is the list of declared types of Parse.
func (g *extendedSession) declared(s sample) string {
	if g.oneIn(2) {
		return ""
	}
	var oids []string
	for _, p := range s.params {
		switch g.r.IntN(8) {
		case 0:
			oids = append(oids, pick(g.r, "25", "20", "23", "1082", "16", "1700", "1043", "19"))
		case 1:
			oids = append(oids, pick(g.r, "0", "705"))
		case 2:
			if g.oneIn(3) && strings.HasPrefix(s.sql, "select $1") && len(s.params) == 1 && strings.Contains(s.sql, "::int") { // of two errors in a statement the order is the server's own
				oids = append(oids, "99999999")
				continue
			}
			oids = append(oids, pick(g.r, "@pos", "@mood", "@word", "1007", "@t", "0"))
		default:
			oids = append(oids, p.oid)
		}
	}
	if g.oneIn(8) && len(oids) > 0 {
		oids = oids[:len(oids)-1]
	}
	for g.oneIn(10) && slices.ContainsFunc(reading, func(r sample) bool { return r.sql == s.sql && strings.HasPrefix(r.sql, "select ") }) {
		oids = append(oids, pick(g.r, "23", "25", "0", "705", "@pos"))
	}
	if len(oids) == 0 {
		return ""
	}
	return " (" + strings.Join(oids, " ") + ")"
}

func (g *extendedSession) parse(name string, s sample) {
	types := g.declared(s)
	g.known[name], g.typed[name] = s, types != ""
	g.add("Parse %q %s%s", name, strconv.Quote(s.sql), types)
}

// bind is careful where no Execute follows at once: a portal is only looked at by the server when it is executed, so that values are
// not read before.
func (g *extendedSession) bind(portal, name string, careful bool) {
	var values []string
	for _, p := range g.known[name].params {
		switch n := g.r.IntN(24); {
		case n == 0 && !careful:
			values = append(values, strconv.Quote(one(g.r, p.bad)))
		case n < 3 && !careful:
			values = append(values, "NULL")
		case careful:
			values = append(values, strconv.Quote(p.good[0]))
		default:
			values = append(values, strconv.Quote(one(g.r, p.good)))
		}
	}
	switch g.r.IntN(40) {
	case 0:
		values = append(values, `"1"`)
	case 1:
		values = values[:max(0, len(values)-1)]
	}
	g.portals[portal] = false
	g.add("Bind %q %q params (%s)", portal, name, strings.Join(values, " "))
}

func (g *extendedSession) execute(portal string) {
	g.portals[portal] = true
	g.add("Execute %q %s", portal, pick(g.r, "0", "0", "0", "0", "-1"))
}

// whole is a statement from Bind on.
func (g *extendedSession) whole(portal, name string) {
	apart := name == "" && g.oneIn(16) && len(g.lines) > 0 && strings.HasPrefix(g.lines[len(g.lines)-1], `Parse ""`) && !g.fails(name)
	g.bind(portal, name, apart)
	if g.oneIn(2) {
		g.add("Describe P %q", portal)
	}
	if apart {
		g.unit()
	}
	g.execute(portal)
}

// fails reports whether what is known under a name is made to fail, or may because of its types.
func (g *extendedSession) fails(name string) bool {
	is := func(s sample) bool { return s.sql == g.known[name].sql }
	return g.typed[name] || slices.ContainsFunc(failing, is) || slices.ContainsFunc(forbidden, is)
}

// ready is a portal that was bound and not executed; false if there is none.
func (g *extendedSession) ready() (string, bool) {
	for _, name := range []string{"", "p", "q"} {
		if executed, bound := g.portals[name]; bound && !executed {
			return name, true
		}
	}
	return "", false
}

// unit is a message or a few.
func (g *extendedSession) unit() {
	name, portal := one(g.r, statementNames), one(g.r, portalNames)
	switch n := g.r.IntN(100); {
	case n < 40:
		g.parse(name, g.sample())
		if g.oneIn(4) {
			g.add("Describe S %q", name)
		}
		g.whole(portal, name)
	case n < 52:
		g.parse(name, g.sample())
		if g.oneIn(3) {
			g.add("Describe S %q", name)
		}
	case n < 70:
		g.whole(portal, name)
	case n < 78:
		g.add("Describe S %q", name)
	case n < 82:
		if g.parse("", one(g.r, reading)); !g.fails("") {
			g.bind(portal, "", true)
		}
	case n < 85:
		g.add("Describe P %q", portal)
	case n < 88:
		if p, ok := g.ready(); ok {
			portal = p
		} else if executed := g.portals[portal]; executed {
			return // a second time is not supported
		}
		g.execute(portal)
	case n < 92:
		g.add("Close S %q", pick(g.r, name, "a", "b", "c", "d"))
	case n < 94:
		g.add("Close P %q", portal)
		delete(g.portals, portal)
	case n < 98:
		g.add("Flush")
	default:
		g.parse("", g.sqlStatement())
		g.whole("", "")
	}
}

func (g *extendedSession) begin() {
	g.portals, g.lines, g.queryEnds, g.blockEnds = map[string]bool{}, nil, false, false
}

// step is what stands between two ReadyForQuery.
func (g *extendedSession) step() {
	g.begin()
	switch n := g.r.IntN(20); {
	case n < 2: // a change, by itself
		sql := one(g.r, changing)
		if g.oneIn(2) {
			g.add("Query %s", strconv.Quote(sql))
			return
		}
		g.parse("", sample{sql: sql})
		g.whole("", "")
	case n < 3:
		g.add("Query %s", strconv.Quote(pick(g.r, one(g.r, settingsBetween), g.sqlStatement().sql, one(g.r, failing[:5]).sql, "select 1", "insert into w.log values ('query')")))
		return
	case n < 4:
		g.block()
	default:
		for range 1 + g.r.IntN(4) {
			g.unit()
		}
		if g.oneIn(12) {
			g.queryEnds = true
			g.add("Query %s", strconv.Quote(pick(g.r, "select 'in between'", "insert into w.log values ('between')", "selec", "select count(*) from w.log; select 1/0", g.sqlStatement().sql, "/* nothing */")))
			g.add("Sync\nQuery %q", behindQuery)
			return
		}
	}
	g.add("Sync")
}

// block is a whole transaction block in one pipeline.
func (g *extendedSession) block() {
	g.blockEnds = true
	g.parse("", sample{sql: pick(g.r, "begin", "begin isolation level serializable", "start transaction")})
	g.bind("", "", true)
	g.execute("")
	for range 1 + g.r.IntN(3) {
		g.unit()
	}
	if g.lines[len(g.lines)-1] == "Flush" {
		g.lines = g.lines[:len(g.lines)-1]
	}
	g.parse("", sample{sql: pick(g.r, "commit", "commit", "rollback")})
	g.bind("", "", true)
	g.execute("")
}

// A Query behind a pipeline without Sync is skipped or not: it is followed by one that says where the step ends.
const (
	queryInPipeline = " query in a pipeline"
	behindQuery     = "show server_version_num"
	endOfStep       = `RowDescription ("server_version_num"`
)

// script is a session of so many steps. Behind each stands one that ends a failed block and looks at which statements
// there are, and now and then one that looks at what has become of rows and descriptions.
func (g *extendedSession) script(steps int) string {
	var b strings.Builder
	for i := range steps {
		g.step()
		title := strconv.Itoa(i)
		if g.queryEnds {
			title += queryInPipeline
		}
		fmt.Fprintf(&b, "= %s\n%s\nawait Z\n= %d names\n", title, strings.Join(g.lines, "\n"), i)
		if g.blockEnds {
			b.WriteString("Query \"rollback\"\nawait Z\n")
		}
		for _, name := range []string{"", "a", "b", "c", "d"} { // an error, of its number of parameters if it is there
			fmt.Fprintf(&b, "Bind \"\" %q params (%s)\nSync\nawait Z\n", name, strings.TrimSpace(strings.Repeat("NULL ", 20)))
		}
		if g.oneIn(3) {
			fmt.Fprintf(&b, "= %d rows\nQuery \"table w.log\"\nawait Z\nQuery \"select * from w.t order by 1\"\nawait Z\n", i)
		}
		if g.oneIn(4) {
			fmt.Fprintf(&b, "= %d statements\n", i)
			for _, name := range []string{"", "a", "b", "c", "d"} {
				fmt.Fprintf(&b, "%s S %q\nSync\nawait Z\n", pick(g.r, "Describe", "Describe", "Close"), name)
			}
		}
	}
	return b.String()
}
