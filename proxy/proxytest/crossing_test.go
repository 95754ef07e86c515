package proxytest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	crossingStatements = 20_000
	crossingSessions   = 4 // of each user
)

// TestNoRowCrosses interleaves the statements of two users over upstream connections that they share: every answer must be
// the answer to its own statement, with the rows of its own user alone.
func TestNoRowCrosses(t *testing.T) {
	s := startStack(t)
	users := []string{"alice", "bob"}
	for _, user := range users {
		conn := connectPgx(t, s.proxyConfig(t, user), pgx.QueryExecModeExec)
		if _, err := conn.Exec(t.Context(), "insert into todos (task) select $1 || g from generate_series(1, 3) g", user); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := conn.Exec(context.Background(), "delete from todos"); err != nil {
				t.Error(err)
			}
		}()
	}
	var running sync.WaitGroup
	for _, user := range users {
		for n := range crossingSessions {
			conn := connectPgx(t, s.proxyConfig(t, user), pgx.QueryExecModeExec)
			running.Go(func() {
				if err := checkOwnAnswers(t.Context(), conn, user, n); err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
}

// checkOwnAnswers runs one session's share. Each statement carries a value that no other has, and asks who it runs as.
func checkOwnAnswers(ctx context.Context, conn *pgx.Conn, user string, session int) error {
	for i := range crossingStatements / 2 / crossingSessions {
		own := fmt.Sprintf("%s-%d-%d", user, session, i)
		rows, err := conn.Query(ctx, "select $1::text, auth.user_id(), user_id, task from todos order by task", own)
		if err != nil {
			return fmt.Errorf("%s: %w", own, err)
		}
		n := 0
		for rows.Next() {
			n++
			var echo, who, owner, task string
			if err := rows.Scan(&echo, &who, &owner, &task); err != nil {
				return fmt.Errorf("%s: %w", own, err)
			}
			if echo != own || who != user || owner != user || task != fmt.Sprint(user, n) {
				return fmt.Errorf("%s got %q %q %q %q", own, echo, who, owner, task)
			}
		}
		if rows.Err() != nil || n != 3 {
			return fmt.Errorf("%s: %d rows, %w", own, n, rows.Err())
		}
	}
	return nil
}
