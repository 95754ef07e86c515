package proxytest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// describing is a session that asks about one text again and again, and what it must be told.
type describing struct {
	user   string
	first  []string // before it asks
	text   string
	oids   []uint32
	params []uint32
	fields []string // name and type OID
	code   string   // of the error, where there is one
}

// TestDescriptionsAreOfTheirOwnSession: sessions that mean different things by the same text, asking at the same time, are each
// told what their own means.
func TestDescriptionsAreOfTheirOwnSession(t *testing.T) {
	s := newOwnStack(t, devstack.Options{Setup: stateSetup + `
		CREATE SCHEMA one; CREATE SCHEMA two; GRANT USAGE ON SCHEMA one, two TO authenticated, reader;
		CREATE TABLE one.thing (a int, b text); CREATE TABLE two.thing (a text, c date, d bool);
		GRANT SELECT, INSERT ON one.thing, two.thing TO authenticated; GRANT SELECT ON two.thing TO reader;
		CREATE FUNCTION one.same(int) RETURNS text LANGUAGE sql AS 'SELECT $1::text'; CREATE FUNCTION two.same(text) RETURNS int LANGUAGE sql AS 'SELECT 1';`})
	const text = `select a, '\' || $1 from thing where a = $1 --'`
	const whole, same = "select * from thing where a = $1", "select same($1)"
	ask := []describing{
		{user: "alice", first: []string{"set search_path = one"}, text: whole, params: []uint32{23}, fields: []string{"a 23", "b 25"}},
		{user: "bob", first: []string{"set search_path = two"}, text: whole, params: []uint32{25}, fields: []string{"a 25", "c 1082", "d 16"}},
		{user: "alice", first: []string{"set search_path = two, one"}, text: whole, params: []uint32{25}, fields: []string{"a 25", "c 1082", "d 16"}},
		{user: "bob", first: []string{"set search_path = one, two"}, text: whole, params: []uint32{23}, fields: []string{"a 23", "b 25"}},
		{user: "bob", text: whole, code: "42P01"},
		{user: "alice", first: []string{"set search_path = one"}, text: whole, oids: []uint32{20}, params: []uint32{20}, fields: []string{"a 23", "b 25"}},
		{user: "bob", first: []string{"set search_path = one"}, text: whole, oids: []uint32{1700}, params: []uint32{1700}, fields: []string{"a 23", "b 25"}},
		{user: "bob", first: []string{"set search_path = two"}, text: whole, oids: []uint32{23}, code: "42883"},
		{user: "alice", first: []string{"set role reader", "set search_path = two"}, text: whole, params: []uint32{25}, fields: []string{"a 25", "c 1082", "d 16"}},
		{user: "alice", first: []string{"set search_path = one"}, text: same, params: []uint32{23}, fields: []string{"same 25"}},
		{user: "bob", first: []string{"set search_path = two"}, text: same, params: []uint32{25}, fields: []string{"same 23"}},
		{user: "alice", first: []string{"set search_path = one"}, text: text, code: "42883"},
		{user: "bob", first: []string{"set search_path = two"}, text: text, params: []uint32{25}, fields: []string{"a 25", "?column? 25"}},
		{user: "bob", first: []string{"set search_path = two", "set standard_conforming_strings = off", "set escape_string_warning = off"}, text: text, code: "42703"}, // \' is no end
		{user: "alice", first: []string{"set search_path = nowhere"}, text: whole, code: "42P01"},
	}
	var running sync.WaitGroup
	for i, d := range ask {
		c := s.session(t, d.user)
		for _, sql := range d.first {
			if err := c.Exec(t.Context(), sql).Close(); err != nil {
				t.Fatal(err)
			}
		}
		running.Go(func() {
			for n := range 40 {
				if err := d.ask(t.Context(), c); err != nil {
					t.Errorf("session %d, time %d: %v", i, n, err)
					return
				}
			}
		})
	}
	running.Wait()
}

