package encoding

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

var (
	update = flag.Bool("update", false, "write exceptions.go from what the server has")
	bin    = flag.String("postgres", "", "directory of the server's binaries, if not the newest installed")
)

// functions are what the tests ask the server: a conversion's result, or its error.
const functions = `
CREATE FUNCTION came(b bytea, encoding name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN convert_from(b, encoding); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
CREATE FUNCTION goes(t text, encoding name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN pg_catalog.encode(convert_to(t, encoding), 'hex'); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$`

// server is the one that all tests of this package ask. It ends with TestMain.
var server = sync.OnceValues(func() (*postgres.Server, error) {
	s, err := postgres.Start(context.Background(), postgres.Options{Bin: *bin})
	if err != nil {
		return nil, err
	}
	c, err := pgconn.Connect(context.Background(), s.DSN("postgres", postgres.Superuser))
	if err == nil {
		_, err = c.Exec(context.Background(), functions).ReadAll()
	}
	if err != nil {
		_ = s.Stop() // err is what is told
		return nil, err
	}
	return s, c.Close(context.Background())
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if started {
		if s, err := server(); err == nil {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

var started bool // a test has asked for the server

// oracle is a connection to a real server.
type oracle struct {
	t    testing.TB
	conn *pgconn.PgConn
}

var startedMu sync.Mutex

func ask(t testing.TB) *oracle {
	t.Helper()
	startedMu.Lock()
	started = true
	startedMu.Unlock()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgconn.Connect(t.Context(), s.DSN("postgres", postgres.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server ends anyway
	return &oracle{t, c}
}

// pairs runs a query of one or two columns and gives its rows in order.
func (o *oracle) pairs(sql string, params ...string) (rows [][2]string) {
	o.t.Helper()
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	r := o.conn.ExecParams(o.t.Context(), sql, values, nil, nil, nil)
	for r.NextRow() {
		v := r.Values()
		row := [2]string{string(v[0])}
		if len(v) > 1 {
			row[1] = string(v[1])
		}
		rows = append(rows, row)
	}
	if _, err := r.Close(); err != nil {
		o.t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func (o *oracle) exec(sql string) {
	o.t.Helper()
	if _, err := o.conn.Exec(o.t.Context(), sql).ReadAll(); err != nil {
		o.t.Fatal(err)
	}
}

// failure is the server's error for sql.
func (o *oracle) failure(sql string) *pgconn.PgError {
	o.t.Helper()
	_, err := o.conn.Exec(o.t.Context(), sql).ReadAll()
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		o.t.Fatalf("%q: %v", sql, err)
	}
	return e
}

// parameter is the one value of a query with one parameter, both as the session's encoding has them, or SQLSTATE and message.
func (o *oracle) parameter(sql string, value []byte) string {
	o.t.Helper()
	r := o.conn.ExecParams(o.t.Context(), sql, [][]byte{value}, []uint32{25}, nil, nil).Read()
	if e, ok := errors.AsType[*pgconn.PgError](r.Err); ok {
		return e.Code + " " + e.Message
	}
	if r.Err != nil {
		o.t.Fatal(r.Err)
	}
	return string(r.Rows[0][0])
}

// domain is a set of byte sequences or characters, each with a number.
type domain struct {
	numbers string           // SQL: FROM item with the column n
	sql     string           // SQL: the sequence of n
	bytes   func(int) []byte // the same
	each    func(func(int))
}

func span(low, high int) domain {
	size := len(strconv.FormatInt(int64(high), 16))
	return domain{
		numbers: fmt.Sprintf("generate_series(%d, %d) n", low, high),
		sql:     "decode(to_hex(n), 'hex')",
		bytes: func(n int) []byte {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], uint32(n))
			return b[4-size/2:]
		},
		each: func(f func(int)) {
			for n := low; n <= high; n++ {
				f(n)
			}
		},
	}
}

// fourByte are GB18030's sequences of four bytes: all of the first plane, every 101st of the rest, most of which are none.
var fourByte = domain{
	numbers: "(SELECT generate_series(0, 39419) n UNION ALL SELECT generate_series(39420, 1587599, 101)) y",
	sql: `set_byte(set_byte(set_byte(set_byte('\x00000000', 0, 129 + n / 12600), 1, 48 + n / 1260 % 10), 2, 129 + n / 10 % 126),
		3, 48 + n % 10)`,
	bytes: func(n int) []byte { return appendCode(nil, fourBytes+uint32(n)) },
	each: func(f func(int)) {
		for n := 0; n < 39420; n++ {
			f(n)
		}
		for n := 39420; n < 1587600; n += 101 {
			f(n)
		}
	},
}

// characters are those outside ASCII: the whole first plane, and every 97th of the rest.
var characters = domain{
	numbers: `(SELECT generate_series(128, 55295) n UNION ALL SELECT generate_series(57344, 65535)
		UNION ALL SELECT generate_series(65536, 1114111, 97)) y`,
	sql:   "chr(n)",
	bytes: func(n int) []byte { return utf8.AppendRune(nil, rune(n)) },
	each: func(f func(int)) {
		for n := 0x80; n < 0x10000; n++ {
			if !utf16.IsSurrogate(rune(n)) {
				f(n)
			}
		}
		for n := 0x10000; n <= utf8.MaxRune; n += 97 {
			f(n)
		}
	},
}

// sequences are all that an encoding can have: whatever follows a first byte that is not ASCII.
func sequences(name string) []domain {
	list := []domain{span(0x80, 0xff)}
	if sources[name].shape.promised([]byte{0x81}) == 1 {
		return list
	}
	list = append(list, span(0x8000, 0xffff))
	switch {
	case strings.HasPrefix(name, "EUC_"):
		list = append(list, span(0x8e0000, 0x8fffff))
	case name == "GB18030":
		list = append(list, fourByte)
	}
	return list
}

// answers are what the server made of a domain: by number, what did convert, and of the rest every 101st error as SQLSTATE
// and message.
type answers map[int]string

func (o *oracle) answers(d domain, function, name string) answers {
	list := answers{}
	for _, row := range o.pairs(`SELECT n, r FROM (SELECT n, `+function+`(`+d.sql+`, $1) r FROM `+d.numbers+` OFFSET 0) x
		WHERE r NOT LIKE '22___ %' OR n % 101 = 0`, name) {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			o.t.Fatal(err)
		}
		list[n] = row[1]
	}
	return list
}

func outcome(b []byte, err *pgerr.Error) string {
	if err != nil {
		return err.Code + " " + err.Message
	}
	return string(b)
}

// TestTablesArePostgres compares every sequence and every character with a real server. With -update it writes the
// exceptions first.
func TestTablesArePostgres(t *testing.T) {
	written := map[string][2][]run{}
	var mu sync.Mutex
	t.Run("encodings", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(sources)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := ask(t)
				domains := sequences(name)
				var came []answers
				for _, d := range domains {
					came = append(came, o.answers(d, "came", name))
				}
				goes := o.answers(characters, "goes", name)
				e := encodings[name]
				if *update {
					there, back := differences(sources[name], domains, came, goes)
					mu.Lock()
					written[name] = [2][]run{there, back}
					mu.Unlock()
					fresh := build(sources[name], there, back)
					e = &Encoding{name: name, shape: e.shape, table: func() *table { return fresh }}
				}
				translated := 0
				for i, d := range domains {
					translated += compare(t, d, came[i], e.comes, e.ToUTF8)
				}
				back := compare(t, characters, goes, func(b []byte) bool {
					c, _ := utf8.DecodeRune(b)
					return e.table().code(c) != 0
				}, func(dst, src []byte) ([]byte, *pgerr.Error) {
					b, err := e.FromUTF8(dst, src)
					return hex.AppendEncode(nil, b), err
				})
				if translated < 80 || back < 80 {
					t.Errorf("only %d sequences and %d characters could be translated", translated, back)
				}
			})
		}
	})
	if *update && !t.Failed() {
		write(t, written)
	}
}

