package session

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What a client can make the session keep before it has sent a Sync is bounded, whatever it is made of.
func TestCycleIsBounded(t *testing.T) {
	for _, tc := range []struct {
		name string
		msgs func(i int) []pgproto3.FrontendMessage // sent again and again
	}{
		{"answers", func(int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{&pgproto3.Close{ObjectType: 'S'}}
		}},
		{"statements that are replaced", func(int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{parse("", "")}
		}},
		{"statements that wait for the server", func(int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{parse("", "select 1")}
		}},
		{"long names of portals", func(i int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{parse("", "select 1"), bind(strings.Repeat("p", 1_000+i), "")}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{}, func(o *Options) { o.Route.MaxRequest = 10_000 })
			var msgs []pgproto3.FrontendMessage
			for i := range 2_100 {
				msgs = append(msgs, tc.msgs(i)...)
			}
			c.send(append(msgs, &pgproto3.Sync{})...)
			if got := c.cycle(); !strings.HasSuffix(got, "E(ERROR 54000: the statements of one transaction would take more than 10000 bytes (What had not been answered yet was not run.)) Z(I)") {
				t.Error(got[max(0, len(got)-200):])
			}
			if got := c.query("select 1"); got != "T(v) D(select 1) C(SELECT 1) Z(I)" {
				t.Error("afterwards: " + got)
			}
		})
	}
}

func TestPreparedStatementsAreBounded(t *testing.T) {
	var p preparedStatements
	for i := 0; ; i++ {
		err := p.add(&preparedStatement{name: strconv.Itoa(i)})
		if err == nil {
			continue
		}
		if err.Code != "53200" {
			t.Fatal(err)
		}
		if i > maxPreparedBytes/preparedSize {
			t.Errorf("%d statements without a text were kept", i)
		}
		return
	}
}

// A query string of very many statements is refused at its bound: what stands behind is not even split.
func TestManyStatementsAreNotAllSplit(t *testing.T) {
	text := strings.Repeat("a;", 1<<20)
	c := connect(t, &scripted{}, func(o *Options) { o.Route.MaxRequest = 10_000 })
	c.query("select 1")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := c.query(text)
	runtime.ReadMemStats(&after)
	if !strings.Contains(got, "E(ERROR 54000: ") {
		t.Error(got[max(0, len(got)-200):])
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%d MB were allocated for a text of 2 MB", took>>20)
	}
}
