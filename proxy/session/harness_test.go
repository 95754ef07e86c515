package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
