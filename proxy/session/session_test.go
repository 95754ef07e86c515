package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// scripted is an upstream whose answers a test writes: each statement's text, trimmed, finds its result.
type scripted struct {
	results map[string]result
	// run, when set, is asked first; handled false falls back to results.
	run func(ctx context.Context, req *upstream.Request) (handled bool, err error)

	mu       sync.Mutex
	requests []upstream.Request
	probes   int // of query strings of several statements, sent as one
}

func isSeveral(sql string) bool { return strings.Contains(strings.TrimRight(sql, "; "), ";") }

// readWhole is what Postgres says to several statements sent as one: the parser's error, or that they are several.
func readWhole(sql string) *upstream.Error {
	if at := strings.Index(sql, "oops"); at >= 0 {
		return grammar(int32(at + 1))
	}
	e := failing("42601", 0)
	e.PG.Routine = "exec_parse_message"
	return e
}

type result struct {
	fields  []upstream.Field
	rows    [][]string
	command string
	count   int64 // -1: the tag has no number
	err     *upstream.Error
}

func (s *scripted) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	if len(req.Statements) == 2 && req.Statements[1].SQL == "ROLLBACK" && isSeveral(req.Statements[0].SQL) {
		s.mu.Lock()
		s.probes++
		s.mu.Unlock()
		return readWhole(req.Statements[0].SQL)
	}
	s.mu.Lock()
	s.requests = append(s.requests, *req)
	s.mu.Unlock()
	if s.run != nil {
		if handled, err := s.run(ctx, req); handled {
			return err
		}
	}
	for _, st := range req.Statements { // an error comes alone
		if r := s.result(st.SQL); r.err != nil {
			pg := *r.err.PG
			if pg.Position > 0 { // scripted for the text without the space before it
				pg.Position += int32(len(st.SQL) - len(strings.TrimLeft(st.SQL, " ")))
			}
			return &upstream.Error{PG: &pg, Outcome: r.err.Outcome}
		}
	}
	for i, st := range req.Statements {
		r := s.result(st.SQL)
		if err := sink.Fields(i, r.fields); err != nil {
			return err
		}
		for _, row := range r.rows {
			b := binary.BigEndian.AppendUint16(sink.NextRow(), uint16(len(row)))
			for _, v := range row {
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			}
			if err := sink.EndRow(b); err != nil {
				return err
			}
		}
		if err := sink.Complete(i, upstream.Completion{Command: r.command, Rows: max(r.count, 0), HasRows: r.count >= 0}); err != nil {
			return err
		}
	}
	return nil
}

func (s *scripted) result(sql string) result {
	sql = strings.TrimRight(strings.TrimSpace(sql), ";")
	if r, ok := s.results[sql]; ok {
		return r
	}
	switch word, _, _ := strings.Cut(strings.ToUpper(sql), " "); word {
	case "SELECT":
		return result{fields: []upstream.Field{{Name: "v", TypeOID: 25, TypeSize: -1, TypeMod: -1}}, rows: [][]string{{sql}}, command: "SELECT", count: 1}
	case "SHOW":
		return result{fields: []upstream.Field{{Name: "s"}}, rows: [][]string{{"1"}}, command: word, count: -1}
	case "INSERT", "UPDATE", "DELETE":
		r := result{command: word, count: 1}
		if strings.Contains(sql, "returning") {
			r.fields, r.rows = []upstream.Field{{Name: "a"}}, [][]string{{"1"}}
		}
		return r
	default:
		return result{command: word, count: -1}
	}
}

// sent gives the requests so far, each as "tx[iso]: a | b".
func (s *scripted) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.requests {
		var b strings.Builder
		if r.Transaction {
			b.WriteString("tx")
		} else {
			b.WriteString("auto")
		}
		if r.Isolation != "" {
			fmt.Fprintf(&b, " %s", r.Isolation)
		}
		if r.ReadOnly {
			b.WriteString(" ro")
		}
		b.WriteString(":")
		for i, st := range r.Statements {
			if i > 0 {
				b.WriteString(" |")
			}
			fmt.Fprintf(&b, " %s", strings.TrimSpace(st.SQL))
			for _, p := range st.Params {
				if p == nil {
					b.WriteString(" <NULL>")
				} else {
					fmt.Fprintf(&b, " <%s>", p)
				}
			}
		}
		out = append(out, b.String())
	}
	return out
}

