package session

import (
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
