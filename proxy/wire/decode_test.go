package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Faults inside a well framed message: each is an ERROR with Postgres' text, and the next message comes through.
func TestReceiveRefusesContent(t *testing.T) {
	const (
		text   = "ERROR 08P01: invalid string in message"
		format = "ERROR 08P01: invalid message format"
		short  = "ERROR 08P01: insufficient data left in message"
	)
	for _, c := range []struct {
		name string
		typ  byte
		body string
		want string
	}{
		{"Query without terminator", 'Q', "select 1", text},
		{"Query without body", 'Q', "", text},
		{"Query with a NUL in its text", 'Q', "select 1\x00; drop table t\x00", format},
		{"Query with two terminators", 'Q', "select 1\x00\x00", format},
		{"Query not UTF-8", 'Q', "select '\xff'\x00", `ERROR 22021: invalid byte sequence for encoding "UTF8": 0xff`},
		{"Parse without query", 'P', "name\x00", text},
		{"Parse without count", 'P', "\x00select 1\x00", short},
		{"Parse with half a count", 'P', "\x00select 1\x00\x00", short},
		{"Parse with fewer types than counted", 'P', "\x00s\x00\x00\x02\x00\x00\x00\x17", short},
		{"Parse that counts 65535 types", 'P', "\x00s\x00\xff\xff", short},
		{"Parse with trailing bytes", 'P', "\x00s\x00\x00\x00x", format},
		{"Parse with a name not UTF-8", 'P', "\xe4\x00s\x00\x00\x00", `ERROR 22021: invalid byte sequence for encoding "UTF8": 0xe4`},
		{"Bind without statement", 'B', "\x00", text},
		{"Bind without counts", 'B', "\x00\x00", short},
		{"Bind that counts -1 formats", 'B', "\x00\x00\xff\xff", short},
		{"Bind that counts -1 parameters", 'B', "\x00\x00\x00\x00\xff\xff", short},
		{"Bind with formats for other parameters", 'B', "\x00\x00\x00\x02\x00\x00\x00\x01\x00\x03",
			"ERROR 08P01: bind message has 2 parameter formats but 3 parameters"},
		{"Bind with length -2", 'B', "\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00", short},
		{"Bind with length 2^31-1", 'B', "\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff\x00\x00", short},
		{"Bind with a value past the end", 'B', "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x05abc", short},
		{"Bind without result formats", 'B', "\x00\x00\x00\x00\x00\x00", short},
		{"Bind that counts -1 result formats", 'B', "\x00\x00\x00\x00\x00\x00\xff\xff", short},
		{"Bind with trailing bytes", 'B', "\x00\x00\x00\x00\x00\x00\x00\x00x", format},
		{"Describe without body", 'D', "", "ERROR 08P01: no data left in message"},
		{"Describe without name", 'D', "S", text},
		{"Describe of an unknown kind", 'D', "X\x00", "ERROR 08P01: invalid DESCRIBE message subtype 88"},
		{"Describe with trailing bytes", 'D', "S\x00\x00", format},
		{"Close of an unknown kind", 'C', "s\x00", "ERROR 08P01: invalid CLOSE message subtype 115"},
		{"Execute without row limit", 'E', "\x00\x00\x00\x00", short},
		{"Execute with trailing bytes", 'E', "\x00\x00\x00\x00\x00\x00", format},
		{"Sync with trailing bytes", 'S', "x", format},
		{"Flush with trailing bytes", 'H', "x", format},
		{"FunctionCall cut short", 'F', "\x00\x00\x00\x01\x00\x00\x00\x01", short},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := NewConn(&script{data: append(message(c.typ, c.body), message('S', "")...)}, Limits{})
			_, err := conn.Receive()
			wantError(t, err, c.want)
			if conn.Type() != c.typ {
				t.Errorf("type is %c, want %c", conn.Type(), c.typ)
			}
			if _, err := conn.Receive(); err != nil || conn.Type() != 'S' {
				t.Errorf("the message behind it: %c %v", conn.Type(), err)
			}
		})
	}
}

