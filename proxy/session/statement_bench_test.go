package session

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// BenchmarkStatement is what a session itself does for one cycle of a client, without a network and with an upstream that answers at
// once: its allocations are the session's, the connection's and the metrics'.
func BenchmarkStatement(b *testing.B) {
	var settings [][]pgproto3.FrontendMessage
	for _, set := range benchSettings {
		settings = append(settings, query("SET "+set[0]+" = '"+set[1]+"'"))
	}
	fiveValues := values("1", "2", "3", "one", "two")
	for _, bench := range []struct {
		name     string
		settings int // that setUp changes
		setUp    [][]pgproto3.FrontendMessage
		cycle    []pgproto3.FrontendMessage
	}{
		{"simple", 0, nil, query(benchLiteral)},
		{"simple_update", 0, nil, query(benchUpdate)},
		{"simple_1_setting", 1, settings[:1], query(benchLiteral)},
		{"simple_3_settings", 3, settings[:3], query(benchLiteral)},
		{"simple_10_settings", 10, settings, query(benchLiteral)},
		{"set", 0, nil, settings[0]},
		{"set_kept_here", 0, nil, query("SET application_name = 'a'")},
		{"PBDES_1_parameter", 0, nil, oneCycle(benchOne, nil, values("1"))},
		{"PBDES_5_parameters", 0, nil, oneCycle(benchFive, nil, fiveValues)},
		{"PBDES_orm_300B", 0, nil, oneCycle(benchORM, nil, values("a", "t", "1", "0"))},
		{"PBDES_1_declared", 0, nil, oneCycle(benchOne, []uint32{25}, values("1"))},
		{"PBDES_5_declared", 0, nil, oneCycle(benchFive, []uint32{25, 25, 25, 25, 25}, fiveValues)},
		{"BES_1_pinned", 0, [][]pgproto3.FrontendMessage{described(benchOne)}, bound(values("1"))},
		{"BES_5_pinned", 0, [][]pgproto3.FrontendMessage{described(benchFive)}, bound(fiveValues)},
		{"describe_hit", 0, [][]pgproto3.FrontendMessage{described(benchOne)}, append([]pgproto3.FrontendMessage{&pgproto3.Parse{Query: benchOne}}, describedAgain("")...)},
		{"describe_known", 0, [][]pgproto3.FrontendMessage{described(benchOne)}, describedAgain("s")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, nc := benched(b)
			for _, cycle := range bench.setUp {
				nc.serve(b, s, encoded(b, cycle))
			}
			if head, _, err := s.settings.Head(s.facts, false); err != nil || len(head.Params) != 2*bench.settings {
				b.Fatalf("the head is %q", head.SQL)
			}
			cycle := encoded(b, bench.cycle)
			nc.serve(b, s, cycle) // what is learned once is learned
			b.ReportAllocs()
			for b.Loop() {
				nc.serve(b, s, cycle)
			}
		})
	}
}

func query(sql string) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{&pgproto3.Query{String: sql}}
}

func values(list ...string) (params [][]byte) {
	for _, v := range list {
		params = append(params, []byte(v))
	}
	return params
}

func oneCycle(sql string, oids []uint32, params [][]byte) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{&pgproto3.Parse{Query: sql, ParameterOIDs: oids}, &pgproto3.Bind{Parameters: params},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}}
}

func described(sql string) []pgproto3.FrontendMessage {
	return append([]pgproto3.FrontendMessage{&pgproto3.Parse{Name: "s", Query: sql}}, describedAgain("s")...)
}

func describedAgain(name string) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{&pgproto3.Describe{ObjectType: 'S', Name: name}, &pgproto3.Sync{}}
}

func bound(params [][]byte) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "s", Parameters: params}, &pgproto3.Execute{}, &pgproto3.Sync{}}
}

