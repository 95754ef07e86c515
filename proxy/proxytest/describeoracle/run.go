package describeoracle

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// Case is a question with both answers.
type Case struct {
	Question
	Kind  string
	Proxy Answer
	// Difference is what is not the same, "" if nothing; Reason is why that is accepted, "" if it is not.
	Difference, Reason string
}

// Sides are the two ways to one database.
type Sides struct {
	Real, Proxy *pgconn.Config
	Version     int // major version of the server
}

// Run asks both sides about every statement that is for the version, over that many pairs of sessions at once, and returns the
// cases in the statements' order.
func Run(ctx context.Context, sides Sides, statements []Statement, pairs int) ([]Case, error) {
	results := make([][]Case, len(statements))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for range pairs {
		running.Go(func() {
			if err := runPair(ctx, sides, statements, next, results); err != nil {
				cancel(err)
			}
		})
	}
feed:
	for i := range statements {
		if !statements[i].On(sides.Version) {
			continue
		}
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var cases []Case
	for _, list := range results {
		cases = append(cases, list...)
	}
	return cases, nil
}

func runPair(ctx context.Context, sides Sides, statements []Statement, next <-chan int, results [][]Case) error {
	p, err := newPair(ctx, sides)
	if err != nil {
		return err
	}
	defer p.close()
	for i := range next {
		if results[i], err = p.cases(ctx, &statements[i]); err != nil {
			return fmt.Errorf("describeoracle: %s.sql:%d: %w", statements[i].Topic, statements[i].Line, err)
		}
	}
	return nil
}

// pair is a session on either side, owned by one goroutine.
type pair struct{ real, proxy *session }

func newPair(ctx context.Context, sides Sides) (*pair, error) {
	real, err := connect(ctx, sides.Real)
	if err != nil {
		return nil, err
	}
	proxy, err := connect(ctx, sides.Proxy)
	if err != nil {
		real.close()
		return nil, err
	}
	return &pair{real: real, proxy: proxy}, nil
}

func (p *pair) close() {
	p.real.close()
	p.proxy.close()
}

func (p *pair) cases(ctx context.Context, s *Statement) ([]Case, error) {
	// What the proxy fails to do before or after is a difference like any other.
	proxyErr, err := p.query(ctx, s.Before)
	if err != nil {
		return nil, err
	}
	list, err := questions(s, func(text string, declared []uint32) (Answer, error) { return p.real.ask(ctx, text, declared) })
	if err != nil {
		return nil, err
	}
	cases := make([]Case, len(list))
	kind := kindOf(s.Text, list[0].Real)
	if s.Topic == generatedTopic {
		kind = "generated, " + kind
	}
	for i, q := range list {
		c := Case{Question: q, Kind: kind}
		if c.Proxy, err = p.proxy.ask(ctx, q.Text, q.Declared); err != nil {
			return nil, err
		}
		c.Difference = Difference(q.Real, c.Proxy)
		if c.Difference == "" {
			// By now the proxy may know the answer.
			again, err := p.proxy.askInTurns(ctx, q.Text, q.Declared)
			if err != nil {
				return nil, err
			}
			if d := Difference(q.Real, again); d != "" {
				c.Difference = "asked again, message by message: " + d
			}
		}
		cases[i] = c
	}
	afterErr, err := p.query(ctx, s.After)
	if err != nil {
		return nil, err
	}
	if proxyErr = errors.Join(proxyErr, afterErr); proxyErr != nil {
		cases[0].Difference += " around it: " + proxyErr.Error()
	}
	return cases, nil
}

// query runs SQL on both sides, and returns what fails on the proxy's.
func (p *pair) query(ctx context.Context, sql []string) (proxyErr, err error) {
	for _, text := range sql {
		proxyErr = errors.Join(proxyErr, p.proxy.query(ctx, text))
		err = errors.Join(err, p.real.query(ctx, text))
	}
	return proxyErr, err
}
