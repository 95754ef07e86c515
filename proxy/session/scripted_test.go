package session

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
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
