package neontest

import (
	"context"
	"time"
)

// cancelGrace is how long a cancelled single statement may take to end before its connection is given up.
const cancelGrace = 100 * time.Millisecond

// runBatch runs statements in one transaction. keep says whether the backend may go back to the pool: it may after an error
// of a statement, in step or not.
func (b *backend) runBatch(statements []statement, tx transaction, o output) (body []byte, keep bool, err error) {
	if err := b.exec(tx.start()); err != nil {
		return nil, false, err
	}
	body = append(body, `{"results":[`...)
	for i, st := range statements {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = b.run(st, o, body); err != nil {
			_ = b.post("ROLLBACK") // err is the answer; a broken connection shows at its next use
			return nil, true, err
		}
	}
	if err := b.exec("COMMIT"); err != nil {
		return nil, false, err
	}
	return append(body, "]}"...), true, nil
}

// interruptible runs f, which uses b, until it ends or the client goes. Then the statement is cancelled; a batch's connection
// is closed at once, a single statement's if it has not ended soon.
func (b *backend) interruptible(ctx context.Context, batch bool, f func() ([]byte, bool, error)) (body []byte, keep bool, err error) {
	type outcome struct {
		body []byte
		keep bool
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		body, keep, err := f()
		done <- outcome{body, keep, err}
	}()
	select {
	case o := <-done:
		return o.body, o.keep, o.err
	case <-ctx.Done():
	}
	_ = b.cancel(context.WithoutCancel(ctx)) // if it fails, closing does the rest
	if !batch {
		timer := time.NewTimer(cancelGrace)
		defer timer.Stop()
		select {
		case o := <-done:
			if o.err == nil {
				return o.body, o.keep, nil
			}
			f := asFailure(o.err)
			return nil, f.pg != nil && f.pg.code == "57014", context.Cause(ctx)
		case <-timer.C:
		}
	}
	b.close()
	<-done
	// A statement that began behind the first cancel would run on: Postgres looks at its socket only when it writes.
	_ = b.cancel(context.WithoutCancel(ctx))
	return nil, false, context.Cause(ctx)
}
