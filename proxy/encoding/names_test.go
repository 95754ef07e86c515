package encoding

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Every name that the server knows is known here and is the same encoding, and no other name is.
func TestNamesArePostgres(t *testing.T) {
	o := ask(t)
	var names []string
	for name := range aliases {
		spaced := strings.Join(strings.Split(name, ""), "_- '")
		names = append(names, name, strings.ToUpper(name), spaced, name+"x", name[:len(name)-1], "\xc3\xa9"+name, name+strings.Repeat(" ", 63-len(name)),
			name+strings.Repeat(" ", 63-len(name))+"x")
	}
	names = append(names, "", "-", "utf", "utf16", "utf-8", "UTF 8", "iso_8859_1", "ISO-8859-15", "latin11", "windows-1252", "cp1252", "sql_ascii", "euc",
		"abc", "win", "WIN-31J", "shift_jis", "big5hkscs", "gb2312", "koi8-t", "mule internal")
	for _, name := range names {
		want := o.pairs("SELECT pg_char_to_encoding($1), pg_encoding_to_char(pg_char_to_encoding($1))", name)[0][1]
		got := ""
		if e, ok := Lookup(name); ok {
			got = e.Name()
		}
		if got != want {
			t.Errorf("%q: %q, the server says %q", name, got, want)
		}
	}
	o.exec("SET client_encoding = 'utf8" + strings.Repeat(" ", 59) + "16'")
	if shown := o.pairs("SHOW client_encoding")[0][0]; shown != "UTF8" {
		t.Errorf("a name that is too long counts up to its 63rd byte: %s", shown)
	}
	known := map[string]bool{}
	for _, row := range o.pairs("SELECT pg_encoding_to_char(n), n FROM generate_series(0, 100) n WHERE pg_encoding_to_char(n) <> ''") {
		known[row[0]] = true
	}
	if got, want := slices.Sorted(maps.Keys(encodings)), slices.Sorted(maps.Keys(known)); !slices.Equal(got, want) {
		t.Errorf("encodings are %v, the server has %v", got, want)
	}
}

func TestWhatIsConverted(t *testing.T) {
	var not []string
	for _, name := range slices.Sorted(maps.Keys(encodings)) {
		e := encodings[name]
		refusal := e.Refusal()
		if e.Convertible() != (refusal == nil) {
			t.Errorf("%s: convertible %v, refusal %v", name, e.Convertible(), refusal)
		}
		if refusal == nil {
			continue
		}
		if refusal.Code != "0A000" || !strings.Contains(refusal.Message, name) {
			t.Errorf("%s: %v", name, refusal)
		}
		not = append(not, name)
	}
	if got, want := strings.Join(not, " "), "EUC_JIS_2004 EUC_TW JOHAB MULE_INTERNAL SHIFT_JIS_2004"; got != want {
		t.Errorf("not converted are %s, want %s", got, want)
	}
	for _, name := range []string{"UTF8", "SQL_ASCII", "LATIN1"} {
		if e, _ := Lookup(name); e.UTF8() != (name != "LATIN1") {
			t.Errorf("%s passes as it is: %v", name, e.UTF8())
		}
	}
}

// The encoding that a UTF8 server does not convert either is refused in its words.
func TestMuleInternalIsRefusedAsByPostgres(t *testing.T) {
	o := ask(t)
	want := o.failure("SET client_encoding = 'MULE_INTERNAL'")
	got := encodings["MULE_INTERNAL"].Refusal()
	if got.Code != want.Code || got.Message != want.Message || got.Detail != want.Detail {
		t.Errorf("%v (%s), the server says %s: %s (%s)", got, got.Detail, want.Code, want.Message, want.Detail)
	}
}
