package encoding

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
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

// pairs runs a query of two columns and gives its rows in order.
func (o *oracle) pairs(sql string, params ...string) (rows [][2]string) {
	o.t.Helper()
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	r := o.conn.ExecParams(o.t.Context(), sql, values, nil, nil, nil)
	for r.NextRow() {
		v := r.Values()
		rows = append(rows, [2]string{string(v[0]), string(v[1])})
	}
	if _, err := r.Close(); err != nil {
		o.t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// came is what the server makes of each sequence that the query sql lists: the text, or SQLSTATE and message.
func (o *oracle) came(name, sql string) [][2]string {
	return o.pairs("SELECT pg_catalog.encode(b, 'hex'), came(b, $1) FROM ("+sql+") x", name)
}

const (
	oneByte   = `SELECT set_byte('\x00', 0, i) b FROM generate_series(128, 255) i`
	twoBytes  = `SELECT set_byte(set_byte('\x0000', 0, i), 1, j) b FROM generate_series(128, 255) i, generate_series(0, 255) j`
	eucThree  = `SELECT set_byte(set_byte(lead, 1, i), 2, j) b FROM (VALUES ('\x8f0000'::bytea, 0), ('\x8e0000', 128)) x(lead, low),
		generate_series(low, 255) i, generate_series(low, 255) j`
	fourBasic = `SELECT set_byte(set_byte(set_byte(set_byte('\x00000000', 0, 129 + i / 12600), 1, 48 + i / 1260 % 10), 2, 129 + i / 10 % 126), 3, 48 + i % 10) b
		FROM (SELECT generate_series(0, 39419) i UNION ALL SELECT generate_series(39420, 1587599, 101)) x`
)

// sequences lists the queries that together give every sequence of an encoding.
func sequences(name string) []string {
	list := []string{oneByte}
	if sources[name].shape.promised([]byte{0x81}) == 1 {
		return list
	}
	list = append(list, twoBytes)
	switch {
	case strings.HasPrefix(name, "EUC_"):
		list = append(list, eucThree)
	case name == "GB18030":
		list = append(list, fourBasic)
	}
	return list
}

// goes is what the server makes of each character outside ASCII: the bytes, or SQLSTATE and message. Of the planes behind
// the first it takes every 97th character.
func (o *oracle) goes(name string) [][2]string {
	return o.pairs(`SELECT i, goes(chr(i), $1) FROM (SELECT generate_series(128, 65535) i UNION ALL
		SELECT generate_series(65536, 1114111, 97)) x WHERE i NOT BETWEEN 55296 AND 57343`, name)
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
				var came [][2]string
				for _, sql := range sequences(name) {
					came = append(came, o.came(name, sql)...)
				}
				goes := o.goes(name)
				e := encodings[name]
				if *update {
					there, back := differences(sources[name], came, goes)
					mu.Lock()
					written[name] = [2][]run{there, back}
					mu.Unlock()
					fresh := build(sources[name], there, back)
					e = &Encoding{name: name, shape: e.shape, table: func() *table { return fresh }}
				}
				compare(t, e, came, goes)
			})
		}
	})
	if *update && !t.Failed() {
		write(t, written)
	}
}

// compare checks e against the server's answers.
func compare(t *testing.T, e *Encoding, came, goes [][2]string) {
	t.Helper()
	const most = 20 // differences to print
	differ := 0
	check := func(what, got, want string) {
		if got != want {
			if differ++; differ <= most {
				t.Errorf("%s: %q, the server has %q", what, got, want)
			}
		}
	}
	for _, row := range came {
		sequence, err := hex.DecodeString(row[0])
		if err != nil {
			t.Fatal(err)
		}
		check(row[0], outcome(e.ToUTF8(nil, sequence)), row[1])
	}
	for _, row := range goes {
		c, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		b, problem := e.FromUTF8(nil, utf8.AppendRune(nil, rune(c)))
		if problem == nil {
			b = hex.AppendEncode(nil, b)
		}
		check(fmt.Sprintf("%U", c), outcome(b, problem), row[1])
	}
	if len(came) < 128 || len(goes) < 63000 {
		t.Errorf("only %d sequences and %d characters were compared", len(came), len(goes))
	}
	if differ > most {
		t.Errorf("and %d more", differ-most)
	}
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
