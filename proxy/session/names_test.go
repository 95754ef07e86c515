package session

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// sequence is what a client sends, cycle by cycle, and what it is answered.
type sequence []struct {
	send []pgproto3.FrontendMessage
	want string
}

func (q sequence) play(t *testing.T, c *client) {
	t.Helper()
	for i, st := range q {
		c.send(st.send...)
		if got := c.cycle(); got != st.want {
			t.Errorf("step %d:\n got %s\nwant %s", i, got, st.want)
		}
	}
}

func describeS(name string) *pgproto3.Describe {
	return &pgproto3.Describe{ObjectType: 'S', Name: name}
}

// What an EXECUTE returns is what its name meant when it was parsed, which may be nothing: a statement that executes itself has no end.
func TestExecuteOfItself(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	sequence{
		{msgs{parse("a", "execute a"), describeS("a"), sync}, "1 t(0) n Z(I)"},
		{msgs{parse("b", "execute a"), describeS("b"), bind("", "b"), describeP(""), sync}, "1 t(0) n 2 n Z(I)"},
		{msgs{bind("", "a"), describeP(""), execute(""), sync},
			"2 n E(ERROR 0A000: EXECUTE of a prepared statement that is answered without the server is not supported by pgturnstile) Z(I)"},
		{msgs{parse("c", "select 1"), parse("d", "execute c"), sync}, "1 1 Z(I)"},
		{msgs{&pgproto3.Close{ObjectType: 'S', Name: "c"}, parse("c", "delete from t"), sync}, "3 1 Z(I)"},
		{msgs{describeS("d"), sync}, "t(0) T(v) Z(I)"},
		{msgs{bind("", "d"), describeP(""), execute(""), sync}, "2 n C(DELETE 1) Z(I)"},
		{msgs{parse("e", "show application_name"), parse("f", "execute e"), describeS("f"), sync}, "1 1 t(0) T(application_name) Z(I)"},
		{msgs{&pgproto3.Close{ObjectType: 'S', Name: "e"}, describeS("f"), sync}, `3 t(0) E(ERROR 26000: prepared statement "e" does not exist) Z(I)`},
	}.play(t, connect(t, &scripted{}))
}

// A statement is read before its name is looked at.
func TestWrongStatementUnderATakenName(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	up := &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}}}
	sequence{
		{msgs{parse("a", "select 1"), sync}, "1 Z(I)"},
		{msgs{parse("a", "select bad"), sync}, "E(ERROR 42703@8: it failed) Z(I)"},
		{msgs{parse("a", "select 2"), bind("", "a"), execute(""), sync}, `E(ERROR 42P05: prepared statement "a" already exists) Z(I)`},
		{msgs{bind("", "a"), execute(""), sync}, "2 D(select 1) C(SELECT 1) Z(I)"},
	}.play(t, connect(t, up))
}

// An error about a value names the portal and the parameter that the client knows.
func TestValueOfANamedPortal(t *testing.T) {
	e := failing("22P02", 0)
	e.PG.Where = "unnamed portal parameter $1 = '...'"
	up := &scripted{results: map[string]result{"select $1": {err: e}}}
	c := connect(t, up)
	c.send(parse("", "select $1"), bind("p", "", "x"), execute("p"), &pgproto3.Sync{})
	c.until("Z(I)")
	g := &group{members: []member{{exec: &execution{portal: "p", params: [][]byte{nil}, kept: []int{2}}}}}
	if got := g.inPortal(e.PG).Where; got != `portal "p" parameter $3 = '...'` {
		t.Error(got)
	}
}

