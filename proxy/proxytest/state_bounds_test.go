package proxytest

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// bounded runs f and expects that it takes no longer and keeps no more memory than what it is about asks for.
func bounded(t *testing.T, name string, limit time.Duration, keeps int64, f func()) {
	t.Helper()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, began := heap(), time.Now()
	f()
	took, kept := time.Since(began), heap()-before
	t.Logf("%s: %s, %d MB kept", name, took.Round(time.Millisecond), kept>>20)
	if took > limit || kept > keeps {
		t.Errorf("%s took %s and keeps %d MB", name, took, kept>>20)
	}
}

// TestHostileSessionsAreBounded: what one session can make the proxy keep and do. The proxy runs in this process.
func TestHostileSessionsAreBounded(t *testing.T) {
	s := newStateStack(t)
	alice := s.session(t, "alice")
	said := func(sql string) string { return s.play(t, alice, []attack{{sql: sql}})[0] }
	const ok = ""

	bounded(t, "1,100 settings", time.Minute, 16<<20, func() {
		var b strings.Builder
		for i := range 1100 {
			fmt.Fprintf(&b, "set a.b%d = '%s';", i, strings.Repeat("v", 100))
		}
		if got := said(b.String()); !strings.Contains(got, "54000") {
			t.Errorf("1,100 settings: %.200s", got)
		}
		for i := range 10 {
			var b strings.Builder
			for j := range 90 {
				fmt.Fprintf(&b, "set a.b%d = '%s';", i*90+j, strings.Repeat("v", 100))
			}
			if got := said(b.String()); got != ok {
				t.Errorf("900 settings: %.200s", got)
			}
		}
		if got := said("select current_setting('a.b899')"); got != strings.Repeat("v", 100) {
			t.Errorf("with 900 settings: %.200s", got)
		}
	})
	bounded(t, "values of a megabyte", time.Minute, 16<<20, func() {
		if got := said("reset all; set a.b = '" + strings.Repeat("v", 2<<20) + "'"); !strings.Contains(got, "54000") {
			t.Errorf("a setting of 2 MB: %.200s", got)
		}
		if got := said("select length(set_config('a.c', repeat('v', 3000000), false))"); !strings.Contains(got, "54000") {
			t.Errorf("a computed setting of 3 MB: %.200s", got)
		}
		if got := said("discard all"); got != ok {
			t.Errorf("discard: %.200s", got)
		}
	})
	bounded(t, "set_config() 10,000 times", 20*time.Second, 4<<20, func() {
		if got := said("select " + strings.Repeat("set_config('a.b', 'x', false), ", 10000) + "1"); !strings.Contains(got, "0A000") {
			t.Errorf("10,000 calls: %.200s", got)
		}
		if got := said("select length(concat(" + strings.Repeat("set_config('a.b', 'x', false), ", 90) + "''))"); got != "90" {
			t.Errorf("90 calls: %.200s", got)
		}
	})
	bounded(t, "arguments of EXECUTE", time.Minute, 16<<20, func() {
		if got := said("prepare many as select $1::int"); got != ok {
			t.Errorf("prepare: %.200s", got)
		}
		for _, n := range []int{10_000, 1_000_000} {
			if got := said("execute many(1" + strings.Repeat(", 1", n) + ")"); !strings.Contains(got, "wrong number of parameters") {
				t.Errorf("%d arguments: %.200s", n, got)
			}
		}
	})
	bounded(t, "deep brackets", time.Minute, 16<<20, func() {
		deep := strings.Repeat("(", 100_000) + "select $1" + strings.Repeat(")", 100_000)
		if _, err := alice.Prepare(t.Context(), "", deep, []uint32{23}); err == nil {
			t.Error("100,000 brackets are a statement")
		}
		if got := said("select set_config('a.b', " + strings.Repeat("(", 100_000) + "'x'" + strings.Repeat(")", 100_000) + ", false)"); !strings.Contains(got, "54001") && !strings.Contains(got, "42601") && !strings.Contains(got, "53200") {
			t.Errorf("100,000 brackets: %.200s", got)
		}
	})
	bounded(t, "errors", time.Minute, 16<<20, func() {
		for i := range 50 {
			if _, err := alice.Prepare(t.Context(), fmt.Sprint("e", i), "select nothing from nowhere where $1 = $2", nil); err == nil {
				t.Error("it is described")
			}
		}
	})
	bounded(t, "statements that are replaced in one pipeline", time.Minute, 96<<20, func() {
		s.replaced(t)
	})
	if got := said("select 1"); got != "1" {
		t.Errorf("after all that: %s", got)
	}
}

// replaced sends Parse of a megabyte again and again, without Sync.
func (s *stateStack) replaced(t *testing.T) {
	t.Helper()
	text := "select '" + strings.Repeat("x", 1<<20) + "'"
	c, err := s.login(t.Context(), s.bob)
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Conn.Close()
	for range 100 {
		h.Frontend.Send(&pgproto3.Parse{Query: text})
		if err := h.Frontend.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	h.Frontend.Send(&pgproto3.Sync{})
	if err := h.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	var codes bytes.Buffer
	for {
		m, err := h.Frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			codes.WriteString(m.Code)
		case *pgproto3.ReadyForQuery:
			if codes.String() != "54000" {
				t.Errorf("100 MB of statements in one pipeline: %q", codes.String())
			}
			return
		}
	}
}
