// Command describeoracle prints how the proxy's answers to Parse and Describe compare with a real Postgres', for the corpus and on
// demand for Postgres' own regression suite. It fails when something differs that the committed list does not name.
//
//	go run ./proxy/proxytest/describeoracle/cmd/describeoracle [-pg DIR]... [-regress DIR]
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/proxytest/describeoracle"
)

func main() {
	var bins []string
	flag.Func("pg", "directory of a Postgres' binaries; may be given more than once (default: the installed one)", func(dir string) error {
		bins = append(bins, dir)
		return nil
	})
	differences := flag.String("differences", "", "file to write what differs to, in the form of testdata/accepted.tsv")
	pairs := flag.Int("pairs", 4, "pairs of sessions at once")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if len(bins) == 0 {
		bins = []string{""}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var list bytes.Buffer
	good := true
	for _, bin := range bins {
		same, err := report(ctx, bin, *pairs, &list)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		good = good && same
	}
	if *differences != "" {
		if err := os.WriteFile(*differences, list.Bytes(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if !good {
		os.Exit(1)
	}
}

// report prints one server's report, and returns whether all is the same or accepted.
func report(ctx context.Context, bin string, pairs int, differences io.Writer) (bool, error) {
	statements, err := describeoracle.Corpus()
	if err != nil {
		return false, err
	}
	accepted, err := describeoracle.AcceptedDifferences()
	if err != nil {
		return false, err
	}
	stack, err := describeoracle.StartStack(ctx, bin)
	if err != nil {
		return false, err
	}
	defer stack.Close()
	start := time.Now()
	cases, err := describeoracle.Run(ctx, stack.Sides, statements, pairs)
	if err != nil {
		return false, err
	}
	r := describeoracle.NewReport(stack.Release, stack.Sides.Version, cases, accepted)
	r.Print(os.Stdout)
	r.WriteDifferences(differences)
	fmt.Printf("In %.0f s.\n\n", time.Since(start).Seconds())
	return len(r.Unexplained()) == 0 && len(r.Stale) == 0, nil
}