// SQL's commands and the protocol's messages name the same statements, in one pipeline too.
func TestNamesInAPipeline(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	run := func(sql string) msgs { return msgs{parse("", sql), bind("", ""), execute("")} }
	join := func(parts ...msgs) msgs { return append(slices.Concat(parts...), sync) }
	const refused = "E(ERROR 0A000: using the name of a prepared statement behind PREPARE, DEALLOCATE or DISCARD of it in the same pipeline is not supported by pgturnstile) Z(I)"
	sequence{
		{msgs{parse("a", "select 1"), sync}, "1 Z(I)"},
		{join(run("deallocate a"), msgs{bind("", "a")}), `1 2 C(DEALLOCATE) E(ERROR 26000: prepared statement "a" does not exist) Z(I)`},
		{join(run("prepare a as select 1"), msgs{bind("", "a"), execute("")}), "1 2 C(PREPARE) 2 D(select 1) C(SELECT 1) Z(I)"},
		{join(run("execute a"), msgs{&pgproto3.Close{ObjectType: 'S', Name: "a"}}), "1 2 D(select 1) C(SELECT 1) 3 Z(I)"},
		{msgs{parse("a", "select 1"), sync}, "1 Z(I)"},
		{join(run("delete from t"), run("deallocate a"), msgs{bind("", "b")}), `1 2 C(DELETE 1) 1 2 C(DEALLOCATE) E(ERROR 26000: prepared statement "b" does not exist) Z(I)`},
		{join(run("delete from t"), run("deallocate all"), msgs{bind("", "a")}), "1 2 C(DELETE 1) 1 2 C(DEALLOCATE ALL) " + refused},
		{join(run("deallocate nope"), run("select 1")), `1 2 E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`},
	}.play(t, connect(t, &scripted{}))
}

// A Query is skipped if what the pipeline before it asked for fails, and answered if it fails itself.
func TestQueryBehindAFailingPipeline(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	up := &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}, "select none": {err: failing("22012", 0)}}}
	sequence{
		{msgs{parse("", "select none"), bind("", ""), execute(""), &pgproto3.Query{String: "select 1"}, sync}, "1 E(ERROR 22012: it failed) Z(I)"},
		{msgs{bind("", ""), sync}, "2 Z(I)"},
		{msgs{parse("", "select bad"), &pgproto3.Query{String: "select 1"}, sync}, "E(ERROR 42703@8: it failed) Z(I)"},
		{msgs{parse("", "select 1"), bind("", ""), execute(""), &pgproto3.Query{String: "select none"}}, "1 E(ERROR 22012: it failed) Z(I)"},
		{msgs{sync}, "Z(I)"},
		{msgs{bind("", ""), sync}, "E(ERROR 26000: unnamed prepared statement does not exist) Z(I)"},
		{msgs{parse("a", "select 1"), bind("", "a"), execute(""), parse("", "prepare a as select 2"), bind("", ""), execute(""), &pgproto3.Query{String: "select 3"}, sync},
			`1 2 D(select 1) C(SELECT 1) 1 2 E(ERROR 42P05: prepared statement "a" already exists) Z(I)`},
		{msgs{&pgproto3.Query{String: "execute nope($1)"}}, `E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`},
	}.play(t, connect(t, up))
}

// What a pipeline has named behind the point where it fails is as it was: Postgres skips it.
func TestNamesBehindAFailure(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	run := func(name, sql string) msgs { return msgs{parse(name, sql), bind("", name), execute("")} }
	join := func(parts ...msgs) msgs { return append(slices.Concat(parts...), sync) }
	closing := &pgproto3.Close{ObjectType: 'S', Name: "a"}
	up := &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}, "select none": {err: failing("22012", 0)}}}
	sequence{
		{join(run("a", "select none"), run("b", "select 1")), "1 E(ERROR 22012: it failed) Z(I)"},
		{msgs{bind("", "b"), sync}, `E(ERROR 26000: prepared statement "b" does not exist) Z(I)`},
		{join(run("", "select none"), msgs{closing}, run("", "delete from t")), "1 E(ERROR 22012: it failed) Z(I)"},
		{msgs{bind("", "a"), describeS(""), sync}, "2 t(0) T() Z(I)"},
		{msgs{parse("", "select bad"), closing, sync}, "E(ERROR 42703@8: it failed) Z(I)"}, // which drops the unnamed statement
		{msgs{bind("", "a"), describeS(""), sync}, "2 E(ERROR 26000: unnamed prepared statement does not exist) Z(I)"},
		{msgs{closing, parse("a", "select 2"), parse("c", "select bad"), parse("a", "select 3"), sync}, "3 1 E(ERROR 42703@8: it failed) Z(I)"},
		{msgs{bind("", "a"), execute(""), sync}, "2 D(select 2) C(SELECT 1) Z(I)"},
		{join(run("", "execute d"), msgs{parse("d", "select 4")}), `1 2 E(ERROR 26000: prepared statement "d" does not exist) Z(I)`},
		{msgs{bind("", "d"), sync}, `E(ERROR 26000: prepared statement "d" does not exist) Z(I)`},
		{join(run("", "select none"), run("", "deallocate a")), "1 E(ERROR 22012: it failed) Z(I)"},
		{msgs{bind("", "a"), sync}, "2 Z(I)"},
	}.play(t, connect(t, up))
}

