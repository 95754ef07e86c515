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

// scripted is an upstream whose answers a test writes: each statement's text, trimmed, finds its result.
type scripted struct {
	results map[string]result
	// settings are what the server gives when a session's settings are read back, by name.
	settings map[string]string
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
	e.PG.Routine, e.PG.Message = "exec_parse_message", "cannot insert multiple commands into a prepared statement"
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
	if text, ok := asked(req); ok {
		return s.describe(text, req.Statements, sink)
	}
	if strings.HasPrefix(req.Statements[0].SQL, "WITH RECURSIVE wanted") {
		return send(sink, 0, result{fields: make([]upstream.Field, 7), command: "SELECT",
			rows: [][]string{{"25", "pg_catalog.text", "0", "b", "-1", "0", "t"}}})
	}
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
		if strings.HasPrefix(strings.TrimSpace(st.SQL), readBackSQL) {
			r = s.readBack(string(st.Params[0]))
		} else if strings.HasSuffix(st.SQL, "WHERE source = 'session'") {
			r = s.readBack("")
		}
		if err := send(sink, i, r); err != nil {
			return err
		}
	}
	return nil
}

// readBackSQL is how the statement begins that reads settings back; its parameter is an array of their names.
const readBackSQL = "SELECT n, pg_catalog.current_setting(n, true)"

func (s *scripted) readBack(names string) result {
	r := result{fields: make([]upstream.Field, 2), command: "SELECT"}
	if names == "" { // all of them
		for name, value := range s.settings {
			r.rows = append(r.rows, []string{name, value})
		}
		return r
	}
	for name := range strings.SplitSeq(strings.Trim(names, "{}"), ",") {
		name = strings.Trim(name, `"`)
		r.rows = append(r.rows, []string{name, s.settings[name]})
	}
	return r
}

// asked gives the statement that a request asks the server to describe.
func asked(req *upstream.Request) (text string, ok bool) {
	sql := req.Statements[0].SQL
	if strings.HasPrefix(sql, "PREPARE ") {
		_, text, ok = strings.Cut(sql, " AS ")
		return text, ok
	}
	if !strings.HasPrefix(sql, "SELECT d_.*") {
		return "", false
	}
	_, text, _ = strings.Cut(sql, "(\n")
	text, _, ok = strings.Cut(text, "\n)")
	return text, ok
}

// describe answers as a server in whose eyes all parameters are text.
func (s *scripted) describe(text string, statements []upstream.Statement, sink upstream.RowSink) error {
	r := s.result(text)
	if r.err == nil || r.err.PG.Class() != "42" {
		r.err = nil
	} else {
		pg := *r.err.PG
		pg.Position += int32(strings.Index(statements[0].SQL, text))
		return &upstream.Error{PG: &pg, Outcome: r.err.Outcome}
	}
	n := 0
	for strings.Contains(text, fmt.Sprintf("$%d", n+1)) || strings.Contains(text, fmt.Sprintf("$%d", n+2)) {
		n++
	}
	types := "{" + strings.TrimSuffix(strings.Repeat("25,", n), ",") + "}"
	for i := range statements {
		var fields []upstream.Field
		var rows [][]string
		switch {
		case len(statements) == 1 && n == 0: // W
			fields, rows = r.fields, [][]string{make([]string, len(r.fields))}
		case len(statements) == 1:
			fields = append(fields, r.fields...)
			fields = append(fields, upstream.Field{Name: "array", TypeOID: 1028})
			rows = [][]string{append(make([]string, len(r.fields)), types)}
		case i == 1: // what P has prepared
			fields, rows = []upstream.Field{{Name: "p", TypeOID: 1028}, {Name: "r", TypeOID: 1028}}, [][]string{{types, "{}"}}
		}
		if err := send(sink, i, result{fields: fields, rows: rows, command: "SELECT"}); err != nil {
			return err
		}
	}
	return nil
}

func send(sink upstream.RowSink, i int, r result) error {
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
	return sink.Complete(i, upstream.Completion{Command: r.command, Rows: max(r.count, 0), HasRows: r.count >= 0})
}

func (s *scripted) result(sql string) result {
	sql = strings.TrimRight(strings.TrimSpace(sql), ";")
	if r, ok := s.results[sql]; ok {
		return r
	}
	switch word, _, _ := strings.Cut(strings.ToUpper(sql), " "); word {
	case "SELECT", "WITH":
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
		if strings.HasPrefix(r.Statements[0].SQL, "WITH RECURSIVE wanted") {
			out = append(out, "types")
			continue
		}
		var b strings.Builder
		if text, ok := asked(&r); ok {
			out = append(out, "describe: "+strings.TrimSpace(text))
			continue
		}
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
			if strings.HasPrefix(strings.TrimSpace(st.SQL), readBackSQL) {
				fmt.Fprintf(&b, " read %s", st.Params[0])
				continue
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
	facts, err := catalog.NewFacts([]catalog.Parameter{{Name: "server_version_num", Value: "150018"}, {Name: "extra_float_digits", Value: "1"},
		{Name: "standard_conforming_strings", Value: "on"}, {Name: "TimeZone", Value: "GMT"}, {Name: "client_min_messages", Value: "notice"},
		{Name: "DateStyle", Value: "ISO, MDY"}, {Name: "default_transaction_isolation", Value: "read committed"},
		{Name: "default_transaction_read_only", Value: "off"}, {Name: "default_transaction_deferrable", Value: "off"}})
	if err != nil {
		t.Fatal(err)
	}
	types := catalog.NewTypes(time.Minute, 100)
	o := Options{
		Conn:     wire.NewConn(near, wire.Limits{}),
		Upstream: up,
		Identity: Identity{Token: upstream.NewToken("t"), Subject: "alice", ExpiresAt: time.Now().Add(time.Hour),
			Recheck: func(context.Context) *pgerr.Error { return nil }},
		Settings: settings,
		Facts:    facts,
		Route: Route{Name: "main", Role: "authenticated", StatementLimit: time.Minute, MaxRequest: 1 << 20,
			Types: types, Describer: describe.New(nil, types, describe.Options{})},
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
	start, end := "S(application_name=test) S(client_encoding="+o.Settings.Encoding()+") S(", ") K Z(I)"
	if got := c.cycle(); !strings.HasPrefix(got, start) || !strings.HasSuffix(got, end) {
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
	case *pgproto3.ParameterDescription:
		return fmt.Sprintf("t(%d)", len(m.ParameterOIDs))
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
