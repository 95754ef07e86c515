package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgturnstile/pgturnstile/config"
)

const (
	startLimit = 20 * time.Second
	stopLimit  = 30 * time.Second
)

// proxyProcess is the `pgturnstile serve` that is measured.
type proxyProcess struct {
	cmd     *exec.Cmd
	address string
	admin   string
	ended   chan error
}

func startProxy(ctx context.Context, binary, file string, c *config.Config) (*proxyProcess, error) {
	c.Log.Level = config.LevelInfo // it says where it listens
	text, err := c.YAML()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	p := &proxyProcess{cmd: exec.Command(binary, "serve", "--config", file), ended: make(chan error, 1)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	var said bytes.Buffer // owned by the goroutine until it is closed or ended has a value
	go func() {
		p.read(stderr, &said, ready)
		p.ended <- p.cmd.Wait()
	}()
	select {
	case <-ready:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("serve ended: %w: %s", err, &said)
	case <-time.After(startLimit):
	case <-ctx.Done():
	}
	return nil, errors.Join(errors.New("serve does not say where it listens"), p.stop())
}

// read takes the addresses from the log and drops the rest of it.
func (p *proxyProcess) read(log io.Reader, said *bytes.Buffer, ready chan<- struct{}) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if p.address != "" && p.admin != "" {
			continue
		}
		said.Write(append(lines.Bytes(), '\n'))
		var record struct{ Event, Listener, Address string }
		if json.Unmarshal(lines.Bytes(), &record) != nil || record.Event != "listening" {
			continue
		}
		if record.Listener == "admin" {
			p.admin = record.Address
		} else {
			p.address = record.Address
		}
		if p.address != "" && p.admin != "" {
			close(ready)
		}
	}
}

func (p *proxyProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(stopLimit):
		return errors.Join(errors.New("serve does not end"), p.cmd.Process.Kill())
	}
}

// cpu is the CPU time that the process has used. Its clock runs in nanoseconds, /proc's in hundredths of a second.
func (p *proxyProcess) cpu() (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED of the whole process: the id that clock_getcpuclockid makes of a process' id
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|schedulerClock), &t); err != nil {
		return 0, fmt.Errorf("the clock of the proxy's process: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// status returns a size of /proc/PID/status in bytes: VmRSS now, VmHWM at most since resetPeak.
func (p *proxyProcess) status(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

func (p *proxyProcess) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// settle has the process collect its garbage, twice as what finalizers held goes with the second, and gives it a moment to
// return memory.
func (p *proxyProcess) settle(ctx context.Context) error {
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+"/debug/pprof/heap?gc=1", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return errors.Join(err, fmt.Errorf("a collection: %s", answer.Status))
		}
	}
	select {
	case <-time.After(2 * time.Second):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// machine names the machine in one line.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var kernel string
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = ", Linux " + strings.TrimSpace(string(text))
	}
	return fmt.Sprintf("%s, %d cores%s, %s", model, runtime.NumCPU(), kernel, runtime.Version())
}
