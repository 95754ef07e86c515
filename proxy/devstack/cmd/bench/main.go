// Command bench measures what the proxy adds to a statement, in time and memory, with `pgturnstile serve` as a process of its
// own between a client and an endpoint that both live here, or Neon's stand-in and Postgres. It prints one table and the machine
// it was made on. Arguments are the names of measurements, all of them by default.
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
)

// row is one line of the table. A tab in value begins another column.
type row struct{ name, value string }

// measurement is some lines of the table.
type measurement struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

// measurements are run in this order: the peak of memory comes first, while the process is young.
var measurements = []measurement{
	{"rows", rows},
	{"idle connections", idleConnections},
	{"statements", statements},
	{"describe", describing},
	{"settings", settings},
	{"prepared", prepared},
}

func main() {
	binary := flag.String("binary", "", "`path` of the pgturnstile that is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, names []string) (err error) {
	if binary == "" {
		return errors.New("-binary is needed")
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Println(machine())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range chosen {
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

// choose returns the measurements with these names, in their own order; all without names.
func choose(names []string) ([]measurement, error) {
	if len(names) == 0 {
		return measurements, nil
	}
	var chosen []measurement
	for _, m := range measurements {
		if slices.Contains(names, m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) != len(names) {
		var all []string
		for _, m := range measurements {
			all = append(all, strconv.Quote(m.name))
		}
		return nil, fmt.Errorf("not all of %q are measurements: there are %s", names, strings.Join(all, ", "))
	}
	return chosen, nil
}
