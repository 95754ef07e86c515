package proxytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// cycle is what a client sends for one execution, as a step that ends at ReadyForQuery.
func cycle(t *testing.T, title string, messages ...pgproto3.FrontendMessage) Step {
	t.Helper()
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	return Step{Title: title, Actions: []Action{{Send: out}, {Await: 'Z'}}}
}

// countParameters asks the server how many parameters have arrived, all of them "1".
func countParameters(t *testing.T, n int) Step {
	t.Helper()
	names := make([]string, n)
	values := make([][]byte, n)
	for i := range n {
		names[i], values[i] = fmt.Sprint("$", i+1), []byte("1")
	}
	return cycle(t, fmt.Sprint(n, " parameters"),
		&pgproto3.Parse{Query: "select count(*), sum(x::int) from unnest(array[" + strings.Join(names, ",") + "]::text[]) x"},
		&pgproto3.Bind{Parameters: values}, &pgproto3.Execute{}, &pgproto3.Sync{})
}

// TestSizes sends what is large in one way or another.
func TestSizes(t *testing.T) {
	s := startStack(t)
	name := strings.Repeat("n", 64<<10)
	longPortal := strings.Repeat("p", 9000)
	script := &Script{Major: 3, Steps: []Step{
		cycle(t, "a statement name of 64 kB", &pgproto3.Parse{Name: name, Query: "select 1"},
			&pgproto3.Bind{DestinationPortal: longPortal, PreparedStatement: name}, &pgproto3.Execute{Portal: longPortal}, &pgproto3.Sync{}),
		cycle(t, "the same in a later cycle", &pgproto3.Bind{PreparedStatement: name}, &pgproto3.Execute{}, &pgproto3.Sync{}),
		countParameters(t, 32767),
		cycle(t, "a text of 1 MB", &pgproto3.Query{String: "select length('" + strings.Repeat("x", 1<<20) + "')"}),
		cycle(t, "a parameter of 1 MB", &pgproto3.Parse{Query: "select md5($1::text)"},
			&pgproto3.Bind{Parameters: [][]byte{bytes.Repeat([]byte("ä\"\\\n"), 200_000)}}, &pgproto3.Execute{}, &pgproto3.Sync{}),
		cycle(t, "many statements in one Query", &pgproto3.Query{String: strings.Repeat("select 1;", 500)}),
		cycle(t, "brackets in brackets", &pgproto3.Query{String: "select " + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000)}),
		cycle(t, "comments in comments", &pgproto3.Query{String: strings.Repeat("/*", 1000) + strings.Repeat("*/", 1000) + "select 1"}),
	}}
	postgres, err := Run(t.Context(), s.oracle.Target("alice"), script)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := Run(t.Context(), s.target(t, "alice"), script)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range Compare(postgres, proxy, nil) {
		t.Error(shorten(fault))
	}
}

// TestTooManyParameters: upstream takes half as many parameters as Postgres does.
func TestTooManyParameters(t *testing.T) {
	s := startStack(t)
	results, err := Run(t.Context(), s.target(t, "alice"), &Script{Major: 3, Steps: []Step{
		countParameters(t, 32768), cycle(t, "afterwards", &pgproto3.Query{String: "select 1"})}})
	if err != nil {
		t.Fatal(err)
	}
	answer := strings.Join(results[0].Lines, "\n")
	if !strings.Contains(answer, "ErrorResponse ERROR 54000") || !strings.Contains(answer, "32767") || !strings.HasSuffix(answer, "ReadyForQuery I") {
		t.Errorf("32768 parameters: %s", answer)
	}
	if lines := results[1].Lines; lines[len(lines)-2] != "CommandComplete SELECT 1" {
		t.Errorf("afterwards: %q", lines)
	}
}

// TestSyncStorm: each Sync has its own answer, however many lie in the socket.
func TestSyncStorm(t *testing.T) {
	const syncs = 20_000
	s := startStack(t)
	target := s.target(t, "alice")
	c, err := target.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.nc.Close()
	if err := target.login(c, &Script{Major: 3}); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- c.write(bytes.Repeat([]byte{'S', 0, 0, 0, 4}, syncs)) }()
	answers := make([]byte, 6*syncs)
	if _, err := io.ReadFull(c.nc, answers); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if want := bytes.Repeat([]byte("Z\x00\x00\x00\x05I"), syncs); !bytes.Equal(answers, want) {
		t.Error("the answers are not as many ReadyForQuery")
	}
}

// TestCancelOfNothing: a CancelRequest for an idle session is no threat to its next statement.
func TestCancelOfNothing(t *testing.T) {
	s := startStack(t)
	for side, target := range map[string]Target{"Postgres": s.oracle.Target("alice"), "proxy": s.target(t, "alice")} {
		c, err := target.connect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer c.nc.Close()
		if err := target.login(c, &Script{Major: 3}); err != nil {
			t.Fatal(err)
		}
		c.transcript.take()
		stop := make(chan struct{})
		close(stop)
		target.cancel(t.Context(), c, stop) // one, and it has been read to its end
		step := cycle(t, "next", &pgproto3.Query{String: "select 1"})
		if err := target.step(t.Context(), c, step); err != nil {
			t.Fatal(err)
		}
		if lines := c.transcript.take(); lines[len(lines)-2] != "CommandComplete SELECT 1" {
			t.Errorf("%s: %q", side, lines)
		}
	}
}

// shorten leaves out the middle of a long text.
func shorten(s string) string {
	const ends = 1000
	if len(s) <= 2*ends {
		return s
	}
	return s[:ends] + "\n[...]\n" + s[len(s)-ends:]
}
