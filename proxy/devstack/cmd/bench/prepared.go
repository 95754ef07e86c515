package main

import (
	"context"
	"fmt"
)

// prepared compares the ways in which a client sends values: in the text, with it, and to a statement that is known already.
func prepared(ctx context.Context, b *bench) ([]row, error) {
	const (
		simple   = "TDCZ"
		oneCycle = "12TDCZ"
		known    = "2DCZ"
	)
	s := &sides{bench: b}
	for _, q := range []struct {
		literals, text string
		oids           []uint32
		params         []string
	}{
		{"SELECT id, name, price FROM items WHERE id = 17", "SELECT id, name, price FROM items WHERE id = $1", []uint32{20}, []string{"17"}},
		{"SELECT id, name, price FROM items WHERE id = 17 AND id <> 18 AND name <> 'a' AND name <> 'b' AND price < 100",
			"SELECT id, name, price FROM items WHERE id = $1 AND id <> $2 AND name <> $3 AND name <> $4 AND price < $5",
			[]uint32{20, 20, 25, 25, 1700}, []string{"17", "18", "a", "b", "100"}},
	} {
		var params [][]byte
		for _, p := range q.params {
			params = append(params, []byte(p))
		}
		values := fmt.Sprintf(", values: %d", len(params))
		s.through(ctx, "simple Query"+values, simple, same(query(q.literals)))
		s.through(ctx, "Parse, Bind, Describe, Execute in one cycle"+values, oneCycle, same(atOnce(q.text, nil, params)))
		s.through(ctx, "the same with declared types (pinned)"+values, oneCycle, same(atOnce(q.text, q.oids, params)))
		s.through(ctx, "Bind, Execute of a described statement (pinned)"+values, known, same(execute("s", params)), describe("s", q.text))
		s.directly(ctx, "real Postgres, simple Query"+values, simple, same(query(q.literals)))
		s.directly(ctx, "real Postgres, Parse, Bind, Describe, Execute"+values, oneCycle, same(atOnce(q.text, nil, params)))
		s.directly(ctx, "real Postgres, Bind, Execute"+values, known, same(execute("s", params)), describe("s", q.text))
	}
	return s.measure(ctx, "Prepared against simple, whole stack, TLS")
}
