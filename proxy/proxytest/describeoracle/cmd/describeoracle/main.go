// Command describeoracle prints how the proxy's answers to Parse and Describe compare with a real Postgres', for the corpus and on
// demand for Postgres' own regression suite. It fails when something differs that the committed lists do not name.
//
//	go run ./proxy/proxytest/describeoracle/cmd/describeoracle [-pg DIR]... [-generated] [-regress DIR|auto]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/proxytest/describeoracle"
)

type options struct {
	bins        []string
	regress     string
	tests       string
	differences string
	generated   bool
	pairs       int
}

func main() {
	var o options
	flag.Func("pg", "directory of a Postgres' binaries; may be given more than once (default: the installed one)", func(dir string) error {
		o.bins = append(o.bins, dir)
		return nil
	})
	flag.StringVar(&o.regress, "regress", "", "src/test/regress of a Postgres source, to be compared in place of the corpus; auto downloads Debian's source package")
	flag.StringVar(&o.tests, "tests", "", "of the regression suite only these, separated by commas (default: its whole schedule)")
	flag.BoolVar(&o.generated, "generated", false, "also statements made from the server's catalogs, by the thousand")
	flag.StringVar(&o.differences, "differences", "", "file to write what differs to, in the form of testdata/accepted.tsv")
	flag.IntVar(&o.pairs, "pairs", 4, "pairs of sessions at once")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if len(o.bins) == 0 {
		o.bins = []string{""}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !good {
		stop()
		os.Exit(1)
	}
}

// run prints a report for each server, and returns whether all is the same or accepted.
func run(ctx context.Context, o options) (bool, error) {
	if o.regress == "auto" {
		dir, err := downloadSuite(ctx)
		if err != nil {
			return false, err
		}
		o.regress = dir
	}
	var differences io.Writer = io.Discard
	if o.differences != "" {
		f, err := os.Create(o.differences)
		if err != nil {
			return false, err
		}
		defer f.Close()
		differences = f
	}
	good := true
	for _, bin := range o.bins {
		start := time.Now()
		r, err := compare(ctx, o, bin)
		if err != nil {
			return false, err
		}
		r.Print(os.Stdout)
		r.WriteDifferences(differences)
		fmt.Printf("In %.0f s.\n\n", time.Since(start).Seconds())
		good = good && len(r.Unexplained()) == 0 && len(r.Stale) == 0
	}
	return good, nil
}

func compare(ctx context.Context, o options, bin string) (*describeoracle.Report, error) {
	if o.regress != "" {
		return compareRegression(ctx, o, bin)
	}
	statements, err := describeoracle.Corpus()
	if err != nil {
		return nil, err
	}
	accepted, err := describeoracle.AcceptedDifferences()
	if err != nil {
		return nil, err
	}
	stack, err := describeoracle.StartStack(ctx, bin)
	if err != nil {
		return nil, err
	}
	defer stack.Close()
	if o.generated {
		more, err := describeoracle.Generated(ctx, stack.Sides)
		if err != nil {
			return nil, err
		}
		statements = append(statements, more...)
	}
	cases, err := describeoracle.Run(ctx, stack.Sides, statements, o.pairs)
	if err != nil {
		return nil, err
	}
	r := describeoracle.NewReport(stack.Release, stack.Sides.Version, cases, accepted)
	r.AcceptRefusedFunctions()
	return r, nil
}

func compareRegression(ctx context.Context, o options, bin string) (*describeoracle.Report, error) {
	accepted, err := describeoracle.AcceptedOfRegression()
	if err != nil {
		return nil, err
	}
	stack, err := describeoracle.StartEmptyStack(ctx, bin)
	if err != nil {
		return nil, err
	}
	defer stack.Close()
	suite := describeoracle.Regression{Dir: o.regress, Pairs: o.pairs, Progress: os.Stderr}
	if o.tests != "" {
		suite.Tests = strings.Split(o.tests, ",")
	}
	cases, err := suite.Run(ctx, stack)
	if err != nil {
		return nil, err
	}
	fmt.Printf("Regression suite: %d statements compared, %d within transaction blocks left out.\n\n", suite.Compared, suite.Blocked)
	r := describeoracle.NewReport(stack.Release, stack.Sides.Version, cases, accepted)
	r.AcceptRefusals()
	return r, nil
}
