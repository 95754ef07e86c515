package proxytest

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5/pgproto3"
)

// scripted is a Target whose server reads the StartupMessage and then does what serve says.
func scripted(serve func(nc net.Conn, b *pgproto3.Backend)) Target {
	return Target{
		User: "u", Database: "d", Password: "secret",
		Dial: func(context.Context) (net.Conn, error) {
			server, client := net.Pipe()
			go func() {
				defer server.Close()
				b := pgproto3.NewBackend(server, server)
				if _, err := b.ReceiveStartupMessage(); err != nil {
					return
				}
				serve(server, b)
			}()
			return client, nil
		},
	}
}

const twoSteps = "login\n= one\nQuery \"select 1\"\nawait Z\n= two\nQuery \"select 2\"\nawait Z\n"

func runScripted(t *testing.T, text string, serve func(net.Conn, *pgproto3.Backend)) []Result {
	t.Helper()
	s, err := ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), scripted(serve), s)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func wantResults(t *testing.T, got, want []Result) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b Result) bool { return a.Title == b.Title && slices.Equal(a.Lines, b.Lines) }) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRun(t *testing.T) {
	var password string
	results := runScripted(t, twoSteps, func(_ net.Conn, b *pgproto3.Backend) {
		b.Send(&pgproto3.AuthenticationCleartextPassword{})
		_ = b.Flush()
		if err := b.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
			return
		}
		if msg, err := b.Receive(); err == nil {
			password = msg.(*pgproto3.PasswordMessage).Password
		}
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ParameterStatus{Name: "b", Value: "2"})
		b.Send(&pgproto3.ParameterStatus{Name: "a", Value: "1"})
		b.Send(&pgproto3.BackendKeyData{ProcessID: 77, SecretKey: []byte("1234")})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = b.Flush()
		_, _ = b.Receive()
		b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
			{Name: []byte("x"), TableOID: 50000, TableAttributeNumber: 1, DataTypeOID: 23, DataTypeSize: 4, TypeModifier: -1},
			{Name: []byte("y"), TableOID: 40000, TableAttributeNumber: 2, DataTypeOID: 50000, DataTypeSize: -1, TypeModifier: 8}}})
		b.Send(&pgproto3.DataRow{Values: [][]byte{nil, {}, []byte("ä\n")}})
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
		_ = b.Flush()
		_, _ = b.Receive()
		b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42601", Message: "m", Position: 3, File: "scan.l", Line: 7})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'E'})
		_ = b.Flush()
		_, _ = b.Receive()
		b.Send(&pgproto3.ParameterStatus{Name: "late", Value: "x"})
		_ = b.Flush()
	})
	wantResults(t, results, []Result{
		{"login", []string{"BackendKeyData with a key of 4 bytes", "ReadyForQuery I"}},
		{"parameters", []string{`ParameterStatus a="1"`, `ParameterStatus b="2"`}},
		{"one", []string{`RowDescription ("x" type 23 size 4 of #1.1) ("y" type #1 size -1 mod 8 of #2.2)`, `DataRow NULL "" "ä\n"`,
			"CommandComplete SELECT 1", "ReadyForQuery T"}},
		{"two", []string{`ErrorResponse ERROR 42601 "m" position 3`, "ReadyForQuery E"}},
		{"end", []string{`ParameterStatus late="x"`}},
	})
	if password != "secret" {
		t.Errorf("the password was %q", password)
	}
}

func TestRunRefusedLogin(t *testing.T) {
	results := runScripted(t, twoSteps, func(_ net.Conn, b *pgproto3.Backend) {
		b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "28000", Message: "no"})
		_ = b.Flush()
	})
	wantResults(t, results, []Result{{"login", []string{`ErrorResponse FATAL 28000 "no"`, "(closed)"}}})
}

func TestRunEndedSession(t *testing.T) {
	ready := func(b *pgproto3.Backend) {
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = b.Flush()
		_, _ = b.Receive()
	}
	login := Result{"login", []string{"ReadyForQuery I"}}
	wantResults(t, runScripted(t, twoSteps, func(_ net.Conn, b *pgproto3.Backend) { ready(b) }),
		[]Result{login, {"one", []string{"(closed)"}}})
	wantResults(t, runScripted(t, twoSteps, func(nc net.Conn, b *pgproto3.Backend) { ready(b); _, _ = nc.Write([]byte("Z\x00\x00")) }),
		[]Result{login, {"one", []string{"(closed within a message)"}}})
	synctest.Test(t, func(t *testing.T) {
		wantResults(t, runScripted(t, twoSteps, func(nc net.Conn, b *pgproto3.Backend) { ready(b); _, _ = nc.Read(make([]byte, 1)) }),
			[]Result{login, {"one", []string{"(nothing more)"}}})
	})
}
