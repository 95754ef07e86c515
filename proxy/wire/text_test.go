package wire

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

func text(t *testing.T, name string) Text {
	t.Helper()
	e, ok := encoding.Lookup(name)
	if !ok {
		t.Fatal("no encoding " + name)
	}
	return e
}

// sentBy gives what f makes a connection send, and f's error.
func sentBy(t *testing.T, f func(*Conn) error) (string, error) {
	t.Helper()
	near, far := net.Pipe()
	received := make(chan string)
	go func() {
		b, err := io.ReadAll(far)
		if err != nil {
			t.Error(err)
		}
		received <- string(b)
	}()
	c := NewConn(near, Limits{})
	err := f(c)
	if ferr := c.Flush(); err == nil {
		err = ferr
	}
	near.Close()
	return <-received, err
}

func encoded(t *testing.T, msgs ...pgproto3.BackendMessage) string {
	t.Helper()
	var b []byte
	for _, m := range msgs {
		var err error
		if b, err = m.Encode(b); err != nil {
			t.Fatal(err)
		}
	}
	return string(b)
}

func row(values ...string) *pgproto3.DataRow {
	m := &pgproto3.DataRow{}
	for _, v := range values {
		if v == "NULL" {
			m.Values = append(m.Values, nil)
		} else {
			m.Values = append(m.Values, []byte(v))
		}
	}
	return m
}

func column(name string) *pgproto3.RowDescription {
	return &pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte(name), TableOID: 0x01020304, DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1}}}
}

