package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

func TestOutputWaitsForFlush(t *testing.T) {
	s := &script{}
	c := NewConn(s, Limits{})
	c.Send(&pgproto3.ParseComplete{})
	c.SendError(pgerr.New("42601", "syntax error"))
	c.SendNotice(&pgerr.Error{Severity: pgerr.SeverityWarning, Code: "01000", Message: "careful"})
	c.SetOutput(append(c.Output(), 'Z', 0, 0, 0, 5, 'I'))
	if err := c.FlushIfFull(); err != nil || s.writes != 0 {
		t.Fatalf("%d writes before Flush, %v", s.writes, err)
	}
	if err := c.Flush(); err != nil || s.writes != 1 {
		t.Fatalf("%d writes after Flush, %v", s.writes, err)
	}
	if c.out != nil {
		t.Error("the drained buffer was kept")
	}
	f := pgproto3.NewFrontend(bytes.NewReader(s.written), nil)
	var types []string
	for {
		msg, err := f.Receive()
		if err != nil {
			break
		}
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			types = append(types, m.Severity+m.Code)
		case *pgproto3.NoticeResponse:
			types = append(types, m.Severity+m.Code)
		case *pgproto3.ParseComplete:
			types = append(types, "1")
		case *pgproto3.ReadyForQuery:
			types = append(types, string(m.TxStatus))
		}
	}
	if got := len(types); got != 4 || types[0] != "1" || types[1] != "ERROR42601" || types[2] != "WARNING01000" || types[3] != "I" {
		t.Errorf("written: %q", types)
	}
	if err := c.Flush(); err != nil || s.writes != 1 {
		t.Errorf("an empty Flush wrote: %d writes, %v", s.writes, err)
	}
}

func TestFlushIfFull(t *testing.T) {
	s := &script{}
	c := NewConn(s, Limits{})
	row := make([]byte, 1000)
	total := 0
	for range 1000 {
		c.SetOutput(append(c.Output(), row...))
		total += len(row)
		if err := c.FlushIfFull(); err != nil {
			t.Fatal(err)
		}
		if len(c.out) >= HighWater {
			t.Fatalf("%d bytes pending", len(c.out))
		}
	}
	if s.writes < total/HighWater/2 || s.writes > total/HighWater {
		t.Errorf("%d writes for %d bytes", s.writes, total)
	}
	c.SetOutput(append(c.Output(), make([]byte, 10*HighWater)...))
	if err := c.FlushIfFull(); err != nil {
		t.Fatal(err)
	}
	if c.out != nil {
		t.Error("the memory of one wide row was kept")
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := total + 10*HighWater; len(s.written) != want {
		t.Errorf("%d bytes written, want %d", len(s.written), want)
	}
}

// The deadline is for progress: a slow reader is served longer than the timeout, a stuck one is not.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		c := NewConn(server, Limits{})
		c.SetWriteTimeout(time.Minute)
		const chunks = 5
		go func() {
			buf := make([]byte, writeChunk)
			for range chunks {
				time.Sleep(50 * time.Second)
				_, _ = io.ReadFull(client, buf)
			}
		}()
		start := time.Now()
		c.SetOutput(append(c.Output(), make([]byte, chunks*writeChunk)...))
		if err := c.Flush(); err != nil {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		if took := time.Since(start); took != chunks*50*time.Second {
			t.Errorf("took %v", took)
		}

		start = time.Now()
		c.Send(&pgproto3.ParseComplete{})
		err := c.Flush()
		if n, ok := errors.AsType[net.Error](err); !ok || !n.Timeout() {
			t.Fatalf("a stuck client: %v", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("given up after %v", took)
		}
		c.SetOutput(append(c.Output(), make([]byte, 1<<20)...))
		if len(c.Output()) != 0 {
			t.Error("output for a lost client piles up")
		}
		if again := c.Flush(); !errors.Is(again, err) {
			t.Errorf("a later Flush: %v, want %v", again, err)
		}
		if again := c.FlushIfFull(); !errors.Is(again, err) {
			t.Errorf("a later FlushIfFull: %v, want %v", again, err)
		}
	})
}
