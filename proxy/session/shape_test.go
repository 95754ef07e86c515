package session

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

func TestTheShapeOfAResult(t *testing.T) {
	base := []upstream.Field{{Name: "a", TypeOID: 23, TypeMod: -1}, {Name: "b", TypeOID: 25, TypeMod: -1}}
	st := &preparedStatement{}
	if !st.sameShape(base) || !st.sameShape(append([]upstream.Field(nil), base...)) {
		t.Error("it is not its own")
	}
	for _, change := range []func(f []upstream.Field) []upstream.Field{
		func(f []upstream.Field) []upstream.Field { return f[:1] },
		func(f []upstream.Field) []upstream.Field { return append(f, upstream.Field{}) },
		func(f []upstream.Field) []upstream.Field { f[0].Name = "b"; return f },
		func(f []upstream.Field) []upstream.Field { f[0].TypeOID = 20; return f },
		func(f []upstream.Field) []upstream.Field { f[1].TypeMod = 7; return f },
		func(f []upstream.Field) []upstream.Field { f[0].Name, f[1].Name = "", "ab"; return f },
	} {
		if other := change(append([]upstream.Field(nil), base...)); st.sameShape(other) {
			t.Errorf("%v is taken for %v", other, base)
		}
	}
	moved := append([]upstream.Field(nil), base...)
	if moved[0].TableOID, moved[0].Column = 7, 8; !st.sameShape(moved) {
		t.Error("a table's name matters")
	}
}

// What is remembered of the results of statements that were executed does not grow with their columns: the session's bound does not
// count it.
func TestManyResultsOfManyColumns(t *testing.T) {
	fields := make([]upstream.Field, 1600)
	for i := range fields {
		fields[i] = upstream.Field{Name: strings.Repeat("c", 40) + fmt.Sprint(i), TypeOID: 23}
	}
	up := &scripted{results: map[string]result{"table wide": {fields: fields, command: "SELECT"}}}
	c := connect(t, up)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	const statements = 1000
	for i := range statements {
		name := fmt.Sprint("s", i)
		c.send(parse(name, "table wide"), bind("", name), &pgproto3.Execute{}, &pgproto3.Sync{})
		if got := c.cycle(); !strings.HasSuffix(got, "C(SELECT) Z(I)") && !strings.HasSuffix(got, "C(SELECT 0) Z(I)") {
			t.Fatal(got)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("%d statements keep %d MB", statements, grown>>20)
	}
}

// What a plan keeps of a text may be many times the text.
func TestPlansCountTowardsTheBound(t *testing.T) {
	for _, text := range []string{"execute p(" + strings.Repeat("1,", 999) + "1)", "select " + strings.Repeat("set_config('a','b',true),", 999) + "1", "prepare p as select " + strings.Repeat("set_config('a','b',true),", 999) + "1"} {
		st := &preparedStatement{plan: plan.Classify(sqlscan.Split(nil, text, true)[0], plan.Options{StandardConforming: true})}
		st.query.Text = text
		if size := st.size(); size < len(text)+40_000 {
			t.Errorf("%.30s: %d bytes", text, size)
		}
	}
}

// Statements that are replaced before they are answered, or while portals of them are open, are kept: not without a bound.
func TestReplacedStatementsAreBounded(t *testing.T) {
	text := "select '" + strings.Repeat("x", 100_000) + "'"
	for name, messages := range map[string]func(i int) []pgproto3.FrontendMessage{
		"unanswered": func(int) []pgproto3.FrontendMessage { return []pgproto3.FrontendMessage{parse("", text)} },
		"closed": func(int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{parse("a", text), &pgproto3.Close{ObjectType: 'S', Name: "a"}}
		},
		"with portals": func(i int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{parse("", text), bind(fmt.Sprint("p", i), ""), &pgproto3.Flush{}}
		},
	} {
		c := connect(t, &scripted{})
		var all []pgproto3.FrontendMessage
		for i := range 12 { // the bound is 1 MB
			all = append(all, messages(i)...)
		}
		c.send(append(all, &pgproto3.Sync{})...)
		if got := c.cycle(); !strings.Contains(got, "E(ERROR 54000: ") {
			t.Errorf("%s: %s", name, got)
		}
		c.send(parse("", text), bind("", ""), &pgproto3.Execute{}, &pgproto3.Sync{})
		if got := c.cycle(); strings.Contains(got, "E(") {
			t.Errorf("%s: then %.200s", name, got)
		}
	}
}

// The settings that a statement was prepared under count towards the bound, and statements of the same settings share them.
func TestTheSettingsOfStatements(t *testing.T) {
	st := &preparedStatement{}
	bare := st.size()
	if st.query.Settings = strings.Repeat("s", 1000); st.size() != bare+1000 {
		t.Errorf("%d bytes, without settings %d", st.size(), bare)
	}
	c := connect(t, &scripted{})
	c.send(parse("a", "select 1"), parse("b", "select 2"), &pgproto3.Sync{})
	c.cycle()
	a, b := c.session.prepared.byName["a"].query.Settings, c.session.prepared.byName["b"].query.Settings
	if a != b || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("%q and %q", a, b)
	}
}