func TestMessagesAreTranslated(t *testing.T) {
	got, err := sentBy(t, func(c *Conn) error {
		c.SetText(text(t, "latin1"))
		c.Send(column("né"))
		c.Send(row("é", "NULL", "", "ab"))
		c.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		c.SendError(&pgerr.Error{Code: "42703", Message: "ü", Detail: "ö", Hint: "plain", Position: 4})
		c.SendNotice(&pgerr.Error{Severity: pgerr.SeverityWarning, Code: "01000", Message: "ä"})
		c.Send(&pgproto3.ParameterStatus{Name: "search_path", Value: "é€x"})
		c.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := encoded(t, column("n\xe9"), row("\xe9", "NULL", "", "ab"), &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")},
		&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42703", Message: "\xfc", Detail: "\xf6", Hint: "plain", Position: 4},
		&pgproto3.NoticeResponse{Severity: "WARNING", SeverityUnlocalized: "WARNING", Code: "01000", Message: "\xe4"},
		&pgproto3.ParameterStatus{Name: "search_path", Value: "\xe9?x"}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// What was sent before another encoding is set keeps the one before.
func TestPendingOutputKeepsItsEncoding(t *testing.T) {
	got, err := sentBy(t, func(c *Conn) error {
		c.Send(row("é"))
		c.SetText(text(t, "latin1"))
		c.Send(row("é"))
		c.SetText(text(t, "sjis"))
		c.Send(row("日"))
		c.SetText(nil)
		c.Send(row("é"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := encoded(t, row("é"), row("\xe9"), row("\x93\xfa"), row("é")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUntranslatable(t *testing.T) {
	const noEuro = `character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"`
	check := func(t *testing.T, err error) {
		t.Helper()
		e, ok := errors.AsType[*pgerr.Error](err)
		if !ok || e.Code != "22P05" || e.Message != noEuro || !errors.Is(err, ErrUntranslatable) {
			t.Errorf("error %v", err)
		}
	}
	t.Run("a row is dropped with what stands behind it", func(t *testing.T) {
		got, err := sentBy(t, func(c *Conn) error {
			c.SetText(text(t, "latin1"))
			c.Send(row("é"))
			c.Send(row("€"))
			c.Send(row("x"))
			check(t, c.FlushIfFull())
			c.Send(row("after"))
			return nil
		})
		if want := encoded(t, row("\xe9"), row("after")); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	t.Run("so it is when the encoding changes meanwhile", func(t *testing.T) {
		for name, next := range map[string]Text{"nil": nil, "another": text(t, "win1252")} {
			got, err := sentBy(t, func(c *Conn) error {
				c.SetText(text(t, "latin1"))
				c.Send(column("€"))
				c.SetText(next)
				c.Send(row("x"))
				check(t, c.FlushIfFull())
				return c.FlushIfFull()
			})
			if got != "" || err != nil {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
		}
	})
	t.Run("an error is another error", func(t *testing.T) {
		got, err := sentBy(t, func(c *Conn) error {
			c.SetText(text(t, "latin1"))
			c.SendError(pgerr.New("42P01", "no €"))
			c.SendError(pgerr.New("57P01", "no €").Fatal())
			return nil
		})
		if n := strings.Count(got, noEuro); n != 2 || err != nil || strings.Count(got, "VFATAL\x00") != 1 || strings.Contains(got, "57P01") {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("told by Flush too", func(t *testing.T) {
		got, err := sentBy(t, func(c *Conn) error {
			c.SetText(text(t, "latin1"))
			c.Send(row("€"))
			return nil
		})
		check(t, err)
		if got != "" {
			t.Errorf("got %q", got)
		}
	})
}

// Rows that fill the buffer many times over, at every fill level.
func TestLargeOutputIsTranslated(t *testing.T) {
	var want strings.Builder
	got, err := sentBy(t, func(c *Conn) error {
		c.SetText(text(t, "latin1"))
		for i := range 300 {
			c.Send(row(strings.Repeat("é", i*10)))
			want.WriteString(encoded(t, row(strings.Repeat("\xe9", i*10))))
			if err := c.FlushIfFull(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || got != want.String() {
		t.Errorf("%d bytes, want %d, error %v", len(got), want.Len(), err)
	}
}

func TestTextsAreTranslatedOnArrival(t *testing.T) {
	receive := func(t *testing.T, encoding string, m pgproto3.FrontendMessage) (pgproto3.FrontendMessage, error) {
		t.Helper()
		near, far := net.Pipe()
		b, err := m.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		go far.Write(b)
		c := NewConn(near, Limits{})
		c.SetText(text(t, encoding))
		t.Cleanup(func() { near.Close(); far.Close() })
		return c.Receive()
	}
	m, err := receive(t, "latin1", &pgproto3.Query{String: "select '\xe9'"})
	if q, ok := m.(*pgproto3.Query); err != nil || !ok || q.String != "select 'é'" {
		t.Errorf("Query: %+v, %v", m, err)
	}
	m, err = receive(t, "latin1", &pgproto3.Query{String: "select '" + strings.Repeat("\xe9", 100_000) + "'"})
	if q, ok := m.(*pgproto3.Query); err != nil || !ok || len(q.String) != 200_009 {
		t.Errorf("a large Query: %v", err)
	}
	m, err = receive(t, "sjis", &pgproto3.Parse{Name: "\x93\xfa", Query: "\x83\x5c"})
	if p, ok := m.(*pgproto3.Parse); err != nil || !ok || p.Name != "日" || p.Query != "ソ" {
		t.Errorf("Parse: %+v, %v", m, err)
	}
	m, err = receive(t, "latin1", &pgproto3.Bind{DestinationPortal: "\xe9", PreparedStatement: "\xfc", Parameters: [][]byte{[]byte("\xe4")}})
	if b, ok := m.(*pgproto3.Bind); err != nil || !ok || b.DestinationPortal != "é" || b.PreparedStatement != "ü" || string(b.Parameters[0]) != "\xe4" {
		t.Errorf("Bind leaves its parameters as they are: %+v, %v", m, err)
	}
	for _, tc := range []struct{ encoding, sql, want string }{
		{"sjis", "\x80\x40", `ERROR 22021: invalid byte sequence for encoding "SJIS": 0x80 0x40`},
		{"win1255", "\xca", `ERROR 22P05: character with byte sequence 0xca in encoding "WIN1255" has no equivalent in encoding "UTF8"`},
	} {
		if _, err := receive(t, tc.encoding, &pgproto3.Query{String: tc.sql}); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", tc.encoding, err, tc.want)
		}
	}
}

func TestAppendText(t *testing.T) {
	near, _ := net.Pipe()
	c := NewConn(near, Limits{})
	if b, err := c.AppendText([]byte("a"), []byte("é")); err != nil || string(b) != "aé" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := c.AppendText(nil, []byte("\xe9")); err == nil || err.Code != "22021" {
		t.Errorf("error %v", err)
	}
	c.SetText(text(t, "latin1"))
	if b, err := c.AppendText([]byte("a"), []byte("\xe9")); err != nil || string(b) != "aé" {
		t.Errorf("%q, %v", b, err)
	}
}

// FuzzTranslation: rows come out with every value translated, up to the first that cannot be, whatever is in them.
func FuzzTranslation(f *testing.F) {
	for _, s := range []string{"caf\u00e9", "\u20ac", "\u65e5\u672c", "", "NULL", "\xff", strings.Repeat("\u00fc", 300)} {
		f.Add(s, "x", uint8(len(s)))
	}
	names := []string{"latin1", "win1252", "sjis", "gb18030"}
	f.Fuzz(func(t *testing.T, a, b string, which uint8) {
		e := text(t, names[int(which)%len(names)])
		var in []byte
		var want []byte
		fails := false
		for _, m := range []*pgproto3.DataRow{row(a, b), row("NULL", b), row("ascii"), row(b, a, a)} {
			var err error
			if in, err = m.Encode(in); err != nil {
				t.Fatal(err)
			}
			for i, v := range m.Values {
				if v == nil {
					continue
				}
				out, problem := e.FromUTF8([]byte{}, v)
				fails = fails || problem != nil
				m.Values[i] = out
			}
			if fails {
				continue
			}
			if want, err = m.Encode(want); err != nil {
				t.Fatal(err)
			}
		}
		got, problem := appendTranslated([]byte("kept"), in, e)
		if string(got) != "kept"+string(want) || (problem != nil) != fails {
			t.Errorf("%q became %q, %v; want %q", in, got, problem, want)
		}
	})
}