func (d describing) ask(ctx context.Context, c *pgconn.PgConn) error {
	got, err := c.Prepare(ctx, "", d.text, d.oids)
	if d.code != "" {
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != d.code {
			return fmt.Errorf("%s with %v: %v, want %s", d.text, d.oids, err, d.code)
		}
		return nil
	}
	if err != nil {
		return err
	}
	var fields []string
	for _, f := range got.Fields {
		fields = append(fields, fmt.Sprint(f.Name, " ", f.DataTypeOID))
	}
	if fmt.Sprint(fields) != fmt.Sprint(d.fields) || fmt.Sprint(got.ParamOIDs) != fmt.Sprint(d.params) {
		return fmt.Errorf("%s with %v: %v %v, want %v %v", d.text, d.oids, got.ParamOIDs, fields, d.params, d.fields)
	}
	return nil
}

// TestChangesOfTheSchemaAreSeenByAll: what one session has changed another one is told at once, though it had been told otherwise.
func TestChangesOfTheSchemaAreSeenByAll(t *testing.T) {
	s := newOwnStack(t, devstack.Options{Setup: stateSetup})
	alice, bob := s.session(t, "alice"), s.session(t, "bob")
	run := func(sql string) {
		t.Helper()
		if err := alice.Exec(t.Context(), sql).Close(); err != nil {
			t.Fatal(err)
		}
	}
	const text = "select * from play.changing where a = $1"
	run("create table play.changing (a int)")
	for i, change := range []struct {
		sql  string
		want describing
	}{
		{"select 1", describing{params: []uint32{23}, fields: []string{"a 23"}}},
		{"alter table play.changing add b text", describing{params: []uint32{23}, fields: []string{"a 23", "b 25"}}},
		{"alter table play.changing alter a type text", describing{params: []uint32{25}, fields: []string{"a 25", "b 25"}}},
		{"begin; alter table play.changing drop b; commit", describing{params: []uint32{25}, fields: []string{"a 25"}}},
		{"do $$ begin alter table play.changing add c date; end $$", describing{params: []uint32{25}, fields: []string{"a 25", "c 1082"}}},
		{"drop table play.changing; create view play.changing as select 1::int8 as a", describing{params: []uint32{20}, fields: []string{"a 20"}}},
		{"drop view play.changing", describing{code: "42P01"}},
		{"select 1.5 as a into play.changing", describing{params: []uint32{1700}, fields: []string{"a 1700"}}},
		{"alter table play.changing rename to changed", describing{code: "42P01"}},
		{"create table play.changing as select now() as a", describing{params: []uint32{1184}, fields: []string{"a 1184"}}},
		{"begin; drop table play.changing; rollback", describing{params: []uint32{1184}, fields: []string{"a 1184"}}},
	} {
		run(change.sql)
		change.want.text = text
		for n, c := range []*pgconn.PgConn{bob, alice, bob} {
			if err := change.want.ask(t.Context(), c); err != nil {
				t.Errorf("%d %s, ask %d: %v", i, change.sql, n, err)
			}
		}
	}
}

// TestTheRightsOfARoleAreItsOwn: a session that has become a role which may not use a type's schema does not take the type from others.
func TestTheRightsOfARoleAreItsOwn(t *testing.T) {
	s := newOwnStack(t, devstack.Options{Setup: stateSetup + "CREATE SCHEMA inner_one; CREATE TYPE inner_one.mood AS ENUM ('sad'); GRANT USAGE ON SCHEMA inner_one TO authenticated;"})
	alice, bob := s.session(t, "alice"), s.session(t, "bob")
	r := bob.ExecParams(t.Context(), "select 'inner_one.mood'::regtype::oid", nil, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	oid, err := strconv.ParseUint(string(r.Rows[0][0]), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.Exec(t.Context(), "set role reader").Close(); err != nil {
		t.Fatal(err)
	}
	mood := []uint32{uint32(oid)}
	for range 2 {
		// What the role cannot name is inferred, and reported as it was declared.
		if err := (describing{text: "select $1 as m", oids: mood, params: mood, fields: []string{"m 25"}}).ask(t.Context(), alice); err != nil {
			t.Error(err)
		}
		if err := (describing{text: "select $1 as m", oids: mood, params: mood, fields: []string{fmt.Sprint("m ", oid)}}).ask(t.Context(), bob); err != nil {
			t.Error(err)
		}
		if r := bob.ExecParams(t.Context(), "select pg_typeof($1)::text", [][]byte{[]byte("sad")}, mood, nil, nil).Read(); r.Err != nil || string(r.Rows[0][0]) != "inner_one.mood" {
			t.Errorf("%v, %v", r.Rows, r.Err)
		}
	}
}
