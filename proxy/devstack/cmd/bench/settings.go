package main

import (
	"context"
	"fmt"
)

// changes are ten settings that are sent with each statement once they are set.
var changes = []string{
	"SET work_mem = '5MB'", "SET search_path = public, pg_catalog", "SET DateStyle = 'German'", "SET TimeZone = 'Europe/Paris'",
	"SET IntervalStyle = 'iso_8601'", "SET statement_timeout = '59s'", "SET lock_timeout = '58s'", "SET random_page_cost = 1.1",
	"SET bytea_output = 'escape'", "SET app.tenant = '42'",
}

// settings compares a statement of a session that has changed settings with one of a session that has not, and SET itself.
func settings(ctx context.Context, b *bench) ([]row, error) {
	const sql = "SELECT id, name, price FROM items WHERE id = 17"
	s := &sides{bench: b}
	s.bare(ctx, "bare HTTP request of a SELECT", `{"query":"`+sql+`","params":[]}`)
	s.bare(ctx, "bare HTTP request of one set_config() and it", `{"queries":[{"query":"SELECT pg_catalog.set_config($1,$2,true)","params":["work_mem","5MB"]},`+
		`{"query":"`+sql+`","params":[]}]}`)
	for _, n := range []int{0, 1, 3, len(changes)} {
		var setUp [][]byte
		for _, set := range changes[:n] {
			setUp = append(setUp, query(set))
		}
		s.through(ctx, fmt.Sprintf("the SELECT, settings changed: %d", n), "TDCZ", same(query(sql)), setUp...)
	}
	s.through(ctx, "SET of one that is sent", "CZ", func(n int) []byte { return query(fmt.Sprintf("SET work_mem = '%dMB'", 5+n%2)) })
	s.through(ctx, "SET of one that is kept here", "CZ", func(n int) []byte { return query(fmt.Sprintf("SET application_name = 'bench %d'", n%2)) })
	s.directly(ctx, "real Postgres, the SELECT", "TDCZ", same(query(sql)))
	s.directly(ctx, "real Postgres, SET", "CZ", func(n int) []byte { return query(fmt.Sprintf("SET work_mem = '%dMB'", 5+n%2)) })
	return s.measure(ctx, "Settings, whole stack, TLS")
}
