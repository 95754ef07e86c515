package main

import (
	"context"
	"fmt"
	"time"
)

const (
	rowsRuns = 5
	stall    = 2 * time.Second
)

// rows measures a reply of 64 MB: how fast it goes through, and what the proxy holds of it while the client takes no more.
func rows(ctx context.Context, b *bench) ([]row, error) {
	idle, err := b.resting(ctx)
	if err != nil {
		return nil, err
	}
	stalled, err := b.peakOf(ctx, stall)
	if err != nil {
		return nil, err
	}
	peak, err := b.peakOf(ctx, 0)
	if err != nil {
		return nil, err
	}
	before, err := b.proxy.cpu()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for range rowsRuns {
		if err := b.readRows(ctx, 0); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	after, err := b.proxy.cpu()
	if err != nil {
		return nil, err
	}
	megabytes := float64(rowsRuns*len(b.endpoint.rows)) / (1 << 20)
	return []row{
		{"RSS at rest", mega(idle)},
		{"RSS at most while 64 MB of rows stream", mega(peak)},
		{"RSS at most while the client stalls in the middle", mega(stalled)},
		{"rows out per second of the proxy's CPU, TLS", fmt.Sprintf("%.0f MB", megabytes/(after-before).Seconds())},
		{"rows out per second on this machine, client and endpoint included", fmt.Sprintf("%.0f MB", megabytes/took.Seconds())},
	}, nil
}

// resting is the resident size after a collection.
func (b *bench) resting(ctx context.Context) (int64, error) {
	if err := b.proxy.settle(ctx); err != nil {
		return 0, err
	}
	return b.proxy.status("VmRSS")
}

// peakOf reads the rows once and returns the largest resident size meanwhile.
func (b *bench) peakOf(ctx context.Context, pause time.Duration) (int64, error) {
	if _, err := b.resting(ctx); err != nil {
		return 0, err
	}
	if err := b.proxy.resetPeak(); err != nil {
		return 0, err
	}
	if err := b.readRows(ctx, pause); err != nil {
		return 0, err
	}
	return b.proxy.status("VmHWM")
}

// readRows reads the large reply on a connection of its own, with a pause in its middle.
func (b *bench) readRows(ctx context.Context, pause time.Duration) error {
	conn, err := b.connect(ctx, true)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	results := conn.Exec(ctx, rowsStatement)
	read := 0
	for results.NextResult() {
		reader := results.ResultReader()
		for reader.NextRow() {
			for _, value := range reader.Values() {
				read += len(value)
			}
			if pause > 0 && read > replySize/4 {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
				pause = 0
			}
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if read < replySize/2 {
		return fmt.Errorf("only %d bytes of values came", read)
	}
	return nil
}

func mega(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }
