package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/proxy/assembly"
)

func serveCommand() command {
	return command{name: "serve", summary: "serve clients until SIGTERM or SIGINT", run: runServe}
}

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	source := config.Flags(fs, os.Environ())
	if code, done := parseFlags(fs, args, stdout, stderr); done {
		return code
	}
	c, err := config.Load(*source)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFault
	}
	stdlog.SetOutput(io.Discard) // net/http prints there what a broken peer has sent
	log := newLogger(c.Log, stderr)
	defer func() { _ = log.Sync() }() // standard error may be a terminal, which cannot be synced
	for _, w := range c.Warnings() {
		log.Warn(w.Message, zap.String("event", "config_warning"), zap.String("key", w.Path))
	}

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	running, err := assembly.Start(ctx, c, log)
	if err != nil {
		log.Error("cannot start", zap.String("event", "start_failed"), zap.Error(err))
		return exitFault
	}
	return serveUntil(ctx, running, signals, log)
}

// serveUntil waits for the first signal, which drains, or for a listener that fails. A second signal ends all at once.
func serveUntil(ctx context.Context, running *assembly.Running, signals <-chan os.Signal, log *zap.Logger) int {
	code := exitOK
	select {
	case s := <-signals:
		log.Info("ending", zap.String("event", "signal"), zap.String("signal", s.String()))
	case <-ctx.Done():
	case err := <-running.Failed():
		log.Error("a listener failed", zap.String("event", "listener_failed"), zap.Error(err))
		code = exitFault
	}
	ended := make(chan error, 1)
	go func() { ended <- running.Shutdown(context.WithoutCancel(ctx)) }()
	for {
		select {
		case <-ended: // what was cut short has been logged
			return code
		case s := <-signals:
			log.Warn("ending at once", zap.String("event", "signal"), zap.String("signal", s.String()))
			go func() { _ = running.Shutdown(context.WithoutCancel(ctx)) }() // the first call returns what there is to say
		}
	}
}

var logLevels = map[config.LogLevel]zapcore.Level{
	config.LevelDebug: zapcore.DebugLevel, config.LevelInfo: zapcore.InfoLevel,
	config.LevelWarn: zapcore.WarnLevel, config.LevelError: zapcore.ErrorLevel,
}

// newLogger writes records to w: JSON with the keys ts, level, event and msg, or lines for a terminal.
func newLogger(c config.Log, w io.Writer) *zap.Logger {
	keys := zap.NewProductionEncoderConfig()
	keys.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(keys)
	if c.Format == config.FormatText {
		encoder = zapcore.NewConsoleEncoder(keys)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), logLevels[c.Level]))
}
