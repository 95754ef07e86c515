package proxytest

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// record is a log that a test reads while it is written.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// What no log, metric or error may hold beside the tokens.
const (
	secretText  = "select 'a statement that nobody logs'"
	secretParam = "a-parameter-that-nobody-logs"
)

// TestNothingSecretIsPrinted drives a stack, whose log is at its finest, through logins and statements that succeed and fail
// in every way that is at hand, and looks for tokens, statements and parameters in all that it has printed.
func TestNothingSecretIsPrinted(t *testing.T) {
	var log record
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	s := newOwnStack(t, devstack.Options{Log: zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&log), zapcore.DebugLevel))})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mint := func(r devstack.TokenRequest) string {
		token, err := s.Mint(r)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := mint(devstack.TokenRequest{User: "alice"})
	expired := mint(devstack.TokenRequest{User: "alice", Expires: -time.Hour})
	id := mint(devstack.TokenRequest{User: "alice", Use: "id"})
	var printed []string
	note := func(err error) {
		if err != nil {
			printed = append(printed, err.Error())
		}
	}

	refused := []string{expired, id, good[:len(good)/2], good[:len(good)-1], good + "x", "Bearer " + expired, `"` + good + `"`, good + "." + good, strings.ToUpper(good)}
	for i, password := range refused {
		c, err := s.login(ctx, password)
		if err == nil {
			c.Close(ctx)
			t.Errorf("refused[%d] came in", i)
		}
		note(err)
	}

	c, err := s.login(ctx, "  Bearer "+good+"\n")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, secretText).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{secretText + " frm x", "begin", "set timezone = 'x'", "select $$" + secretParam + "$$::int", "do $$ begin raise exception '" + secretParam + "'; end $$"} {
		_, err := c.Exec(ctx, sql).ReadAll()
		if err == nil {
			t.Errorf("%s succeeded", sql)
		}
	}
	if r := c.ExecParams(ctx, "select $1::int", [][]byte{[]byte(secretParam)}, nil, nil, nil).Read(); r.Err == nil {
		t.Error("a parameter that is no number was taken for one")
	}
	settingsAndPrepared(t, c)
	for _, startup := range []map[string]string{{"my.x": secretParam}, {"work_mem": secretParam}, {"options": "-c my.y=" + secretParam}, {"options": "-c work_mem=" + secretParam},
		{"options": secretParam}, {secretParam: "x"}, {"my." + secretParam: "x"}, {"pg_session_jwt.jwt": secretParam}} {
		config, err := pgconn.ParseConfig("postgres://" + devstack.Role + "@" + s.Address() + "/" + devstack.Database + "?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		config.TLSConfig, config.Password, config.RuntimeParams = s.tls, good, startup
		if c, err := pgconn.ConnectConfig(ctx, config); err == nil {
			c.Close(ctx)
		}
	}
	for _, f := range []neontest.Fault{
		{Status: 400, Body: `{"message":"` + good + `","code":""}`},
		{Status: 502, Body: "<html>" + good + "</html>"},
		{Status: 200, Body: `{"fields":[` + good},
		{Close: true, Run: true},
		{CutAfter: 20},
	} {
		s.Neon().Fault(1, f)
		_, err := c.Exec(ctx, secretText).ReadAll()
		if err == nil {
			t.Errorf("fault %+v went unnoticed", f)
		}
		note(err)
	}
	resp, err := http.Get(s.MetricsURL())
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pgturnstile_auth_failures_total", "pgturnstile_query_errors_total", "pgturnstile_upstream_requests_total"} {
		if !bytes.Contains(metrics, []byte(want)) {
			t.Errorf("no %s among the metrics", want)
		}
	}
	if !strings.Contains(log.String(), `"connection authenticated"`) || !strings.Contains(log.String(), `"level":"debug"`) {
		t.Error("the log is not the one meant")
	}

	all := map[string]string{"log": log.String(), "metrics": string(metrics), "errors": strings.Join(printed, "\n")}
	for _, token := range append(refused, good) {
		for part := range strings.SplitSeq(strings.Trim(token, `"`), ".") {
			if len(part) < 40 {
				continue
			}
			for where, text := range all {
				for _, piece := range []string{part[:24], part[len(part)-24:]} {
					if strings.Contains(text, piece) {
						t.Errorf("%s: a part of a token: %s", where, line(text, piece))
					}
				}
				if payload, err := base64.RawURLEncoding.DecodeString(part); err == nil && strings.Contains(text, string(payload)) {
					t.Errorf("%s: a token's payload", where)
				}
			}
		}
	}
	for where, text := range all {
		if strings.Contains(text, "eyJ") {
			t.Errorf("%s: what looks like a token: %s", where, line(text, "eyJ"))
		}
	}
	for _, secret := range []string{"nobody logs", "nobody-logs"} {
		for _, where := range []string{"log", "metrics"} {
			if strings.Contains(all[where], secret) {
				t.Errorf("%s: a statement or parameter: %s", where, line(all[where], secret))
			}
		}
	}
}

// settingsAndPrepared gives secrets as settings and as arguments, where they are taken and where they are not.
func settingsAndPrepared(t *testing.T, c *pgconn.PgConn) {
	t.Helper()
	for _, sql := range []string{
		"set my.secret = '" + secretParam + "'", "set work_mem = '" + secretParam + "'", "set role '" + secretParam + "'", "set search_path = '" + secretParam + "'", "show my.secret", "select current_setting('my.secret')",
		"set client_encoding = '" + secretParam + "'", "set client_min_messages = '" + secretParam + "'", `set "` + secretParam + `" = 1`, "select set_config('my.secret', '" + secretParam + "', false)", "reset my.secret",
		"prepare p(int, text) as select $1, $2 || '" + secretParam + "'", "execute p(1, '" + secretParam + "')", "execute p('" + secretParam + "', null)", "execute p(length('" + secretParam + "'), 'x' || '" + secretParam + "')",
		"execute p('" + secretParam + "'::int, null)", "prepare q as select '" + secretParam + "'::int", `prepare "` + secretParam + `" as select 1`, `execute "` + secretParam + `x"`, `deallocate "` + secretParam + `"`, "discard all",
		"set pg_session_jwt.jwt = '" + secretParam + "'", "update pg_settings set setting = '" + secretParam + "'", "begin; set my.secret = '" + secretParam + "'; select 1/0; commit", "rollback",
	} {
		_, _ = c.Exec(t.Context(), sql).ReadAll() // that some fail is meant
	}
	for _, sql := range []string{"select set_config('my.secret', $1, false)", "select set_config($1, 'x', false)", "select set_config('work_mem', $1, $2)", "select $1::int", "select $1 || $2 || $3"} {
		if d, err := c.Prepare(t.Context(), secretParam, sql, nil); err == nil {
			values := make([][]byte, len(d.ParamOIDs))
			for i := range values {
				values[i] = []byte(secretParam)
			}
			_ = c.ExecPrepared(t.Context(), secretParam, values, nil, nil).Read()
		}
		_ = c.Deallocate(t.Context(), secretParam)
	}
}

// line is the line of text that holds piece.
func line(text, piece string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, piece) {
			return l
		}
	}
	return ""
}
