package describe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// binEnv names the directory of another Postgres' initdb and postgres.
const binEnv = "PGTURNSTILE_TEST_POSTGRES_BIN"

// server is the Postgres of all tests that need one, with schema.sql in its database postgres; see [started].
var (
	server     *postgres.Server
	startError error
	starting   sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// started is the server, which the first one who needs it starts: a fuzzer does not.
func started(ctx context.Context) (*postgres.Server, error) {
	starting.Do(func() {
		var schema []byte
		if schema, startError = os.ReadFile("testdata/schema.sql"); startError != nil {
			return
		}
		if server, startError = postgres.Start(ctx, postgres.Options{Bin: os.Getenv(binEnv)}); startError == nil {
			startError = runSQL(ctx, server, string(schema))
		}
	})
	return server, startError
}

// execute runs SQL as the superuser.
func execute(ctx context.Context, sql string) error {
	s, err := started(ctx)
	if err != nil {
		return err
	}
	return runSQL(ctx, s, sql)
}

func runSQL(ctx context.Context, s *postgres.Server, sql string) error {
	conn, err := pgconn.Connect(ctx, s.DSN("postgres", postgres.Superuser))
	if err != nil {
		return err
	}
	return errors.Join(conn.Exec(ctx, sql).Close(), conn.Close(ctx))
}

// connect opens a session, which ends with the test.
func connect(t testing.TB, user string) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := started(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(ctx, s.DSN("postgres", user))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// oracle is a session of real Postgres.
type oracle struct {
	conn     net.Conn
	frontend *pgproto3.Frontend
	version  int
}

func newOracle(t testing.TB, user string) *oracle {
	t.Helper()
	h, err := connect(t, user).Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Conn.Close() })
	o := &oracle{conn: h.Conn, frontend: h.Frontend}
	if _, err := fmt.Sscanf(h.ParameterStatuses["server_version"], "%d", &o.version); err != nil {
		t.Fatal(err)
	}
	return o
}

// told is what Parse and Describe of a statement tell.
type told struct {
	params []uint32
	fields []upstream.Field
	rows   bool
	err    *pgerr.Error
}

// describe sends Parse, Describe and Sync.
func (o *oracle) describe(t testing.TB, sql string, oids []uint32) told {
	t.Helper()
	o.frontend.SendParse(&pgproto3.Parse{Query: sql, ParameterOIDs: oids})
	o.frontend.SendDescribe(&pgproto3.Describe{ObjectType: 'S'})
	o.frontend.SendSync(&pgproto3.Sync{})
	if err := o.frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	var d told
	for {
		msg, err := o.frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := msg.(type) {
		case *pgproto3.ParameterDescription:
			d.params = append([]uint32{}, m.ParameterOIDs...)
		case *pgproto3.RowDescription:
			d.rows = true
			for _, f := range m.Fields {
				d.fields = append(d.fields, upstream.Field{Name: string(f.Name), TableOID: f.TableOID, Column: f.TableAttributeNumber,
					TypeOID: f.DataTypeOID, TypeSize: f.DataTypeSize, TypeMod: f.TypeModifier})
			}
		case *pgproto3.ErrorResponse:
			d.err = &pgerr.Error{Code: m.Code, Message: m.Message, Detail: m.Detail, Hint: m.Hint, Position: m.Position}
		case *pgproto3.ReadyForQuery:
			return d
		}
	}
}

// asker runs statements as the upstream does: each as an unnamed Parse without types, Bind in text and Execute, all in one
// transaction, and everything of a session is gone afterwards.
type asker struct {
	t    testing.TB
	conn *pgconn.PgConn

	mu    sync.Mutex
	asked int      // requests
	sent  []string // statements
	fail  error    // what the next request ends with instead
	head  string   // what is run at the start of every request
}

const reset = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; " +
	"SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"

func newAsker(t testing.TB, user string) *asker {
	t.Helper()
	conn := connect(t, user)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return &asker{t: t, conn: conn}
}

func (a *asker) Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if err := a.fail; err != nil {
		a.fail = nil
		return err
	}
	for _, s := range statements {
		a.sent = append(a.sent, s.SQL)
	}
	if err := a.conn.Exec(ctx, "BEGIN;"+a.head).Close(); err != nil {
		return err
	}
	var err error
	for i, s := range statements {
		if err = a.one(ctx, i, s, sink); err != nil {
			break
		}
	}
	end := "COMMIT"
	if err != nil {
		end = "ROLLBACK"
	}
	return errors.Join(err, a.conn.Exec(ctx, end).Close(), a.conn.Exec(ctx, reset).Close())
}

func (a *asker) one(ctx context.Context, i int, s upstream.Statement, sink upstream.RowSink) error {
	r := a.conn.ExecParams(ctx, s.SQL, s.Params, nil, nil, nil)
	var fields []upstream.Field
	for _, f := range r.FieldDescriptions() {
		fields = append(fields, upstream.Field{Name: f.Name, TableOID: f.TableOID, Column: f.TableAttributeNumber,
			TypeOID: f.DataTypeOID, TypeSize: f.DataTypeSize, TypeMod: f.TypeModifier})
	}
	first := true
	for r.NextRow() {
		if first {
			if err := sink.Fields(i, fields); err != nil {
				return err
			}
			first = false
		}
		row := binary.BigEndian.AppendUint16(sink.NextRow(), uint16(len(fields)))
		for _, v := range r.Values() {
			if v == nil {
				row = binary.BigEndian.AppendUint32(row, 0xffffffff)
				continue
			}
			row = append(binary.BigEndian.AppendUint32(row, uint32(len(v))), v...)
		}
		if err := sink.EndRow(row); err != nil {
			return err
		}
	}
	if first {
		for _, f := range r.FieldDescriptions()[len(fields):] {
			fields = append(fields, upstream.Field{Name: f.Name, TableOID: f.TableOID, Column: f.TableAttributeNumber,
				TypeOID: f.DataTypeOID, TypeSize: f.DataTypeSize, TypeMod: f.TypeModifier})
		}
		if err := sink.Fields(i, fields); err != nil {
			return err
		}
	}
	if _, err := r.Close(); err != nil {
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
			return &upstream.Error{Outcome: upstream.Failed, PG: &pgerr.Error{Severity: pgerr.Severity(pg.SeverityUnlocalized), Code: pg.Code,
				Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint, Position: pg.Position, Routine: pg.Routine}}
		}
		return err
	}
	return sink.Complete(i, upstream.Completion{})
}

// requests is how many requests there have been since the last call.
func (a *asker) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.asked
	a.asked, a.sent = 0, nil
	return n
}

// simple runs SQL in the oracle's session.
func (o *oracle) simple(t testing.TB, sql string) {
	t.Helper()
	o.frontend.SendQuery(&pgproto3.Query{String: sql})
	if err := o.frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := o.frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			t.Errorf("%s: %s", sql, m.Message)
		case *pgproto3.ReadyForQuery:
			return
		}
	}
}