// client is a session under test and its other end.
type client struct {
	t       *testing.T
	session *Session
	up      *scripted
	front   *pgproto3.Frontend
	ended   chan error
	nc      net.Conn
}

type option func(*Options)

// connect starts a session over a pipe and reads its greeting.
func connect(t *testing.T, up *scripted, opts ...option) *client {
	t.Helper()
	near, far := net.Pipe()
	settings, perr := guc.Startup([]wire.Parameter{{Name: "application_name", Value: "test"}})
	if perr != nil {
		t.Fatal(perr)
	}
	o := Options{
		Conn:     wire.NewConn(near, wire.Limits{}),
		Upstream: up,
		Identity: Identity{Token: upstream.NewToken("t"), Subject: "alice", ExpiresAt: time.Now().Add(time.Hour),
			Recheck: func(context.Context) *pgerr.Error { return nil }},
		Settings:  settings,
		Facts:     &catalog.Facts{VersionNum: 150018, StandardConforming: true, ExtraFloatDigits: 1, Reported: []catalog.Parameter{{Name: "TimeZone", Value: "GMT"}}},
		Route:     Route{Name: "main", Role: "authenticated", StatementLimit: time.Minute, MaxRequest: 1 << 20},
		Metrics:   NewMetrics(prometheus.NewRegistry()),
		ProcessID: 7,
		SecretKey: []byte{1, 2, 3, 4},
	}
	for _, opt := range opts {
		opt(&o)
	}
	c := &client{t: t, session: New(o), up: up, front: pgproto3.NewFrontend(far, far), ended: make(chan error, 1), nc: far}
	go func() {
		c.ended <- c.session.Run(t.Context())
		near.Close()
	}()
	t.Cleanup(func() { far.Close() })
	const greeting = "S(application_name=test) S(client_encoding=UTF8) S(TimeZone=GMT) K Z(I)"
	if got := c.cycle(); got != greeting {
		t.Fatalf("greeting: %s", got)
	}
	return c
}

// send writes messages; the pipe has no buffer, so from a goroutine.
func (c *client) send(msgs ...pgproto3.FrontendMessage) {
	var b []byte
	for _, m := range msgs {
		var err error
		if b, err = m.Encode(b); err != nil {
			c.t.Fatal(err)
		}
	}
	go func() {
		if _, err := c.nc.Write(b); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			c.t.Error(err)
		}
	}()
}

// cycle reads to ReadyForQuery, or to the end, and gives a line of it.
func (c *client) cycle() string {
	return c.read(func(m pgproto3.BackendMessage) bool { _, z := m.(*pgproto3.ReadyForQuery); return z })
}

// until reads up to the first message with that line.
func (c *client) until(line string) string {
	return c.read(func(m pgproto3.BackendMessage) bool { return show(m) == line })
}

func (c *client) read(last func(pgproto3.BackendMessage) bool) string {
	c.t.Helper()
	var out []string
	for {
		m, err := c.front.Receive()
		if err != nil {
			return strings.Join(append(out, "closed"), " ")
		}
		out = append(out, show(m))
		if last(m) {
			return strings.Join(out, " ")
		}
	}
}

func (c *client) query(sql string) string {
	c.t.Helper()
	c.send(&pgproto3.Query{String: sql})
	return c.cycle()
}

