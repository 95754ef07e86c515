package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// server answers the facts request.
type server struct {
	asked atomic.Int32
	wait  time.Duration
	fail  func(token string) error // by token; nil is no failure
	rows  func() []Parameter
}

func (s *server) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	s.asked.Add(1)
	select {
	case <-time.After(s.wait):
	case <-ctx.Done():
		return &upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "dropped"), Outcome: upstream.Unknown}
	}
	if s.fail != nil {
		if err := s.fail(req.Token.Reveal()); err != nil {
			return err
		}
	}
	if err := sink.Fields(0, make([]upstream.Field, 2)); err != nil {
		return err
	}
	for _, p := range s.rows() {
		b := binary.BigEndian.AppendUint16(sink.NextRow(), 2)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p.Name))), p.Name...)
		if p.Value == "NULL" {
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)
		} else {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p.Value))), p.Value...)
		}
		if err := sink.EndRow(b); err != nil {
			return err
		}
	}
	return sink.Complete(0, upstream.Completion{Command: "SELECT"})
}

func version(num string) func() []Parameter {
	return func() []Parameter {
		return []Parameter{{"DateStyle", "ISO, MDY"}, {"extra_float_digits", "1"}, {"scram_iterations", "NULL"}, {"search_path", "public"},
			{"server_version_num", num}, {"standard_conforming_strings", "off"}}
	}
}

func caller(token string) Caller { return Caller{Token: upstream.NewToken(token)} }

func TestFactsByVersion(t *testing.T) {
	for _, tc := range []struct {
		num  string
		want []Parameter
	}{
		{"150018", []Parameter{{"DateStyle", "ISO, MDY"}, {"standard_conforming_strings", "off"}}},
		{"180001", []Parameter{{"DateStyle", "ISO, MDY"}, {"search_path", "public"}, {"standard_conforming_strings", "off"}}},
	} {
		facts, err := NewCache(&server{rows: version(tc.num)}, time.Minute, zap.NewNop()).Get(t.Context(), caller("a"))
		if err != nil {
			t.Fatal(err)
		}
		if len(facts.Reported) != len(tc.want) {
			t.Fatalf("version %s reports %v, want %v", tc.num, facts.Reported, tc.want)
		}
		for i := range tc.want {
			if facts.Reported[i] != tc.want[i] {
				t.Errorf("version %s reports %v, want %v", tc.num, facts.Reported[i], tc.want[i])
			}
		}
		if facts.StandardConforming || facts.ExtraFloatDigits != 1 {
			t.Errorf("facts %+v", facts)
		}
	}
	if _, err := NewCache(&server{rows: version("x")}, time.Minute, zap.NewNop()).Get(t.Context(), caller("a")); pgerr.From(err).Code != pgerr.CannotConnectNow {
		t.Errorf("a version that is no number: %v", err)
	}
}

func TestReadOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{rows: version("150018"), wait: time.Second}
		c := NewCache(s, time.Minute, zap.NewNop())
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := c.Get(t.Context(), caller("a")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAFailureIsTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := &upstream.Error{PG: pgerr.New(pgerr.InvalidAuthorization, "refused"), Outcome: upstream.NotRun}
		s := &server{rows: version("150018"), wait: time.Second, fail: func(token string) error {
			if token == "bad" {
				return refused
			}
			return nil
		}}
		c := NewCache(s, time.Minute, zap.NewNop())
		first := make(chan error)
		go func() {
			_, err := c.Get(t.Context(), caller("bad"))
			first <- err
		}()
		synctest.Wait()
		if _, err := c.Get(t.Context(), caller("good")); err != nil {
			t.Errorf("the other caller: %v", err)
		}
		if err := <-first; pgerr.From(err).Code != pgerr.InvalidAuthorization || !pgerr.From(err).IsFatal() {
			t.Errorf("the first caller: %v", err)
		}
	})
}

func TestOldFactsOutliveAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		num := "150018"
		s := &server{rows: func() []Parameter { return version(num)() }, fail: func(string) error {
			if down.Load() {
				return &upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "down"), Outcome: upstream.NotRun}
			}
			return nil
		}}
		c := NewCache(s, time.Minute, zap.NewNop())
		get := func() int {
			facts, err := c.Get(t.Context(), caller("a"))
			if err != nil {
				t.Fatal(err)
			}
			return facts.VersionNum
		}
		get()
		down.Store(true)
		time.Sleep(2 * time.Minute)
		if get() != 150018 {
			t.Error("stale facts are not given out")
		}
		synctest.Wait()
		for range 50 {
			get()
		}
		synctest.Wait()
		if n := s.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want one refresh", n)
		}
		down.Store(false)
		num = "160002"
		time.Sleep(refreshLimit)
		get()
		synctest.Wait()
		if got := get(); got != 160002 {
			t.Errorf("version %d after the refresh", got)
		}
	})
}

func TestProbeAlwaysAsks(t *testing.T) {
	s := &server{rows: version("150018")}
	c := NewCache(s, time.Minute, zap.NewNop())
	for range 3 {
		if _, err := c.Probe(t.Context(), caller("a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(t.Context(), caller("a")); err != nil || s.asked.Load() != 3 {
		t.Errorf("asked %d times, error %v", s.asked.Load(), err)
	}
}

func TestAnyOtherErrorIsOneSentence(t *testing.T) {
	s := &server{rows: version("150018"), fail: func(string) error { return errors.New("secret address") }}
	_, err := NewCache(s, time.Minute, zap.NewNop()).Get(t.Context(), caller("a"))
	e := pgerr.From(err)
	if e.Code != pgerr.CannotConnectNow || !e.IsFatal() || e.Detail != "" {
		t.Errorf("%+v", e)
	}
}

func TestAPanicInTheBackgroundEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		s := &server{rows: func() []Parameter {
			if broken.Load() {
				panic("a test's own")
			}
			return version("150018")()
		}}
		c := NewCache(s, time.Minute, zap.NewNop())
		for range 3 {
			if _, err := c.Get(t.Context(), caller("a")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			broken.Store(true)
			time.Sleep(2 * time.Minute)
		}
		if n := s.asked.Load(); n != 3 {
			t.Errorf("asked %d times, want a read and two refreshes", n)
		}
	})
}
