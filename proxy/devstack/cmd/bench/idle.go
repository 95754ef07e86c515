package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// idleSteps are how many connections are open when memory is looked at. Between the first and the last, growth per connection is to
// be the same: it is linear.
var idleSteps = []int{100, 500, 900}

// idleConnections measures what a connection costs that has logged in and waits.
func idleConnections(ctx context.Context, b *bench) ([]row, error) {
	var table []row
	for _, kind := range []struct {
		name      string
		encrypted bool
	}{{"plaintext", false}, {"TLS", true}} {
		sizes, err := b.idle(ctx, kind.encrypted)
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(sizes); i++ {
			each := float64(sizes[i]-sizes[i-1]) / float64(idleSteps[i]-idleSteps[i-1]) / 1024
			table = append(table, row{fmt.Sprintf("RSS per idle connection, %s, %d to %d", kind.name, idleSteps[i-1], idleSteps[i]), fmt.Sprintf("%.1f kB", each)})
		}
	}
	return table, nil
}

// idle returns the resident sizes at each of idleSteps.
func (b *bench) idle(ctx context.Context, encrypted bool) (sizes []int64, err error) {
	var open []*pgconn.PgConn
	defer func() {
		for _, conn := range open {
			err = errors.Join(err, conn.Close(ctx))
		}
	}()
	for _, n := range idleSteps {
		for len(open) < n {
			conn, err := b.connect(ctx, encrypted)
			if err != nil {
				return nil, err
			}
			open = append(open, conn)
			// A connection that has worked is what waits, not one that has only logged in.
			if err := conn.Exec(ctx, oneStatement).Close(); err != nil {
				return nil, err
			}
		}
		size, err := b.resting(ctx)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