func show(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.ParameterStatus:
		return fmt.Sprintf("S(%s=%s)", m.Name, m.Value)
	case *pgproto3.BackendKeyData:
		return "K"
	case *pgproto3.ReadyForQuery:
		return fmt.Sprintf("Z(%c)", m.TxStatus)
	case *pgproto3.RowDescription:
		var names []string
		for _, f := range m.Fields {
			names = append(names, string(f.Name))
		}
		return "T(" + strings.Join(names, ",") + ")"
	case *pgproto3.DataRow:
		return "D(" + string(bytes.Join(m.Values, []byte(","))) + ")"
	case *pgproto3.CommandComplete:
		return "C(" + string(m.CommandTag) + ")"
	case *pgproto3.ErrorResponse:
		pos := ""
		if m.Position != 0 {
			pos = fmt.Sprintf("@%d", m.Position)
		}
		detail := ""
		if m.Detail != "" {
			detail = " (" + m.Detail + ")"
		}
		return fmt.Sprintf("E(%s %s%s: %s%s)", m.Severity, m.Code, pos, m.Message, detail)
	case *pgproto3.NoticeResponse:
		return fmt.Sprintf("N(%s %s: %s)", m.Severity, m.Code, m.Message)
	case *pgproto3.ParseComplete:
		return "1"
	case *pgproto3.BindComplete:
		return "2"
	case *pgproto3.CloseComplete:
		return "3"
	case *pgproto3.NoData:
		return "n"
	case *pgproto3.EmptyQueryResponse:
		return "I"
	default:
		return fmt.Sprintf("%T", m)
	}
}

// grammar is an error of Postgres' parser.
func grammar(position int32) *upstream.Error {
	e := failing("42601", position)
	e.PG.Routine = "scanner_yyerror"
	return e
}

func failing(code string, position int32) *upstream.Error {
	e := pgerr.New(code, "it failed")
	e.Position = position
	return &upstream.Error{PG: e, Outcome: upstream.Failed}
}

