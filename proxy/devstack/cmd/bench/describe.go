package main

import (
	"context"
	"fmt"
)

// describing compares what it takes to learn what a statement is: asked upstream, from the route's cache, from the session itself, and
// on Postgres without anything between.
func describing(ctx context.Context, b *bench) ([]row, error) {
	const (
		selects = "SELECT id, name, price FROM items WHERE id = $1 AND name <> $2"
		inserts = "INSERT INTO items (name, price) VALUES ($1, $2) RETURNING id"
		want    = "1tTZ"
	)
	unseen := func(text string) func(int) []byte { // not the text of any other side's either
		return func(n int) []byte { return describe("", fmt.Sprintf("%s /* %d */", text, n)) }
	}
	s := &sides{bench: b}
	s.bare(ctx, "bare HTTP request of SELECT 1", `{"query":"SELECT 1","params":[]}`)
	s.through(ctx, "SELECT 1 through the proxy", "TDCZ", same(query("SELECT 1")))
	s.through(ctx, "Parse, Describe S of a SELECT, new each time", want, unseen(selects))
	s.through(ctx, "the same of an INSERT RETURNING", want, unseen(inserts))
	s.through(ctx, "in the route's cache, new to the session", want, same(describe("", selects)))
	s.through(ctx, "known to the session (Describe S)", "tTZ", same(describe("s", "")), describe("s", selects))
	s.directly(ctx, "real Postgres, SELECT 1", "TDCZ", same(query("SELECT 1")))
	s.directly(ctx, "real Postgres, the SELECT new each time", want, unseen(selects))
	s.directly(ctx, "real Postgres, the INSERT RETURNING", want, unseen(inserts))
	return s.measure(ctx, "Describe, whole stack, TLS")
}
