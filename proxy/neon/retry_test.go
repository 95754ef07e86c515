package neon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// errorBody is an error of Neon's own.
func errorBody(message string) string {
	return `{"message":"` + message + `","code":"","detail":null,"severity":""}`
}

func fakeClient(t *testing.T, rt http.RoundTripper) *Client {
	return newClient(t, "", func(cfg *Config) { cfg.RoundTripper = rt; cfg.InFlight = 2 })
}

func TestRetriesOnlyWhatDidNotRun(t *testing.T) {
	type reply struct {
		status int
		body   string
		err    error
	}
	for name, c := range map[string]struct {
		first   reply
		reason  retryReason // "": not sent again
		code    string
		outcome upstream.Outcome
	}{
		"429":              {reply{429, "", nil}, retryStatus429, "53300", upstream.NotRun},
		"503 HTML":         {reply{503, "<html>", nil}, retryStatus503, "57P03", upstream.NotRun},
		"503 but unknown":  {reply{503, errorBody("connection closed"), nil}, "", "08007", upstream.Unknown},
		"connect":          {reply{500, errorBody("error connecting to server: Connection refused (os error 111)"), nil}, retryConnect, "08001", upstream.NotRun},
		"establish":        {reply{400, errorBody("Could not establish HTTP connection to the database"), nil}, retryConnect, "08001", upstream.NotRun},
		"permit":           {reply{400, errorBody("Failed to acquire permit to connect to the database. Too many database connection attempts are currently ongoing."), nil}, retryPermit, "53300", upstream.NotRun},
		"too many":         {reply{400, errorBody("Too many connections to this endpoint. Please try again later."), nil}, retryPermit, "53300", upstream.NotRun},
		"control plane":    {reply{400, errorBody("Control plane request failed: endpoint is temporarily unavailable. Check your quotas and/or contact our support."), nil}, retryControlPlane, "57P03", upstream.NotRun},
		"through broker":   {reply{500, `"{\"message\":\"error connecting to server: timeout\",\"code\":\"\"}"`, nil}, retryConnect, "08001", upstream.NotRun},
		"sent and lost":    {reply{0, "", errors.New("connection reset by peer")}, "", "08006", upstream.Unknown},
		"500":              {reply{500, errorBody("something new"), nil}, "", "08006", upstream.Unknown},
		"502":              {reply{502, "", nil}, "", "08006", upstream.Unknown},
		"connection close": {reply{400, errorBody("connection closed"), nil}, "", "08007", upstream.Unknown},
		"SQL error":        {reply{400, `{"message":"x","code":"40001","severity":"ERROR"}`, nil}, "", "40001", upstream.Failed},
		"unknown key":      {reply{400, errorBody("jwk not found"), nil}, "", "57P03", upstream.NotRun},
		"malformed":        {reply{200, "{}", nil}, "", "08006", upstream.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Once, then well.
				calls := 0
				client := fakeClient(t, roundTripper(func(got call) (int, string, error) {
					if calls++; calls > 1 {
						return 200, oneRow, nil
					}
					return c.first.status, c.first.body, c.first.err
				}))
				sink := &collector{t: t}
				err := client.Run(t.Context(), single("select 1"), sink)
				if c.reason == retryNever {
					check(t, err, c.code, c.outcome)
					if calls != 1 {
						t.Errorf("sent %d times", calls)
					}
					return
				}
				if err != nil || calls != 2 || len(sink.results) != 1 {
					t.Errorf("%v after %d calls", err, calls)
				}
				if n := testutil.ToFloat64(client.metrics.retries.WithLabelValues(string(c.reason))); n != 1 {
					t.Errorf("%v repetitions counted as %s", n, c.reason)
				}
				// Always.
				calls = 0
				client = fakeClient(t, roundTripper(func(got call) (int, string, error) {
					calls++
					if !strings.Contains(got.body, "select 1") {
						t.Errorf("call %d has the body %q", calls, got.body)
					}
					return c.first.status, c.first.body, c.first.err
				}))
				start := time.Now()
				check(t, client.Run(t.Context(), single("select 1"), &collector{t: t}), c.code, c.outcome)
				if calls != 1+maxRetries {
					t.Errorf("sent %d times", calls)
				}
				if took := time.Since(start); took < 650*time.Millisecond || took > 1300*time.Millisecond {
					t.Errorf("gave up after %v", took)
				}
			})
		})
	}
}

func TestUnsentIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := fakeClient(t, unsent(func() error { calls++; return errors.New("no route to host") }))
		check(t, client.Run(t.Context(), single("select 1"), &collector{t: t}), "08001", upstream.NotRun)
		if calls != 1+maxRetries {
			t.Errorf("tried %d times", calls)
		}
	})
}

// TestSlowFailureIsNotRepeatedForever: attempts that take long leave no time for more.
func TestSlowFailureIsNotRepeatedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := fakeClient(t, unsent(func() error { calls++; time.Sleep(7 * time.Second); return errors.New("timeout") }))
		check(t, client.Run(t.Context(), single("select 1"), &collector{t: t}), "08001", upstream.NotRun)
		if calls != 2 {
			t.Errorf("tried %d times", calls)
		}
	})
}

func TestContextEnd(t *testing.T) {
	cause := errors.New("the client has gone")
	for name, c := range map[string]struct {
		rt      http.RoundTripper
		outcome upstream.Outcome
	}{
		"while it waits for the answer": {hang{read: true}, upstream.Unknown},
		"before anything was written":   {hang{}, upstream.NotRun},
		"between two attempts":          {roundTripper(func(call) (int, string, error) { return 503, "", nil }), upstream.NotRun},
		"in the reply":                  {hang{reply: oneRow[:len(oneRow)-40]}, upstream.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
				err := fakeClient(t, c.rt).Run(ctx, single("select 1"), &collector{t: t})
				check(t, err, "57014", c.outcome)
				if !errors.Is(err, cause) {
					t.Errorf("%v does not wrap the cause", err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // a deadline
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := fakeClient(t, hang{read: true}).Run(ctx, single("select 1"), &collector{t: t})
		check(t, err, "57014", upstream.Unknown)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// hang never answers, or never goes on with its reply, until the request's context ends.
type hang struct {
	read  bool // the request's body
	reply string
}

func (h hang) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.read {
		if _, err := r.Body.Read(make([]byte, 1<<10)); err != nil {
			return nil, err
		}
	}
	if h.reply != "" {
		resp := response(r, 200, h.reply)
		resp.ContentLength = -1
		resp.Body = &hangingBody{strings.NewReader(h.reply), r.Context()}
		return resp, nil
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type hangingBody struct {
	*strings.Reader
	ctx context.Context
}

func (h *hangingBody) Read(p []byte) (int, error) {
	if h.Len() > 0 {
		return h.Reader.Read(p)
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (h *hangingBody) Close() error { return nil }

func TestFullRouteIs53300(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := fakeClient(t, hang{read: true})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				check(t, client.Run(ctx, single("select pg_sleep(3600)"), &collector{t: t}), "57014", upstream.Unknown)
			})
		}
		synctest.Wait()
		if n := testutil.ToFloat64(client.metrics.inFlight); n != 2 {
			t.Errorf("%v in flight", n)
		}
		start := time.Now()
		err := client.Run(ctx, single("select 1"), &collector{t: t})
		check(t, err, "53300", upstream.NotRun)
		if e, _ := errors.AsType[*upstream.Error](err); e.PG.Hint == "" || time.Since(start) != DefaultQueueWait {
			t.Errorf("%+v after %v", e.PG, time.Since(start))
		}
		short, cancelShort := context.WithTimeout(ctx, time.Second)
		defer cancelShort()
		check(t, client.Run(short, single("select 1"), &collector{t: t}), "57014", upstream.NotRun)
		cancel()
		wg.Wait()
		if n := testutil.ToFloat64(client.metrics.inFlight); n != 0 {
			t.Errorf("%v in flight", n)
		}
	})
}

// check asserts an error's SQLSTATE and outcome, and that the client is told when the outcome is unknown.
func check(t *testing.T, err error, code string, outcome upstream.Outcome) {
	t.Helper()
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		t.Errorf("%v is no upstream error", err)
		return
	}
	if e.PG.Code != code || e.Outcome != outcome || e.PG.IsFatal() || e.PG.Message == "" {
		t.Errorf("%+v, %v; want %s, %v", e.PG, e.Outcome, code, outcome)
	}
	if told := strings.Contains(e.PG.Detail, "outcome unknown"); told != (outcome == upstream.Unknown) {
		t.Errorf("outcome %v, detail %q", e.Outcome, e.PG.Detail)
	}
}