// A description is asked for anew where something has run that may have changed it, or names are looked up elsewhere.
func TestDescriptionThatMayHaveChanged(t *testing.T) {
	type msgs = []pgproto3.FrontendMessage
	sync := &pgproto3.Sync{}
	up := &scripted{}
	c := connect(t, up)
	sequence{
		{msgs{parse("a", "select $1"), describeS("a"), sync}, "1 t(1) T(v) Z(I)"},
		{msgs{describeS("a"), sync}, "t(1) T(v) Z(I)"},
	}.play(t, c)
	if got := len(up.sent()); got != 1 {
		t.Errorf("%d requests before: %q", got, up.sent())
	}
	c.query("alter table t add x int")
	before := len(up.sent())
	sequence{
		{msgs{describeS("a"), sync}, "t(1) T(v) Z(I)"},
		{msgs{describeS("a"), sync}, "t(1) T(v) Z(I)"},
	}.play(t, c)
	if sent := up.sent()[before:]; !slices.Equal(sent, []string{"types", "describe: select $1"}) {
		t.Errorf("sent behind a change: %q", sent)
	}
}

// A parameter that is neither declared nor used has no type, which the server says.
func TestParameterWithoutAType(t *testing.T) {
	c := connect(t, &scripted{results: map[string]result{"select $1": {err: failing("42P18", 0)}}})
	m := parse("", "select $1")
	m.ParameterOIDs = []uint32{25, 0}
	c.send(m, bind("", "", "a", "b"), execute(""), &pgproto3.Sync{})
	if got := c.cycle(); got != "E(ERROR 42P18: it failed) Z(I)" {
		t.Error(got)
	}
	for _, sent := range c.up.sent() {
		if strings.HasPrefix(sent, "auto") {
			t.Errorf("it was executed: %s", sent)
		}
	}
}

// Parameters that are declared for a statement that can have none are bound, and go nowhere.
func TestParametersOfAUtility(t *testing.T) {
	c := connect(t, &scripted{})
	m := parse("", "show DateStyle")
	m.ParameterOIDs = []uint32{25}
	c.send(m, bind("", "", "1"), execute(""), &pgproto3.Sync{})
	if got := c.cycle(); got != "1 2 D(1) C(SHOW) Z(I)" {
		t.Error(got)
	}
	if sent := c.up.sent(); sent[len(sent)-1] != "auto: show DateStyle" {
		t.Errorf("sent %q", sent)
	}
}

// A statement is not asked about before what may change it has run.
func TestParseBehindAChange(t *testing.T) {
	c := connect(t, &scripted{})
	c.send(parse("", "create table n (a int)"), bind("", ""), execute(""), parse("a", "select a from n"), &pgproto3.Sync{})
	if got := c.cycle(); !strings.HasPrefix(got, "1 2 C(CREATE") || !strings.Contains(got, "E(ERROR 0A000: waiting for the description of a statement behind one") {
		t.Error(got)
	}
	for _, sent := range c.up.sent() {
		if strings.HasPrefix(sent, "describe") {
			t.Errorf("sent %q", sent)
		}
	}
}
