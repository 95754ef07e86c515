// Command bench measures what the proxy adds to a statement, in time and memory, with `pgturnstile serve` as a process of its
// own between a client and an endpoint that both live here. It prints a small table and the machine it was made on.
//
// This file is the table of contents: each measurement has a file of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
)

// row is one line of the table.
type row struct{ name, value string }

// measurements are run in this order: the peak of memory comes first, while the process is young.
var measurements = []struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}{
	{"rows", rows},
	{"idle connections", idleConnections},
	{"statements", statements},
}

func main() {
	binary := flag.String("binary", "", "`path` of the pgturnstile that is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string) (err error) {
	if binary == "" {
		return errors.New("-binary is needed")
	}
	b, err := newBench(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Println(machine())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range measurements {
		table, err := m.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range table {
			fmt.Fprintf(w, "%s\t%s\n", r.name, r.value)
		}
	}
	return w.Flush()
}