// comes reports whether ToUTF8 would take b, without writing an error.
func (e *Encoding) comes(b []byte) bool {
	t := e.table()
	for len(b) > 0 {
		if n := leadingASCII(b); n > 0 {
			b = b[n:]
			continue
		}
		c, n := e.first(t, b)
		if c == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// compare checks a conversion against the server's answers, and that nothing else converts. It returns how many did.
func compare(t *testing.T, d domain, server answers, converts func([]byte) bool, convert func(dst, src []byte) ([]byte, *pgerr.Error)) (translated int) {
	t.Helper()
	const most = 20 // differences to print
	differ := 0
	d.each(func(n int) {
		b := d.bytes(n)
		want, ok := server[n]
		got := want
		switch {
		case ok:
			got = outcome(convert(nil, b))
			if !strings.HasPrefix(want, "22") {
				translated++
			}
		case converts(b):
			got, want = outcome(convert(nil, b)), "an error"
		}
		if got != want {
			if differ++; differ <= most {
				t.Errorf("%x: %q, the server has %q", b, got, want)
			}
		}
	})
	if differ > most {
		t.Errorf("and %d more", differ-most)
	}
	return translated
}

// Everything behind the first plane, in one text.
func TestSupplementaryPlanesOfGB18030(t *testing.T) {
	o := ask(t)
	var text []byte
	for c := rune(0x10000); c <= utf8.MaxRune; c++ {
		text = utf8.AppendRune(text, c)
	}
	row := o.pairs("SELECT pg_catalog.encode(convert_to($1, 'GB18030'), 'hex'), ''", string(text))[0]
	want, err := hex.DecodeString(row[0])
	if err != nil {
		t.Fatal(err)
	}
	e := encodings["GB18030"]
	got, problem := e.FromUTF8(nil, text)
	if problem != nil || !bytes.Equal(got, want) {
		t.Errorf("to the client: %v, %d bytes, the server has %d", problem, len(got), len(want))
	}
	back, problem := e.ToUTF8(nil, want)
	if problem != nil || !bytes.Equal(back, text) {
		t.Errorf("from the client: %v, %d bytes, not %d", problem, len(back), len(text))
	}
}
