package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcome is what a command wrote and how it ended.
type outcome struct {
	code           int
	stdout, stderr string
}

func dispatched(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := dispatch(context.Background(), commands(), args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestDispatch(t *testing.T) {
	usage := dispatched("help").stdout
	for _, c := range commands() {
		if !strings.Contains(usage, "\n  "+c.name+" ") || !strings.Contains(usage, c.summary) {
			t.Errorf("the help has no line for %s:\n%s", c.name, usage)
		}
		if got := dispatched(c.name, "-h"); got.code != exitOK || !strings.Contains(got.stdout+got.stderr, "Usage") {
			t.Errorf("%s -h: %+v", c.name, got)
		}
	}
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{nil, exitUsage, "", usage},
		{[]string{"--help"}, exitOK, usage, ""},
		{[]string{"sevre"}, exitUsage, "", "pgturnstile: there is no command \"sevre\"\n\n" + usage},
	} {
		if got := dispatched(c.args...); got != (outcome{c.code, c.stdout, c.stderr}) {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
	for _, args := range [][]string{{"version", "now"}, {"check", "--colour"}, {"check", "pgturnstile.yaml"}, {"healthcheck", "--path"}} {
		if got := dispatched(args...); got.code != exitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "pgturnstile "+args[0]+": ") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}, {"-v"}} {
		got := dispatched(args...)
		if fields := strings.Fields(got.stdout); got.code != exitOK || len(fields) != 4 || fields[0] != "pgturnstile" || got.stderr != "" {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

const smallest = `issuers:
  - user_pool_id: us-east-1_a1B2c3D4e
    client_ids: [1example23456789]
routes:
  - database: app
    neon_host: ep-cool-darkness-123456.us-east-2.aws.neon.tech
`

func writeConfig(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pgturnstile.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checked(args []string, environ ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := check(args, environ, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestCheckPrintsWhatIsInForce(t *testing.T) {
	path := writeConfig(t, smallest+"admin: {address: '0.0.0.0:9090'}\ndefault_route: app\n")
	got := checked([]string{"--config", path, "--log-level", "debug"}, "PGTURNSTILE_LOG__FORMAT=text", "PGTURNSTILE_ADMIN__METRICS_TOKEN=hunter2")
	if got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	for _, part := range []string{
		"  level: debug\n", "  format: text\n", "  metrics_token: '[redacted]'\n", "  statement_timeout: 5m\n",
		"  - https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_a1B2c3D4e\n",
	} {
		if !strings.Contains(got.stdout, part) {
			t.Errorf("no %q in\n%s", part, got.stdout)
		}
	}
	if strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Error("the secret is shown")
	}
	if want := "warning: default_route: every database that has no route, also one that was misspelt, lands in \"app\"\n"; got.stderr != want {
		t.Errorf("warnings %q, want %q", got.stderr, want)
	}
	if again := checked([]string{"--config", writeConfig(t, got.stdout)}, "PGTURNSTILE_ADMIN__METRICS_TOKEN=hunter2"); again.stdout != got.stdout {
		t.Errorf("checked again:\n%s", again.stdout)
	}
}

func TestCheckPrintsAllFaults(t *testing.T) {
	path := writeConfig(t, "log:\n  level: loud\n  colour: true\n")
	got := checked(nil, "PGTURNSTILE_CONFIG="+path, "PGTURNSTILE_LIMITS__MAX_CONNECTIONS=many")
	want := "pgturnstile check: the configuration has 5 faults:\n" +
		"  " + path + ":2: log.level: \"loud\" is not one of debug, info, warn, error\n" +
		"  " + path + ":3: log.colour: unknown key\n" +
		"  PGTURNSTILE_LIMITS__MAX_CONNECTIONS: limits.max_connections: expected a whole number, found \"many\"\n" +
		"  issuers: at least one issuer is required: the user pool whose tokens are accepted\n" +
		"  routes: at least one route is required: which database stands where on Neon\n"
	if got != (outcome{exitFault, "", want}) {
		t.Errorf("got %d %q\n%s\nwant\n%s", got.code, got.stdout, got.stderr, want)
	}
}

// brokenWriter is a standard output that nobody reads any more.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestCheckSaysWhenItCannotPrint(t *testing.T) {
	var stderr bytes.Buffer
	if code := check([]string{"--config", writeConfig(t, smallest)}, nil, brokenWriter{}, &stderr); code != exitFault || !strings.Contains(stderr.String(), "closed pipe") {
		t.Errorf("%d %s", code, stderr.String())
	}
}

func TestHealthcheck(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/livez":
			w.WriteHeader(http.StatusOK)
		case "/readyz":
			http.Error(w, "draining", http.StatusServiceUnavailable)
		default:
			http.Redirect(w, r, "/livez", http.StatusFound)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	ask := func(environ []string, args ...string) outcome {
		var stdout, stderr bytes.Buffer
		code := healthcheck(t.Context(), append([]string{"--config", writeConfig(t, smallest)}, args...), environ, &stdout, &stderr)
		return outcome{code, stdout.String(), stderr.String()}
	}
	for name, c := range map[string]struct {
		environ []string
		args    []string
		want    outcome
	}{
		"alive":      {nil, []string{"--admin-address", address}, outcome{exitOK, "", ""}},
		"not ready":  {[]string{"PGTURNSTILE_ADMIN__ADDRESS=" + address}, []string{"--path=/readyz"}, outcome{exitFault, "", "pgturnstile healthcheck: 503 Service Unavailable: draining\n"}},
		"redirected": {nil, []string{"--admin-address", address, "--path=/startupz"}, outcome{exitFault, "", "pgturnstile healthcheck: 302 Found: <a href=\"/livez\">Found</a>.\n"}},
	} {
		if got := ask(c.environ, c.args...); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := ask(nil, "--admin-address", ""); got.code != exitFault || !strings.Contains(got.stderr, "admin.address is empty") {
		t.Errorf("no listener: %+v", got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	if got := ask(nil, "--admin-address", nobody); got.code != exitFault || !strings.Contains(got.stderr, "refused") {
		t.Errorf("nobody there: %+v", got)
	}
	for address, want := range map[string]string{
		":9090": "127.0.0.1:9090", "0.0.0.0:9090": "127.0.0.1:9090", "[::]:9090": "[::1]:9090", "10.0.0.7:9090": "10.0.0.7:9090", "localhost:9090": "localhost:9090",
	} {
		if got := reachable(address); got != want {
			t.Errorf("reachable(%s) is %s, want %s", address, got, want)
		}
	}
}
