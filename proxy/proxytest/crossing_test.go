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
	crossingSessions   = 4 // of each user: every other one pipelines its statements
	crossingPipeline   = 10
)

// crossingSQL carries a value that no other statement has, and asks who it runs as.
const crossingSQL = "select $1::text, auth.user_id(), user_id, task, pg_backend_pid() from todos order by task"

// backends notes which users each server process has served.
type backends struct {
	mu     sync.Mutex
	served map[int]map[string]bool
}

func (b *backends) note(pid int, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.served[pid] == nil {
		b.served[pid] = map[string]bool{}
	}
	b.served[pid][user] = true
}

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
	served := &backends{served: map[int]map[string]bool{}}
	var running sync.WaitGroup
	for _, user := range users {
		for n := range crossingSessions {
			conn := connectPgx(t, s.proxyConfig(t, user), pgx.QueryExecModeExec)
			share := askOneByOne
			if n%2 == 1 {
				share = askInPipelines
			}
			running.Go(func() {
				if err := share(t.Context(), conn, served, user, fmt.Sprint(user, "-", n), crossingStatements/len(users)/crossingSessions); err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
	for _, users := range served.served {
		if len(users) > 1 {
			return
		}
	}
	t.Errorf("the users shared none of %d server processes: nothing could have crossed", len(served.served))
}

func askOneByOne(ctx context.Context, conn *pgx.Conn, served *backends, user, session string, statements int) error {
	for i := range statements {
		own := fmt.Sprint(session, "-", i)
		rows, err := conn.Query(ctx, crossingSQL, own)
		if err != nil {
			return fmt.Errorf("%s: %w", own, err)
		}
		if err := checkOwnRows(rows, served, user, own); err != nil {
			return err
		}
	}
	return nil
}

func askInPipelines(ctx context.Context, conn *pgx.Conn, served *backends, user, session string, statements int) error {
	for i := 0; i < statements; i += crossingPipeline {
		batch := &pgx.Batch{}
		for j := range crossingPipeline {
			batch.Queue(crossingSQL, fmt.Sprint(session, "-", i+j))
		}
		results := conn.SendBatch(ctx, batch)
		for j := range crossingPipeline {
			own := fmt.Sprint(session, "-", i+j)
			rows, err := results.Query()
			if err != nil {
				return fmt.Errorf("%s: %w", own, err)
			}
			if err := checkOwnRows(rows, served, user, own); err != nil {
				return err
			}
		}
		if err := results.Close(); err != nil {
			return fmt.Errorf("%s: %w", session, err)
		}
	}
	return nil
}

// checkOwnRows reads the answer to the statement that carried own.
func checkOwnRows(rows pgx.Rows, served *backends, user, own string) error {
	n := 0
	for rows.Next() {
		n++
		var echo, who, owner, task string
		var pid int
		if err := rows.Scan(&echo, &who, &owner, &task, &pid); err != nil {
			return fmt.Errorf("%s: %w", own, err)
		}
		if echo != own || who != user || owner != user || task != fmt.Sprint(user, n) {
			return fmt.Errorf("%s got %q %q %q %q", own, echo, who, owner, task)
		}
		served.note(pid, user)
	}
	if rows.Err() != nil || n != 3 {
		return fmt.Errorf("%s: %d rows, %w", own, n, rows.Err())
	}
	return nil
}
