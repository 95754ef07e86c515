package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	rounds    = 10
	perRound  = 150
	sidesWarm = 100 // runs of each side before its first round
)

// side is one of several things that are compared.
type side struct {
	name  string
	run   func() error
	proxy *proxyProcess // whose CPU counts; nil: none stands between
}

// sides are what one measurement compares, with the sessions they use. One goroutine uses them.
type sides struct {
	bench      *bench
	list       []side
	sessions   []*session
	transports []*http.Transport
	err        error // of making them
}

// through adds a side that sends messages through the proxy, in a session of its own that has sent each of setUp before.
func (s *sides) through(ctx context.Context, name, want string, next func(n int) []byte, setUp ...[]byte) {
	c := s.open(s.bench.session(ctx))
	s.add(name, want, s.bench.whole, c, next, setUp)
}

// directly is through without a proxy: real Postgres.
func (s *sides) directly(ctx context.Context, name, want string, next func(n int) []byte, setUp ...[]byte) {
	c := s.open(s.bench.direct(ctx))
	s.add(name, want, nil, c, next, setUp)
}

// bare adds the HTTP request with that body, sent to the stand-in for Neon by the standard library's client.
func (s *sides) bare(ctx context.Context, name, body string) {
	transport := &http.Transport{DisableCompression: true}
	s.transports = append(s.transports, transport)
	s.list = append(s.list, side{name: name, run: func() error {
		return bareRequest(ctx, transport, s.bench.stack.NeonURL(), s.bench.token, body)
	}})
}

func (s *sides) open(c *session, err error) *session {
	s.err = errors.Join(s.err, err)
	if c != nil {
		s.sessions = append(s.sessions, c)
	}
	return c
}

func (s *sides) add(name, want string, proxy *proxyProcess, c *session, next func(n int) []byte, setUp [][]byte) {
	if s.err != nil {
		return
	}
	for _, m := range setUp {
		if err := c.cycle(m, setUpAnswers(m)); err != nil {
			s.err = fmt.Errorf("%s: %w", name, err)
			return
		}
	}
	n := 0
	s.list = append(s.list, side{name, func() error {
		n++
		return c.cycle(next(n), want)
	}, proxy})
}

// setUpAnswers are those to a SET, or to Parse and Describe of a query.
func setUpAnswers(message []byte) string {
	if message[0] == 'Q' {
		return "CZ"
	}
	return "1tTZ"
}

// same is the same message each time.
func same(message []byte) func(int) []byte { return func(int) []byte { return message } }

// measure runs the sides in turns, so that what else the machine does meets all of them alike.
func (s *sides) measure(ctx context.Context, title string) (_ []row, err error) {
	defer func() {
		for _, c := range s.sessions {
			err = errors.Join(err, c.close())
		}
		for _, t := range s.transports {
			t.CloseIdleConnections()
		}
	}()
	if s.err != nil {
		return nil, s.err
	}
	series := make([][]time.Duration, len(s.list))
	used := make([]time.Duration, len(s.list))
	for round := range rounds {
		for i, one := range s.list {
			if round == 0 {
				if err := one.repeat(ctx, sidesWarm, nil); err != nil {
					return nil, err
				}
			}
			before, err := one.cpu()
			if err != nil {
				return nil, err
			}
			if err := one.repeat(ctx, perRound, &series[i]); err != nil {
				return nil, err
			}
			after, err := one.cpu()
			if err != nil {
				return nil, err
			}
			used[i] += after - before
		}
	}
	table := []row{{title, "p50\tp99\tCPU of the proxy"}}
	for i, one := range s.list {
		slices.Sort(series[i])
		n := len(series[i])
		cpu := "-"
		if one.proxy != nil {
			cpu = micro(used[i] / time.Duration(n))
		}
		table = append(table, row{"  " + one.name, fmt.Sprintf("%s\t%s\t%s", micro(series[i][n/2]), micro(series[i][n*99/100]), cpu)})
	}
	return table, nil
}

// repeat runs the side n times and adds what each took to series.
func (s *side) repeat(ctx context.Context, n int, series *[]time.Duration) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		if err := s.run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if series != nil {
			*series = append(*series, time.Since(began))
		}
	}
	return nil
}

func (s *side) cpu() (time.Duration, error) {
	if s.proxy == nil {
		return 0, nil
	}
	return s.proxy.cpu()
}