func TestSimpleQuery(t *testing.T) {
	failed := map[string]result{"select bad": {err: failing("22012", 8)}, "oops": {err: grammar(1)}}
	for _, tc := range []struct{ name, sql, want, sent string }{
		{"one", "select 1", "T(v) D(select 1) C(SELECT 1) Z(I)", "auto: select 1"},
		{"empty", "", "I Z(I)", ""},
		{"only comments and semicolons", "/* a */ ; -- b", "I Z(I)", ""},
		{"no rows", "insert into t values (1)", "C(INSERT 0 1) Z(I)", "auto: insert into t values (1)"},
		{"rows of a write run as a batch of one", "insert into t values (1) returning a",
			"T(a) D(1) C(INSERT 0 1) Z(I)", "tx: insert into t values (1) returning a"},
		{"several are one transaction", "select 1; select 2",
			"T(v) D(select 1) C(SELECT 1) T(v) D(select 2) C(SELECT 1) Z(I)", "tx: select 1; | select 2"},
		{"an error's position is the query string's", "select 'ä'; select bad", "E(ERROR 22012@20: it failed) Z(I)", ""},
		{"a block in one query", "begin; select 1; commit",
			"C(BEGIN) T(v) D(select 1) C(SELECT 1) C(COMMIT) Z(I)", "tx: select 1;"},
		{"its isolation", "start transaction isolation level serializable, read only; select 1; end",
			"C(START TRANSACTION) T(v) D(select 1) C(SELECT 1) C(COMMIT) Z(I)", "tx SERIALIZABLE ro: select 1;"},
		{"modes after a statement go to the server", "select 1; begin isolation level serializable; commit",
			"T(v) D(select 1) C(SELECT 1) C(BEGIN) C(COMMIT) Z(I)", "tx: select 1; | SET TRANSACTION isolation level serializable"},
		{"rollback", "begin; insert into t values (1); rollback",
			"C(BEGIN) C(INSERT 0 1) C(ROLLBACK) Z(I)", "tx: insert into t values (1); | ROLLBACK"},
		{"savepoints", "begin; savepoint a; select 1; rollback to a; release a; commit",
			"C(BEGIN) C(SAVEPOINT) T(v) D(select 1) C(SELECT 1) C(ROLLBACK) C(RELEASE) C(COMMIT) Z(I)",
			"tx: savepoint a; | select 1; | rollback to a; | release a;"},
		{"commit without begin ends the implicit transaction", "select 1; commit; select 2",
			"T(v) D(select 1) C(SELECT 1) N(WARNING 25P01: there is no transaction in progress) C(COMMIT) T(v) D(select 2) C(SELECT 1) Z(I)",
			"tx: select 1;\ntx: select 2"},
		{"begin twice", "begin; begin; commit",
			"C(BEGIN) N(WARNING 25001: there is already a transaction in progress) C(BEGIN) C(COMMIT) Z(I)", ""},
		{"savepoint outside", "select 1; savepoint a",
			"T(v) D(select 1) C(SELECT 1) E(ERROR 25P01: SAVEPOINT can only be used in transaction blocks) Z(I)", "tx: select 1; | ROLLBACK"},
		{"a block that would stay open", "insert into t values (1); begin; select 1",
			"E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)", ""},
		{"chain", "begin isolation level serializable; select 1; commit and chain; select 2; commit",
			"C(BEGIN) T(v) D(select 1) C(SELECT 1) C(COMMIT) T(v) D(select 2) C(SELECT 1) C(COMMIT) Z(I)",
			"tx SERIALIZABLE: select 1;\ntx SERIALIZABLE: select 2;"},
		{"chain outside", "commit and chain", "E(ERROR 25P01: COMMIT AND CHAIN can only be used in transaction blocks) Z(I)", ""},
		{"a refusal undoes what stands before it", "insert into t values (1); listen x; select 2",
			"C(INSERT 0 1) E(ERROR 0A000: LISTEN is not supported by pgturnstile) Z(I)", "tx: insert into t values (1); | ROLLBACK"},
		{"an error in a block", "begin; select bad; commit", "C(BEGIN) E(ERROR 22012@15: it failed) Z(E)", "tx: select bad;"},
		{"a syntax error behind a commit: nothing has run", "begin; insert into t values (1); commit; oops", "E(ERROR 42601@42: it failed) Z(I)", ""},
		{"a syntax error behind another error", "select bad; oops", "E(ERROR 42601@13: it failed) Z(I)", "tx: select bad; | oops"},
		{"a syntax error behind a refusal", "listen x; oops", "E(ERROR 42601@11: it failed) Z(I)", ""},
		{"a syntax error behind an error of ours", "savepoint a; oops", "E(ERROR 42601@14: it failed) Z(I)", ""},
		{"a syntax error behind a setting", "set client_min_messages = loud; oops", "E(ERROR 42601@33: it failed) Z(I)", ""},
		{"a syntax error in a block that stays open", "begin; oops", "E(ERROR 42601@8: it failed) Z(I)", ""},
		{"a syntax error in a block: it has not begun", "begin; insert into t values (1); oops; commit", "E(ERROR 42601@34: it failed) Z(I)", ""},
		{"a parameter", "select $1", "E(ERROR 42P02@8: there is no parameter $1) Z(I)", ""},
		{"kept settings", "set application_name = 'x y'; show application_name",
			"C(SET) T(application_name) D(x y) C(SHOW) S(application_name=x y) Z(I)", ""},
		{"an unset one is the server's to show", "show extra_float_digits", "T(s) D(1) C(SHOW) Z(I)", "auto: show extra_float_digits"},
		{"a setting goes back when its transaction does", "begin; set application_name = 'x'; rollback; show application_name",
			"C(BEGIN) C(SET) C(ROLLBACK) T(application_name) D(test) C(SHOW) Z(I)", ""},
		{"an error undoes a setting", "set application_name = 'x'; select bad", "C(SET) E(ERROR 22012@36: it failed) Z(I)", "tx: select bad"},
		{"an invalid value", "set client_min_messages = 'loud'",
			`E(ERROR 22023: invalid value for parameter "client_min_messages": "loud") Z(I)`, ""},
		{"warnings can be switched off", "set client_min_messages = error; commit", "C(SET) C(COMMIT) Z(I)", ""},
		{"other settings", "set timezone = 'UTC'", `E(ERROR 0A000: SET timezone is not supported by pgturnstile) Z(I)`, ""},
		{"unlisten and close all", "unlisten *; close all; deallocate all", "C(UNLISTEN) C(CLOSE CURSOR ALL) C(DEALLOCATE ALL) Z(I)", ""},
		{"deallocate", "deallocate nope", `E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{results: failed})
			if got := c.query(tc.sql); got != tc.want {
				t.Errorf("answer\n got %s\nwant %s", got, tc.want)
			}
			if sent := strings.Join(c.up.sent(), "\n"); tc.sent != "" && sent != tc.sent || tc.sent == "" && tc.want != "" && !strings.Contains(tc.want, "it failed") && sent != "" {
				t.Errorf("sent\n got %s\nwant %s", sent, tc.sent)
			}
		})
	}
}

func TestFailedBlock(t *testing.T) {
	up := &scripted{results: map[string]result{"select bad": {err: failing("22012", 0)}}}
	const aborted = "E(ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block) Z(E)"
	fail := func(t *testing.T) *client {
		c := connect(t, up)
		if got := c.query("begin; select bad"); got != "E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)" {
			t.Fatal(got)
		}
		if got := c.query("begin; savepoint a; select bad; commit"); got != "C(BEGIN) E(ERROR 22012: it failed) Z(E)" {
			t.Fatal(got)
		}
		if got := c.query("select 1"); got != aborted {
			t.Fatal(got)
		}
		if got := c.query(""); got != "I Z(E)" {
			t.Fatal(got)
		}
		return c
	}
	for _, tc := range []struct{ sql, want string }{
		{"rollback", "C(ROLLBACK) Z(I)"},
		{"commit", "C(ROLLBACK) Z(I)"},
		{"end; select 1", "C(ROLLBACK) T(v) D(select 1) C(SELECT 1) Z(I)"},
		{"savepoint a", aborted},
		{"begin", aborted},
		{"rollback to a", "E(ERROR 0A000: ROLLBACK TO SAVEPOINT in a later query than its transaction's BEGIN is not supported by pgturnstile) Z(E)"},
	} {
		t.Run(tc.sql, func(t *testing.T) {
			c := fail(t)
			if got := c.query(tc.sql); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("no savepoint", func(t *testing.T) {
		c := connect(t, up)
		c.query("begin; select bad; commit")
		if got := c.query("rollback to a"); got != `E(ERROR 3B001: savepoint "a" does not exist) Z(E)` {
			t.Error(got)
		}
	})
	t.Run("extended", func(t *testing.T) {
		c := fail(t)
		c.send(parse("", "select 1"), &pgproto3.Sync{})
		if got := c.cycle(); got != aborted {
			t.Error(got)
		}
		c.send(parse("", "rollback"), bind("", ""), describeP(""), execute(""), &pgproto3.Sync{})
		if got := c.cycle(); got != "1 2 n C(ROLLBACK) Z(I)" {
			t.Error(got)
		}
	})
}

func parse(name, sql string) *pgproto3.Parse { return &pgproto3.Parse{Name: name, Query: sql} }
func bind(portal, stmt string, params ...string) *pgproto3.Bind {
	b := &pgproto3.Bind{DestinationPortal: portal, PreparedStatement: stmt}
	for _, p := range params {
		b.Parameters = append(b.Parameters, []byte(p))
	}
	return b
}
func describeP(portal string) *pgproto3.Describe {
	return &pgproto3.Describe{ObjectType: 'P', Name: portal}
}
func execute(portal string) *pgproto3.Execute { return &pgproto3.Execute{Portal: portal} }

func TestExtendedQuery(t *testing.T) {
	sync := &pgproto3.Sync{}
	type msgs = []pgproto3.FrontendMessage
	for _, tc := range []struct {
		name string
		send msgs
		want string
		sent string
	}{
		{"one cycle", msgs{parse("", "select $1"), bind("", "", "a"), describeP(""), execute(""), sync},
			"1 2 T(v) D(select $1) C(SELECT 1) Z(I)", "auto: select $1 <a>"},
		{"no Describe, no RowDescription", msgs{parse("", "select 1"), bind("", ""), execute(""), sync},
			"1 2 D(select 1) C(SELECT 1) Z(I)", "auto: select 1"},
		{"a pipeline is one transaction", msgs{parse("a", "insert into t values ($1)"), bind("", "a", "1"), execute(""), bind("", "a", "2"), execute(""), sync},
			"1 2 C(INSERT 0 1) 2 C(INSERT 0 1) Z(I)", "tx: insert into t values ($1) <1> | insert into t values ($1) <2>"},
		{"NoData is known without the server", msgs{parse("", "insert into t values (1)"), bind("", ""), describeP(""), execute(""), sync},
			"1 2 n C(INSERT 0 1) Z(I)", "auto: insert into t values (1)"},
		{"empty", msgs{parse("", ""), bind("", ""), describeP(""), execute(""), sync}, "1 2 n I Z(I)", ""},
		{"an error skips to Sync", msgs{bind("", "nope"), execute(""), parse("", "select 1"), sync},
			`E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, ""},
		{"an error undoes what was executed", msgs{parse("", "insert into t values (1)"), bind("", ""), execute(""), bind("", "nope"), sync},
			`1 2 C(INSERT 0 1) E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, "tx: insert into t values (1) | ROLLBACK"},
		{"the server's error comes alone", msgs{parse("", "select bad"), bind("", ""), describeP(""), execute(""), sync},
			"E(ERROR 42703@8: it failed) Z(I)", "auto: select bad"},
		{"two statements in one", msgs{parse("", "select 1; select 2"), sync},
			"E(ERROR 42601: cannot insert multiple commands into a prepared statement) Z(I)", ""},
		{"parameters are counted", msgs{parse("", "select $2"), bind("", "", "1"), sync},
			`1 E(ERROR 08P01: bind message supplies 1 parameters, but prepared statement "" requires 2) Z(I)`, ""},
		{"Describe of a statement", msgs{parse("", "select 1"), &pgproto3.Describe{ObjectType: 'S'}, sync},
			"1 E(ERROR 0A000: Describe of a statement before Bind is not supported by pgturnstile) Z(I)", ""},
		{"a Describe that nothing executes", msgs{parse("", "select 1"), bind("", ""), describeP(""), sync},
			"1 2 E(ERROR 0A000: waiting for Describe of a portal before its Execute is not supported by pgturnstile) Z(I)", ""},
		{"declared types", msgs{&pgproto3.Parse{Query: "select $1", ParameterOIDs: []uint32{23}}, sync},
			"E(ERROR 0A000: declaring parameter types in Parse is not supported by pgturnstile) Z(I)", ""},
		{"unknown is not declared", msgs{&pgproto3.Parse{Query: "select $1", ParameterOIDs: []uint32{0, 705}}, sync}, "1 Z(I)", ""},
		{"binary results", msgs{parse("", "select 1"), &pgproto3.Bind{ResultFormatCodes: []int16{1}}, sync},
			"1 E(ERROR 0A000: the binary format of results is not supported by pgturnstile) Z(I)", ""},
		{"a row limit", msgs{parse("", "select 1"), bind("", ""), &pgproto3.Execute{MaxRows: 1}, sync},
			"1 2 E(ERROR 0A000: a row limit in Execute (max_rows) is not supported by pgturnstile) Z(I)", ""},
		{"a row limit without rows", msgs{parse("", "delete from t"), bind("", ""), &pgproto3.Execute{MaxRows: 1}, sync},
			"1 2 C(DELETE 1) Z(I)", "auto: delete from t"},
		{"text that is not UTF-8", msgs{parse("", "select $1"), bind("", "", "\xff"), sync},
			`1 E(ERROR 22021: invalid byte sequence for encoding "UTF8": 0xff) Z(I)`, ""},
		{"a block in one pipeline", msgs{parse("", "begin"), bind("", ""), execute(""), parse("", "insert into t values (1)"), bind("", ""), execute(""),
			parse("", "commit"), bind("", ""), execute(""), sync},
			"1 2 C(BEGIN) 1 2 C(INSERT 0 1) 1 2 C(COMMIT) Z(I)", "tx: insert into t values (1)"},
		{"a block that would stay open", msgs{parse("", "begin"), bind("", ""), execute(""), sync},
			"E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)", ""},
		{"Close", msgs{parse("a", "select 1"), &pgproto3.Close{ObjectType: 'S', Name: "a"}, &pgproto3.Close{ObjectType: 'P', Name: "x"}, bind("", "a"), sync},
			`1 3 3 E(ERROR 26000: prepared statement "a" does not exist) Z(I)`, ""},
		{"a Query ends the pipeline before it", msgs{parse("", "insert into t values (1)"), bind("", ""), execute(""), &pgproto3.Query{String: "select 1"}},
			"1 2 C(INSERT 0 1) T(v) D(select 1) C(SELECT 1) Z(I)", "tx: insert into t values (1) | select 1"},
		{"COPY messages are left over", msgs{&pgproto3.CopyDone{}, &pgproto3.CopyFail{}, sync}, "Z(I)", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}}})
			c.send(tc.send...)
			if got := c.cycle(); got != tc.want {
				t.Errorf("answer\n got %s\nwant %s", got, tc.want)
			}
			if sent := strings.Join(c.up.sent(), "\n"); sent != tc.sent {
				t.Errorf("sent\n got %s\nwant %s", sent, tc.sent)
			}
		})
	}
}

func TestStatementsOutliveSync(t *testing.T) {
	c := connect(t, &scripted{results: map[string]result{"select bad": {err: failing("42703", 8)}, "select none": {err: failing("22012", 0)}}})
	steps := []struct {
		send []pgproto3.FrontendMessage
		want string
	}{
		{[]pgproto3.FrontendMessage{parse("a", "select 1"), &pgproto3.Sync{}}, "1 Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "a"), execute(""), &pgproto3.Sync{}}, "2 D(select 1) C(SELECT 1) Z(I)"},
		{[]pgproto3.FrontendMessage{execute(""), &pgproto3.Sync{}}, `E(ERROR 34000: portal "" does not exist) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("a", "select 2"), &pgproto3.Sync{}}, `E(ERROR 42P05: prepared statement "a" already exists) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("b", "select bad"), bind("", "b"), execute(""), &pgproto3.Sync{}}, "E(ERROR 42703@8: it failed) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "b"), &pgproto3.Sync{}}, `E(ERROR 26000: prepared statement "b" does not exist) Z(I)`},
		{[]pgproto3.FrontendMessage{parse("c", "select none"), bind("", "c"), execute(""), &pgproto3.Sync{}}, "E(ERROR 22012: it failed) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "c"), &pgproto3.Sync{}}, "2 Z(I)"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "deallocate c"}}, "C(DEALLOCATE) Z(I)"},
		{[]pgproto3.FrontendMessage{bind("", "c"), &pgproto3.Sync{}}, `E(ERROR 26000: prepared statement "c" does not exist) Z(I)`},
	}
	for i, st := range steps {
		c.send(st.send...)
		if got := c.cycle(); got != st.want {
			t.Errorf("step %d: got %s, want %s", i, got, st.want)
		}
	}
}

func TestFlushAnswers(t *testing.T) {
	c := connect(t, &scripted{})
	c.send(parse("", "select 1"), bind("", ""), describeP(""), execute(""), &pgproto3.Flush{})
	if got := c.until("C(SELECT 1)"); got != "1 2 T(v) D(select 1) C(SELECT 1)" {
		t.Error(got)
	}
	c.send(parse("", "insert into t values (1)"), bind("", ""), execute(""), &pgproto3.Flush{})
	if got := c.until("C(INSERT 0 1)"); got != "1 2 C(INSERT 0 1)" {
		t.Error(got)
	}
	c.send(bind("", ""), execute(""), &pgproto3.Sync{})
	if got := c.cycle(); got != "2 E(ERROR 0A000: a second Execute in a pipeline after a write that was answered at Flush is not supported by pgturnstile (A statement of this pipeline that was answered at Flush has been committed.)) Z(I)" {
		t.Error(got)
	}
	want := "tx ro: select 1\nauto: insert into t values (1)"
	if got := strings.Join(c.up.sent(), "\n"); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestFlushOfAReadThatWrites(t *testing.T) {
	up := &scripted{}
	up.run = func(_ context.Context, req *upstream.Request) (bool, error) {
		return req.ReadOnly, failing(pgerr.ReadOnlySQLTransaction, 0)
	}
	c := connect(t, up)
	c.send(parse("", "select nextval('s')"), bind("", ""), execute(""), &pgproto3.Flush{}, &pgproto3.Sync{})
	if got := c.cycle(); got != "1 2 D(select nextval('s')) C(SELECT 1) Z(I)" {
		t.Error(got)
	}
	if got := strings.Join(up.sent(), "\n"); got != "tx ro: select nextval('s')\nauto: select nextval('s')" {
		t.Error(got)
	}
}

// hanging waits for the request's end and says what the neon client would.
func hanging(started chan<- struct{}) *scripted {
	return &scripted{run: func(ctx context.Context, _ *upstream.Request) (bool, error) {
		close(started)
		<-ctx.Done()
		return true, &upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "dropped").Because(context.Cause(ctx)), Outcome: upstream.Unknown}
	}}
}

func TestCancelAndLimit(t *testing.T) {
	t.Run("cancel", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			started := make(chan struct{})
			c := connect(t, hanging(started))
			c.session.Cancel() // idle: without effect on the next statement
			c.send(&pgproto3.Query{String: "select 1"})
			<-started
			c.session.Cancel()
			if got := c.cycle(); got != "E(ERROR 57014: canceling statement due to user request (outcome unknown)) Z(I)" {
				t.Error(got)
			}
		})
	})
	t.Run("statement limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := connect(t, hanging(make(chan struct{})))
			if got := c.query("select 1"); got != "E(ERROR 57014: canceling statement due to statement timeout (outcome unknown)) Z(I)" {
				t.Error(got)
			}
			if took := time.Since(start); took != time.Minute {
				t.Errorf("after %s", took)
			}
		})
	})
	t.Run("the client goes away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := connect(t, hanging(make(chan struct{})), func(o *Options) { o.Alive = func() bool { return time.Since(start) < 3*time.Second } })
			c.send(&pgproto3.Query{String: "select 1"})
			if err := <-c.ended; !errors.Is(err, errClientGone) {
				t.Error(err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("noticed after %s", took)
			}
		})
	})
	t.Run("the answer that came all the same is the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			up := &scripted{run: func(ctx context.Context, _ *upstream.Request) (bool, error) {
				<-ctx.Done()
				return true, failing("22012", 0)
			}}
			c := connect(t, up)
			if got := c.query("select 1"); got != "E(ERROR 22012: it failed) Z(I)" {
				t.Error(got)
			}
		})
	})
}

func TestDrain(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, &scripted{})
			synctest.Wait()
			c.session.Drain()
			if got := c.cycle(); got != "E(FATAL 57P01: terminating connection due to administrator command) closed" {
				t.Error(got)
			}
		})
	})
	t.Run("busy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release, started := make(chan struct{}), make(chan struct{})
			c := connect(t, &scripted{run: func(context.Context, *upstream.Request) (bool, error) {
				close(started)
				<-release
				return false, nil
			}})
			c.send(&pgproto3.Query{String: "select 1"})
			<-started
			c.session.Drain()
			close(release)
			if got := c.cycle(); got != "T(v) D(select 1) C(SELECT 1) Z(I)" {
				t.Error(got)
			}
			if got := c.cycle(); got != "E(FATAL 57P01: terminating connection due to administrator command) closed" {
				t.Error(got)
			}
		})
	})
}

func TestRecheckEndsTheSession(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) {
		o.Identity.Recheck = func(context.Context) *pgerr.Error { return pgerr.New(pgerr.InvalidPassword, "no longer") }
	})
	if got := c.query("select 1"); got != "E(FATAL 28P01: no longer) closed" {
		t.Error(got)
	}
	if len(c.up.sent()) != 0 {
		t.Error("the statement was sent")
	}
}

func TestPipelineIsBounded(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) { o.Route.MaxRequest = 10_000 })
	var msgs []pgproto3.FrontendMessage
	msgs = append(msgs, parse("a", "select $1"))
	for range 100 {
		msgs = append(msgs, bind("", "a", "x"), execute(""))
	}
	c.send(append(msgs, &pgproto3.Sync{})...)
	got := c.cycle()
	if !strings.Contains(got, "E(ERROR 54000: the statements of one transaction would take more than 10000 bytes)") {
		t.Error(got)
	}
}
