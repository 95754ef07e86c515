package guc

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// A name that comes from rows may be any: what is called pg_settings need not be the view.
func TestNamesFromRowsAreGuarded(t *testing.T) {
	for _, sql := range []string{
		"SELECT set_config(s.name, 'x', true) FROM pg_settings s", "SELECT set_config(name, 'x', false) FROM (VALUES ('pg_session_jwt.jwt')) pg_settings(name)",
		`SELECT set_config((U&"n!0061me" UESCAPE '!')::text, 'x', 'f') FROM pg_settings`,
	} {
		p, text := one(t, sql)
		s := Settings{}
		edits, _, _, err := s.Calls(p.Calls, text, nil, plain15)
		if err != nil {
			t.Fatal(err)
		}
		got := splice.Apply(text, edits).SQL()
		name := text[p.Calls.Assigns[0].NameStart:p.Calls.Assigns[0].NameEnd]
		want := "set_config(CASE WHEN pg_catalog.starts_with(pg_catalog.lower((" + name + `)::pg_catalog.text COLLATE pg_catalog."C"), 'pg_session_jwt.') OR pg_catalog.lower((` +
			name + `)::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.=) ANY ('{seed,client_encoding}'::pg_catalog.text[]) THEN NULL ELSE (` + name + ") END, 'x', true)"
		if !strings.Contains(got, want) {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

// What seeds random() stays on the connection, beyond any transaction.
func TestNobodySeedsRandom(t *testing.T) {
	for _, is := range []string{"t", "f"} {
		p, text := one(t, "SELECT set_config($1, '0.5', $2)")
		s := Settings{}
		if _, _, _, err := s.Calls(p.Calls, text, [][]byte{[]byte("SEED"), []byte(is)}, plain15); err == nil || err.Code != pgerr.FeatureNotSupported {
			t.Errorf("is_local %s: %v", is, err)
		}
	}
	for _, sql := range []string{"SET seed = 0.5", "SET LOCAL seed = 0.5", "SELECT set_config('seed', '0.5', true)"} {
		if p, _ := one(t, sql); p.Refusal == nil {
			t.Errorf("%s is not refused", sql)
		}
	}
	if _, err := Startup([]wire.Parameter{{Name: "options", Value: "-c SEED=0.5"}}); err == nil || !err.IsFatal() {
		t.Errorf("at the login: %v", err)
	}
}

// The server's client_encoding is that of the connection to it, whatever a function has made of it there.
func TestTheServersEncodingIsNotTheClients(t *testing.T) {
	p, text := one(t, "SELECT set_config(name, '1MB', false) FROM pg_settings")
	s, group := Settings{}, Settings{}
	_, _, step, err := group.Calls(p.Calls, text, nil, plain15)
	if err != nil {
		t.Fatal(err)
	}
	set(t, &s, "SET client_encoding = 'latin1'")
	learn(t, &s, step, "work_mem", "1MB", "client_encoding", "UTF8")
	if s.Encoding() != "LATIN1" {
		t.Errorf("it is %s", s.Encoding())
	}
	learn(t, &s, step, "client_encoding", "EUC_TW")
	p, text = one(t, "SELECT set_config('client_encoding', 'UTF8', false)")
	if _, _, step, err = group.Calls(p.Calls, text, nil, plain15); err != nil {
		t.Fatal(err)
	}
	if learn(t, &s, step, "client_encoding", "EUC_TW"); s.Encoding() != "LATIN1" {
		t.Errorf("it is %s", s.Encoding())
	}
	if learn(t, &s, step, "client_encoding", "UTF8"); s.Encoding() != "UTF8" {
		t.Errorf("it is %s", s.Encoding())
	}
}

func TestCopiesThatAreTheSame(t *testing.T) {
	s := Settings{}
	if !s.Same(&Settings{}) {
		t.Error("nothing is not nothing")
	}
	set(t, &s, "SET work_mem = '1MB'", "work_mem", "1MB")
	old := s
	if !old.Same(&s) || s.Same(&Settings{}) {
		t.Error("a copy is another")
	}
	for _, change := range []func(){
		func() { set(t, &s, "SET work_mem = '2MB'", "work_mem", "2MB") },
		func() { set(t, &s, "SET LOCAL work_mem = '3MB'", "work_mem", "3MB") },
		func() { s.Commit() },
		func() { s.drop("work_mem") },
	} {
		before := s
		if change(); before.Same(&s) {
			t.Errorf("%+v is said to be %+v", before, s)
		}
	}
}