func encoded(b *testing.B, msgs []pgproto3.FrontendMessage) []byte {
	b.Helper()
	var out []byte
	for _, m := range msgs {
		var err error
		if out, err = m.Encode(out); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// benched is a session that has greeted its client, whose connection is nc.
func benched(b *testing.B) (*Session, *written) {
	b.Helper()
	settings, perr := guc.Startup([]wire.Parameter{{Name: "application_name", Value: "test"}})
	if perr != nil {
		b.Fatal(perr)
	}
	facts, err := catalog.NewFacts(benchDefaults)
	if err != nil {
		b.Fatal(err)
	}
	types := catalog.NewTypes(time.Hour, 100)
	nc := &written{}
	s := New(Options{
		Conn:     wire.NewConn(nc, wire.Limits{}),
		Upstream: &atOnce{scripted{results: map[string]result{benchOne: todo, benchFive: todo}}},
		Identity: Identity{Token: upstream.NewToken("t"), Subject: "alice", ExpiresAt: time.Now().Add(time.Hour),
			Recheck: func(context.Context) *pgerr.Error { return nil }},
		Settings: settings,
		Facts:    facts,
		Route: Route{Name: "main", Role: "authenticated", StatementLimit: time.Minute, MaxRequest: 1 << 20,
			Types: types, Describer: describe.New(nil, types, describe.Options{TTL: time.Hour})},
		Metrics:   NewMetrics(prometheus.NewRegistry()),
		ProcessID: 7,
		SecretKey: []byte{1, 2, 3, 4},
	})
	if err := s.start(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.greet()
	if err := s.conn.Flush(); err != nil {
		b.Fatal(err)
	}
	return s, nc
}

// What clients of the benchmarks send, always with the same result.
const (
	benchLiteral = "select id, task from todos where id = 1"
	benchOne     = "select id, task from todos where id = $1"
	benchFive    = "select id, task from todos where id = $1 or id = $2 or id = $3 or task = $4 or task = $5"
	benchORM     = `SELECT "public"."User"."id", "public"."User"."email", "public"."User"."name", "public"."User"."createdAt" FROM ` +
		`"public"."User" LEFT JOIN "public"."Post" AS "j1" ON "j1"."authorId" = "public"."User"."id" WHERE ("public"."User"."email" ` +
		`= $1 AND "j1"."published" = $2) ORDER BY "public"."User"."id" ASC LIMIT $3 OFFSET $4`
	benchUpdate = "update todos set task = 'x' where id = 1"
)

// benchSettings are changed by benchmarks, to these values.
var benchSettings = [...][2]string{
	{"work_mem", "5MB"}, {"search_path", "app"}, {"DateStyle", "German, DMY"}, {"TimeZone", "Europe/Paris"}, {"IntervalStyle", "iso_8601"},
	{"statement_timeout", "5s"}, {"lock_timeout", "1s"}, {"random_page_cost", "1.1"}, {"app.tenant", "42"}, {"bytea_output", "escape"},
}

// benchDefaults are a route's defaults as far as the statements meet them.
var benchDefaults = []catalog.Parameter{
	{Name: "server_version_num", Value: "170006"}, {Name: "server_version", Value: "17.6"}, {Name: "server_encoding", Value: "UTF8"},
	{Name: "integer_datetimes", Value: "on"}, {Name: "in_hot_standby", Value: "off"}, {Name: "is_superuser", Value: "off"},
	{Name: "session_authorization", Value: "authenticated"}, {Name: "role", Value: "none"}, {Name: "scram_iterations", Value: "4096"},
	{Name: "extra_float_digits", Value: "1"}, {Name: "standard_conforming_strings", Value: "on"}, {Name: "client_min_messages", Value: "notice"},
	{Name: "default_transaction_isolation", Value: "read committed"}, {Name: "default_transaction_read_only", Value: "off"},
	{Name: "default_transaction_deferrable", Value: "off"},
	{Name: "work_mem", Value: "4MB"}, {Name: "search_path", Value: `"$user", public`}, {Name: "DateStyle", Value: "ISO, MDY"},
	{Name: "TimeZone", Value: "GMT"}, {Name: "IntervalStyle", Value: "postgres"}, {Name: "statement_timeout", Value: "0"},
	{Name: "lock_timeout", Value: "0"}, {Name: "random_page_cost", Value: "4"}, {Name: "bytea_output", Value: "hex"},
}

// written is a connection whose client has sent one cycle at a time and takes whatever comes.
type written struct {
	net.Conn
	unread []byte
	failed bool // an ErrorResponse was written
	last   byte // what was written last
}

func (w *written) Read(p []byte) (int, error) {
	if len(w.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w.unread)
	w.unread = w.unread[n:]
	return n, nil
}

func (w *written) Write(p []byte) (int, error) {
	w.last = p[len(p)-1]
	for m := p; len(m) > 0; m = m[1+binary.BigEndian.Uint32(m[1:]):] {
		w.failed = w.failed || m[0] == 'E'
	}
	return len(p), nil
}

func (w *written) SetReadDeadline(time.Time) error  { return nil }
func (w *written) SetWriteDeadline(time.Time) error { return nil }

// serve has the session answer one cycle, which is to end without an open or failed transaction.
func (w *written) serve(b *testing.B, s *Session, cycle []byte) {
	w.unread, w.last = cycle, 0
	for len(w.unread) > 0 || s.conn.Buffered() {
		msg, err := s.receive(b.Context())
		if err == nil {
			err = s.handle(b.Context(), msg)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if w.failed || w.last != 'I' {
		b.Fatal("the cycle has failed, or has not ended with ReadyForQuery")
	}
}

// atOnce is an upstream that takes next to no time and allocates nothing for a client's statement. All parameters are text in its eyes.
type atOnce struct{ script scripted }

var todo = result{
	fields: []upstream.Field{{Name: "id", TableOID: 16400, Column: 1, TypeOID: 20, TypeSize: 8, TypeMod: -1},
		{Name: "task", TableOID: 16400, Column: 3, TypeOID: 25, TypeSize: -1, TypeMod: -1}},
	rows: [][]string{{"1", "water the plants"}}, command: "SELECT", count: 1,
}

func (a *atOnce) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	if _, ok := asked(req); ok || strings.HasPrefix(req.Statements[0].SQL, "WITH RECURSIVE wanted") {
		return a.script.Run(ctx, req, sink)
	}
	for i, st := range req.Statements {
		r := todo
		switch sql := strings.TrimLeft(st.SQL, " "); {
		case strings.HasPrefix(sql, "SELECT n,"):
			r.rows = [][]string{readBack(string(st.Params[0]))}
		case strings.HasPrefix(sql, "SET"):
			r = result{command: "SET", count: -1}
		case strings.HasPrefix(sql, "update"):
			r = result{command: "UPDATE", count: 1}
		}
		if err := send(sink, i, r); err != nil {
			return err
		}
	}
	return nil
}

// readBack is the row for the one setting of an array.
func readBack(names string) []string {
	for _, set := range benchSettings {
		if names == `{"`+set[0]+`"}` {
			return set[:]
		}
	}
	panic("BUG: " + names + " is no setting of the benchmarks")
}
