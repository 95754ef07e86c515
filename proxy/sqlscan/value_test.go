package sqlscan

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
)

// first is the first token of sql.
func first(sql string, standardConforming bool) Token {
	s := New(sql, standardConforming)
	t, _ := s.Next()
	return t
}

// server starts a real Postgres and connects to it.
func server(t *testing.T) *pgconn.PgConn {
	t.Helper()
	s, err := postgres.Start(t.Context(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgconn.Connect(t.Context(), s.DSN("postgres", postgres.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server is stopped next
	return conn
}

// TestAgainstServer compares the values of literals and identifiers, and the kinds of keywords, with a real Postgres.
func TestAgainstServer(t *testing.T) {
	conn := server(t)
	for _, literal := range []string{`''`, `'a'`, `'a''b'`, `''''`, `'a\b'`, "'a'\n'b'", "'a' -- c\n'b'", "'a''b'\n\t'c'''", `E''`, `E'a\'b'`, `E'a''b'`,
		`e'\b\f\n\r\t\q\\'`, `E'\x41\x4a\x4'`, `E'\xg'`, `E'\101\60\7z'`, `E'\u00e9\U0001F600'`, `E'\uD83D\uDE00'`, `E'\xc3\xa9'`, "E'a\\\nb'",
		"E'a'\n'\\'b'", `E'\501'`, `U&'d\0061t\+000061'`, `U&'d!0061t' UESCAPE '!'`, `U&'a\\b'`, `U&'it''s'`, `U&'\D83D\DE00'`, `U&'\+01F600'`, "U&'a'\n'\\0062'",
		"U&'a' /* c */ uescape -- d\n E'!'", `U&'a!!' UESCAPE $$!$$`, `$$a'b$$`, `$t$a$$b$t$`, `$é$x$é$`, `'é'`,
		`E'\u0000'`, `E'\0'`, `E'\x00'`, `E'\uD83D'`, `E'\uD83Dx'`, `E'\uDE00'`, `E'\u12'`, `E'\U00110000'`, `E'\xff'`, `U&'\00'`, `U&'\0000'`, `U&'\D83D'`,
		`U&'a' UESCAPE '+'`, `U&'a' UESCAPE ''''`, `U&'a' UESCAPE '!!'`, `U&'a' UESCAPE ' '`, `U&'\+110000'`, `U&'\+00004'`,
		`E'\400'`, `E'\x'`} {
		got, ok := StringValue(literal, first(literal, true))
		result, err := conn.Exec(t.Context(), "SELECT "+literal).ReadAll()
		switch {
		case err != nil && ok:
			t.Errorf("%s is %q, but Postgres says %v", literal, got, err)
		case err == nil && (!ok || got != string(result[0].Rows[0][0])):
			t.Errorf("%s is %q, %v, Postgres says %q", literal, got, ok, result[0].Rows[0][0])
		}
	}
	if _, err := conn.Exec(t.Context(), "SET standard_conforming_strings = off").ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, literal := range []string{`'a\'b'`, `'\x41\n'`, "'a'\n'\\''", `'a''b'`} {
		got, ok := StringValue(literal, first(literal, false))
		result, err := conn.Exec(t.Context(), "SELECT "+literal).ReadAll()
		if err != nil || !ok || got != string(result[0].Rows[0][0]) {
			t.Errorf("%s is %q, %v, Postgres says %v, %v", literal, got, ok, result, err)
		}
	}
	for _, ident := range []string{`foo`, `FOO`, `Foo_1$`, `"Foo"`, `"a""b"`, `É`, `"É"`, `U&"d\0061t"`, `u&"d!0061T" UESCAPE '!'`, `U&"\\"`, `U&"a""b"`,
		strings.Repeat("a", 63), strings.Repeat("A", 64), `"` + strings.Repeat("é", 40) + `"`, `"a` + strings.Repeat("é", 40) + `"`,
		`U&"` + strings.Repeat(`\00e9`, 40) + `"`, `U&"\zzzz"`, `U&"a" UESCAPE 'a'`, `U&"a" UESCAPE N'!'`} {
		got := Ident(ident, first(ident, true))
		result, err := conn.Exec(t.Context(), "SELECT 1 AS "+ident).ReadAll()
		if err != nil && got != "" || err == nil && got != result[0].FieldDescriptions[0].Name {
			t.Errorf("%s is %q, Postgres says %v, %v", ident, got, result, err)
		}
	}
	result, err := conn.Exec(t.Context(), "SELECT word, catcode FROM pg_get_keywords()").ReadAll()
	if err != nil || len(result[0].Rows) < 400 {
		t.Fatalf("%v, %v", result, err)
	}
	for _, row := range result[0].Rows {
		word, code := string(row[0]), string(row[1])
		tok := first(word, true)
		if IsNonReserved(word, tok) != (code != "R") || IsColID(word, tok) != (code == "U" || code == "C") {
			t.Errorf("keyword %s is of category %s", word, code)
		}
	}
}

func TestKeyword(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want bool
	}{{"select", true}, {"SELECT", true}, {"sElEcT", true}, {"selec", false}, {"selects", false}, {`"select"`, false}, {"'select'", false},
		{"ſelect", false}, {"\x13ELECT", false}, {"select$", false}, {"(", false}} {
		if got := Keyword(c.sql, first(c.sql, true), "SELECT"); got != c.want {
			t.Errorf("%q: %v", c.sql, got)
		}
	}
	if sql := "A@"; Keyword(sql, Token{Kind: Word, Start: 1, End: 2}, "`") {
		t.Error("folding reaches beyond letters")
	}
}

func TestTokenIs(t *testing.T) {
	for _, c := range []struct {
		sql  string
		char byte
		want bool
	}{{"(", '(', true}, {"=", '=', true}, {"=>", '=', false}, {"::", ':', false}, {"a", 'a', false}, {"1", '1', false}} {
		if got := first(c.sql, true).Is(c.sql, c.char); got != c.want {
			t.Errorf("%q is %c: %v", c.sql, c.char, got)
		}
	}
	if (Token{}).Is("", '(') {
		t.Error("the zero token is a parenthesis")
	}
}

func TestValueOfAnotherToken(t *testing.T) {
	for _, sql := range []string{"1", "$1", "(", "B'01'", "x'1f'", `"a"`} {
		if v, ok := StringValue(sql, first(sql, true)); ok {
			t.Errorf("%s is the string %q", sql, v)
		}
	}
	for _, sql := range []string{"1", "$1", "(", "'a'", "$$a$$"} {
		if name := Ident(sql, first(sql, true)); name != "" {
			t.Errorf("%s is the name %q", sql, name)
		}
	}
}

// TestVerticalTab has what TestAgainstServer cannot: before 16 Postgres takes the letter v.
func TestVerticalTab(t *testing.T) {
	if v, ok := StringValue(`E'\v'`, first(`E'\v'`, true)); !ok || v != "\v" {
		t.Errorf("%q, %v", v, ok)
	}
}
