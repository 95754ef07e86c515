package proxytest

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Result is the transcript of one step.
type Result struct {
	Title string
	Lines []string
}

// Run plays s to t and returns a Result for each of its steps; before them "login" and "parameters" (the ParameterStatus of
// the login) if the script has the login in it, and a last one "end" with whatever comes behind the last await. That the server ends the session is no
// error but a line of the transcript; the steps behind it are missing.
func Run(ctx context.Context, t Target, s *Script) ([]Result, error) {
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.nc.Close()
	var results []Result
	loginErr := t.login(c, s)
	if lines := c.transcript.take(); s.Login || loginErr != nil {
		rest, parameters := splitLogin(lines)
		results = append(results, Result{Title: "login", Lines: rest})
		if len(parameters) > 0 {
			results = append(results, Result{Title: "parameters", Lines: parameters})
		}
	}
	if errors.Is(loginErr, errEnded) {
		return results, nil
	}
	if loginErr != nil {
		return nil, loginErr
	}
	for _, step := range s.Steps {
		err := t.step(ctx, c, step)
		results = append(results, Result{Title: step.Title, Lines: c.transcript.take()})
		if errors.Is(err, errEnded) {
			return results, nil
		}
		if err != nil {
			return results, err
		}
	}
	if lines := c.end(); len(lines) > 0 {
		results = append(results, Result{Title: "end", Lines: lines})
	}
	return results, nil
}

// step sends what stands before each await in one piece, so that it arrives as a pipeline.
func (t Target) step(ctx context.Context, c *connection, step Step) error {
	var pending []byte
	for _, a := range step.Actions {
		switch {
		case a.Send != nil:
			pending = append(pending, a.Send...)
			continue
		case a.Cancel:
			if err := c.write(pending); err != nil {
				return c.ended(err)
			}
			pending = nil
			if err := t.cancelUntilAnswer(ctx, c); err != nil {
				return err
			}
			continue
		}
		if err := c.write(pending); err != nil {
			// What the server said before it closed can still be read.
			return c.await(0)
		}
		pending = nil
		if err := c.await(a.Await); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := c.nc.Write(b)
	return err
}

// await reads up to a message of type typ, or with 0 to the end.
func (c *connection) await(typ byte) error {
	for {
		got, body, err := c.read()
		if err != nil {
			return c.ended(err)
		}
		c.transcript.message(got, body)
		if got == typ {
			return nil
		}
	}
}

// cancelUntilAnswer sends CancelRequests until the next message has come, and notes it.
func (t Target) cancelUntilAnswer(ctx context.Context, c *connection) error {
	stop := make(chan struct{})
	var canceling sync.WaitGroup
	canceling.Go(func() { t.cancel(ctx, c, stop) })
	typ, body, err := c.read()
	close(stop)
	canceling.Wait()
	if err != nil {
		return c.ended(err)
	}
	c.transcript.message(typ, body)
	return nil
}

// end terminates the session and returns what was still to come.
func (c *connection) end() []string {
	bye, err := (&pgproto3.Terminate{}).Encode(nil)
	if err != nil || c.write(bye) != nil {
		return []string{"(closed)"}
	}
	for {
		typ, body, err := c.read()
		if err != nil {
			break
		}
		c.transcript.message(typ, body)
	}
	return c.transcript.take()
}
