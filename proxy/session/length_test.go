package session

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// A pipeline takes as long as its messages do, however many of them wait before each.
func TestLongPipelines(t *testing.T) {
	const n = 20_000
	repeat := func(first []pgproto3.FrontendMessage, again ...pgproto3.FrontendMessage) []pgproto3.FrontendMessage {
		for range n {
			first = append(first, again...)
		}
		return append(first, &pgproto3.Sync{})
	}
	pinned := &pgproto3.Parse{Name: "q", Query: "select $1", ParameterOIDs: []uint32{25}}
	for name, msgs := range map[string][]pgproto3.FrontendMessage{
		"names that are dropped": repeat([]pgproto3.FrontendMessage{parse("", "select 1"), bind("", ""), &pgproto3.Execute{}}, parse("", "deallocate all"), bind("", ""), &pgproto3.Execute{}),
		"EXECUTE":                repeat([]pgproto3.FrontendMessage{parse("a", "select 1"), parse("e", "execute a")}, bind("", "e"), &pgproto3.Execute{}),
		"descriptions":           repeat([]pgproto3.FrontendMessage{parse("", "select 1"), bind("", ""), &pgproto3.Execute{}}, parse("", "select 2"), &pgproto3.Describe{ObjectType: 'S'}),
		"a type that is gone": append(repeat([]pgproto3.FrontendMessage{pinned}, &pgproto3.Bind{PreparedStatement: "q", Parameters: [][]byte{[]byte("1")}}, &pgproto3.Execute{})[:1+2*n],
			parse("", "update fails"), bind("", ""), &pgproto3.Execute{}, &pgproto3.Sync{}),
		"settings": {&pgproto3.Query{String: strings.Repeat(`set application_name=a;select '\';`, n)}},
	} {
		c := connect(t, &scripted{results: map[string]result{"update fails": {err: failing("42704", 3)}}}, func(o *Options) { o.Route.MaxRequest = 64 << 20 })
		began := time.Now()
		c.send(msgs...)
		got := c.cycle()
		if took := time.Since(began); took > 15*time.Second { // where each looks at all before it, a minute
			t.Errorf("%s: %s", name, took)
		}
		if want := strings.Contains(name, "gone"); strings.Contains(got, "E(") != want {
			t.Errorf("%s: %s", name, got[max(0, len(got)-200):])
		}
	}
}
