package session

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

func TestZZMeasure(t *testing.T) {
	big := func(o *Options) { o.Route.MaxRequest = 64 << 20 }
	cases := []struct {
		name string
		n    int
		msgs func(n int) []pgproto3.FrontendMessage
	}{
		{"P B E sync", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			for range n {
				m = append(m, parse("", "select 1"), bind("", ""), &pgproto3.Execute{})
			}
			return append(m, &pgproto3.Sync{})
		}},
		{"deallocates", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			m = append(m, parse("", "select 1"), bind("", ""), &pgproto3.Execute{})
			for range n {
				m = append(m, parse("", "deallocate all"), bind("", ""), &pgproto3.Execute{})
			}
			return append(m, &pgproto3.Sync{})
		}},
		{"executes", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			m = append(m, &pgproto3.Query{String: "prepare a as select 1"}, parse("e", "execute a"))
			for range n {
				m = append(m, bind("", "e"), &pgproto3.Execute{})
			}
			return append(m, &pgproto3.Sync{})
		}},
		{"parse describe", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			m = append(m, parse("", "select 1"), bind("", ""), &pgproto3.Execute{})
			for range n {
				m = append(m, parse("", "select 2"), &pgproto3.Describe{ObjectType: 'S'})
			}
			return append(m, &pgproto3.Sync{})
		}},
		{"binds described", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			m = append(m, parse("", "select 1"), bind("", ""), &pgproto3.Execute{})
			for i := range n {
				m = append(m, bind(fmt.Sprint("p", i), ""), &pgproto3.Describe{ObjectType: 'P', Name: fmt.Sprint("p", i)})
			}
			return append(m, &pgproto3.Sync{})
		}},
		{"sets and selects", 4000, func(n int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: strings.Repeat("set application_name=a;select 1;", n)}}
		}},
		{"sets sent", 2000, func(n int) []pgproto3.FrontendMessage {
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: strings.Repeat("set work_mem=a;select '\\';", n)}}
		}},
		{"1000 settings again", 2000, func(n int) []pgproto3.FrontendMessage {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "set a.b%d=1;", i%900)
			}
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: b.String()}}
		}},
		{"savepoints", 4000, func(n int) []pgproto3.FrontendMessage {
			var b strings.Builder
			b.WriteString("begin;")
			for i := range n {
				fmt.Fprintf(&b, "savepoint a%d;", i)
			}
			b.WriteString(strings.Repeat("release a0;savepoint a0;", n) + "commit")
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: b.String()}}
		}},
		{"prepares", 2000, func(n int) []pgproto3.FrontendMessage {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "prepare a%d as select 1;", i)
			}
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: b.String()}}
		}},
		{"failing pinned pipeline", 4000, func(n int) (m []pgproto3.FrontendMessage) {
			m = append(m, &pgproto3.Parse{Name: "q", Query: "select $1", ParameterOIDs: []uint32{25}})
			for range n {
				m = append(m, &pgproto3.Bind{PreparedStatement: "q", Parameters: [][]byte{[]byte("1")}}, &pgproto3.Execute{})
			}
			m = append(m, parse("", "update fails"), bind("", ""), &pgproto3.Execute{})
			return append(m, &pgproto3.Sync{})
		}},
		{"set_config calls, is_local param", 250, func(n int) (m []pgproto3.FrontendMessage) {
			text := "select " + strings.TrimSuffix(strings.Repeat("set_config('a.b', 'x', $1),", n), ",") + strings.Repeat(" ", n*1000) + "+ 1"
			return []pgproto3.FrontendMessage{parse("", text), &pgproto3.Bind{Parameters: [][]byte{[]byte("f")}}, &pgproto3.Execute{}, &pgproto3.Sync{}}
		}},
		{"set_config calls, encoding", 250, func(n int) (m []pgproto3.FrontendMessage) {
			text := "select " + strings.TrimSuffix(strings.Repeat("set_config('client_encoding', 'utf8', false),", n), ",") + strings.Repeat("+ 1", n*1000)
			return []pgproto3.FrontendMessage{parse("", text), bind("", ""), &pgproto3.Execute{}, &pgproto3.Sync{}}
		}},
		{"execute args", 2000, func(n int) (m []pgproto3.FrontendMessage) {
			text := "select $1"
			for i := range n {
				text += fmt.Sprint(",$", i+1)
			}
			return []pgproto3.FrontendMessage{&pgproto3.Query{String: "prepare a as " + text + "; execute a(" + strings.TrimSuffix(strings.Repeat("1+1,", n), ",") + ")"}}
		}},
	}
	for _, tc := range cases {
		var line string
		var last time.Duration
		for _, k := range []int{1, 2, 4} {
			up := &scripted{results: map[string]result{"update fails": {err: failing("42704", 3)}}}
			c := connect(t, up, big)
			msgs := tc.msgs(tc.n * k)
			syncs := 0
			for _, m := range msgs {
				switch m.(type) {
				case *pgproto3.Query, *pgproto3.Sync:
					syncs++
				}
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			c.send(msgs...)
			got := ""
			for range syncs {
				got = c.cycle()
			}
			d := time.Since(start)
			runtime.ReadMemStats(&after)
			line += fmt.Sprintf(" %d: %v (x%.1f) %d MB;", tc.n*k, d.Round(time.Millisecond), float64(d)/float64(max(last, 1)), (after.TotalAlloc-before.TotalAlloc)>>20)
			last = d
			if k == 4 {
				line += " " + got[max(0, len(got)-110):]
			}
			c.nc.Close()
		}
		fmt.Println(tc.name, line)
	}
}