func TestReceiveAcceptsAsPostgres(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"CopyDone with content", message('c', "x"), `*pgproto3.CopyDone "&{}"`},
		{"Terminate with content", message('X', "x"), `*pgproto3.Terminate "&{}"`},
		{"CopyFail without terminator", message('f', "why"), `*pgproto3.CopyFail "&{Message:why}"`},
		{"CopyFail not UTF-8", message('f', "\xff\x00"), `*pgproto3.CopyFail "&{Message:}"`},
		{"empty CopyData", message('d', ""), `CopyData ""`},
		{"one format for all parameters", message('B', "\x00\x00\x00\x01\x00\x01\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"),
			`Bind "" "" [1] [ NULL NULL] []`},
		{"one format for no parameter", message('B', "\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00"), `Bind "" "" [1] [] []`},
		{"unknown format codes", message('B', "\x00\x00\x00\x01\x00\x07\x00\x00\x00\x01\xff\xff"), `Bind "" "" [7] [] [-1]`},
		{"parameter in binary", message('B', "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\xff\x00\x00\x00"), `Bind "" "" [] [ "\xff\x00"] []`},
	} {
		if got := transcript(NewConn(&script{data: c.data}, Limits{})); got[0] != c.want {
			t.Errorf("%s: %s, want %s", c.name, got[0], c.want)
		}
	}
}

func TestBindSaysWhichParameter(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00", "unnamed portal parameter $1"},
		{"p\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\x00\x00\x00\x00", `portal "p" parameter $3`},
		{"p\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\x00", ""},
	} {
		_, err := NewConn(&script{data: message('B', c.body)}, Limits{}).Receive()
		e, ok := errors.AsType[*pgerr.Error](err)
		if !ok || e.Code != pgerr.ProtocolViolation || e.Where != c.want {
			t.Errorf("%q: %v, context %q, want %q", c.body, err, e.Where, c.want)
		}
	}
}

// 65535 parameters, the most that Bind can count, and a statement name of 64 kB.
func TestReceiveLargestBind(t *testing.T) {
	name := strings.Repeat("n", 64<<10)
	bind := &pgproto3.Bind{PreparedStatement: name, Parameters: make([][]byte, 65535)}
	bind.Parameters[65534] = []byte("last")
	msg, err := NewConn(&script{data: encode(bind)}, Limits{}).Receive()
	if err != nil {
		t.Fatal(err)
	}
	got := msg.(*pgproto3.Bind)
	if len(got.Parameters) != 65535 || string(got.Parameters[65534]) != "last" || got.Parameters[0] != nil || got.PreparedStatement != name {
		t.Errorf("%d parameters, last %q, name of %d bytes", len(got.Parameters), got.Parameters[65534], len(got.PreparedStatement))
	}
}

func TestCheckUTF8(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"aä€😀\u0001\U0010ffff", ""},
		{"a\x00b", "0x00"},
		{"\x00\xff", "0x00"},
		{"\xff\x00", "0xff"},
		{"ok\xff", "0xff"},
		{"\x80", "0x80"},
		{"\xc3(", "0xc3 0x28"},
		{"\xc3", "0xc3"},
		{"\xe2\x82", "0xe2 0x82"},
		{"\xe2(\xa1x", "0xe2 0x28 0xa1"},
		{"\xf0\x28\x8c\xbcx", "0xf0 0x28 0x8c 0xbc"},
		{"\xed\xa0\x80", "0xed 0xa0 0x80"},          // a surrogate
		{"\xc0\x80", "0xc0 0x80"},                   // an overlong NUL
		{"\xf4\x90\x80\x80", "0xf4 0x90 0x80 0x80"}, // beyond U+10FFFF
		{"\xf8\x88\x80\x80\x80", "0xf8"},
	} {
		e := encoding.CheckUTF8([]byte(c.in))
		switch {
		case e == nil && c.want != "":
			t.Errorf("%q passed", c.in)
		case e != nil && e.Error() != `ERROR 22021: invalid byte sequence for encoding "UTF8": `+c.want:
			t.Errorf("%q: %v, want %s", c.in, e, c.want)
		}
	}
}
