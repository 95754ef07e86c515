package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// events returns the records of that event.
func (w *world) events(event string) []map[string]any {
	var found []map[string]any
	for _, r := range w.logs.All() {
		if m := r.ContextMap(); m["event"] == event {
			m["level"] = r.Level
			found = append(found, m)
		}
	}
	return found
}

func TestRecordsOfAConnection(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "authenticated", "database", "neondb", "application_name", "psql"))
	c.drive("token-alice")
	c.send(typed('X', nil))
	c.closed()
	w.eventually("it is closed", func() bool { return len(w.events("connection_closed")) == 1 })

	opened, authenticated, closed := w.events("connection_opened"), w.events("authenticated"), w.events("connection_closed")
	if len(opened) != 1 || len(authenticated) != 1 {
		t.Fatalf("%d opened, %d authenticated", len(opened), len(authenticated))
	}
	if opened[0]["level"] != zapcore.DebugLevel || authenticated[0]["level"] != zapcore.InfoLevel || closed[0]["level"] != zapcore.InfoLevel {
		t.Errorf("levels %v %v %v", opened[0]["level"], authenticated[0]["level"], closed[0]["level"])
	}
	for key, want := range map[string]any{
		"listener": "test", "tls_version": "1.3", "user": "authenticated", "database": "neondb", "application_name": "psql", "sni": "localhost",
		"auth_method": "password", "auth_result": "ok", "issuer": "https://issuer.test/pool", "sub": "alice", "client_id": "app",
		"token_use": "access", "jti": "jti-1", "origin_jti": "origin-1", "kid": "key-1",
	} {
		if got := authenticated[0][key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"conn_id", "remote_addr", "cipher", "exp", "duration_ms"} {
		if authenticated[0][key] == nil {
			t.Errorf("no %s", key)
		}
	}
	if id := opened[0]["conn_id"]; id != authenticated[0]["conn_id"] || id != closed[0]["conn_id"] || len(fmt.Sprint(id)) != 36 {
		t.Errorf("conn_id %v", id)
	}
	if closed[0]["close_reason"] != "terminate" || closed[0]["route"] != "main" || closed[0]["bytes_in"].(int64) == 0 || closed[0]["bytes_out"].(int64) == 0 {
		t.Errorf("closed: %v", closed[0])
	}
	if in := w.counter("client_received_bytes_total"); in != float64(closed[0]["bytes_in"].(int64)) {
		t.Errorf("%v bytes received are counted, %v logged", in, closed[0]["bytes_in"])
	}
}

func TestRecordOfARefusal(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "x", "database", "prod\x1b[2J\n"+strings.Repeat("p", 300)))
	c.drive("token-alice")
	w.eventually("it is refused", func() bool { return len(w.events("connection_refused")) == 1 })
	r := w.events("connection_refused")[0]
	if r["reason"] != "database" || r["sqlstate"] != "3D000" || r["sub"] != "alice" {
		t.Errorf("%v", r)
	}
	if logged := r["database"].(string); len(logged) > maxLogged+20 || strings.ContainsAny(logged, "\x1b\n") || !strings.HasPrefix(logged, `prod\x1b[2J\x0a`) {
		t.Errorf("the database is logged as %q", logged)
	}
	w.eventually("it is closed", func() bool { return len(w.events("connection_closed")) == 1 })
	if got := w.events("connection_closed")[0]["close_reason"]; got != "refused" {
		t.Errorf("close_reason %v", got)
	}
}

func TestPrintable(t *testing.T) {
	for _, test := range [][2]string{
		{"plain", "plain"},
		{"Jürgen 😀", "Jürgen 😀"},
		{"a\x00b\r\n\x7f", `a\x00b\x0d\x0a\x7f`},
		{"\u202egpj.exe\u2028", `\u202egpj.exe\u2028`},
		{"bad \xff utf8", "bad ? utf8"},
		{strings.Repeat("x", 257), strings.Repeat("x", 256) + "..."},
		{strings.Repeat("é", 200), strings.Repeat("é", 128) + "..."},
		{"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "[redacted]"},
		{`database "eyJhbGciOiJSUzI1NiJ9.eyJz" does not exist`, `database "[redacted]" does not exist`},
		{strings.Repeat("y", 250) + "eyJhbGciOiJSUzI1NiJ9", strings.Repeat("y", 250) + "[redac..."},
	} {
		if got := printable(test[0]); got != test[1] {
			t.Errorf("printable(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

// No record of any level, no metric and no error holds a byte of a token, whatever becomes of it and wherever it stands.
func TestNoTokenLeaks(t *testing.T) {
	r := newRealWorld(t, nil)
	var tokens []string
	var answers bytes.Buffer
	try := func(token string, startup ...string) {
		tokens = append(tokens, token)
		c := r.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, startup...))
		for {
			typ, body, err := c.tryMessage()
			if err != nil || typ == 'Z' {
				break
			}
			answers.Write(body)
			if typ == 'R' && body[3] == 3 {
				c.send(password(token))
			}
		}
		c.send(typed('X', nil))
		c.rest()
	}
	good := r.mint(jwkstest.MintOptions{})
	at := []string{"user", "authenticated", "database", "neondb"}
	try(good, at...)
	try(forge(r.mint(jwkstest.MintOptions{})), at...)
	try(r.mint(jwkstest.MintOptions{IssuedAt: time.Now().Add(-2 * time.Hour)}), at...)
	try(r.mint(jwkstest.MintOptions{ClientID: "another"}), at...)
	try(good[:len(good)/2], at...)
	try(`"`+good+`"`, at...)
	try(good+strings.Repeat("A", 20000), at...)
	try(good, "user", "authenticated", "database", "prod")
	try(good, append(at, "options", "-c work_mem=1")...)
	// Pasted where it does not belong, it comes back to its owner at most.
	answers2 := answers.String()
	try(good, "user", good, "database", "neondb")
	try(good, "user", "x", "database", good)
	try(good, append(at, "application_name", good)...)
	try(good, append(at, "sub.token", good)...)
	w := r.world
	w.eventually("all are closed", func() bool { return w.server.Connections() == 0 })
	var records bytes.Buffer
	for _, encoder := range []zapcore.Encoder{zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig())} {
		for _, entry := range w.logs.All() {
			line, err := encoder.EncodeEntry(entry.Entry, entry.Context)
			if err != nil {
				t.Fatal(err)
			}
			records.Write(line.Bytes())
		}
	}

	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics := fmt.Sprint(families)
	for name, text := range map[string]string{"log": records.String(), "metrics": metrics, "answers": answers2} {
		if text == "" {
			t.Errorf("no %s", name)
		}
		if i := strings.Index(text, "eyJ"); i >= 0 {
			t.Errorf("the %s holds a token's head: ...%s", name, text[max(0, i-100):min(len(text), i+40)])
		}
		for _, token := range tokens {
			for _, part := range strings.Split(token, ".") {
				for i := 0; i+24 <= min(len(part), 2000); i += 8 {
					if strings.Contains(text, part[i:i+24]) {
						t.Fatalf("the %s holds %q of a token", name, part[i:i+24])
					}
				}
			}
		}
	}
}

func TestAPanicEndsItsSessionOnly(t *testing.T) {
	w := newWorld(t, nil)
	other, _ := w.login("bob")
	c, key := w.login("alice")
	c.send(query("panic"))
	c.rest()
	w.eventually("it is counted", func() bool { return w.counter("panics_total") == 1 })
	w.eventually("it is gone", func() bool { return w.server.Connections() == 1 })
	other.send(query("x"))
	if o := other.drive(""); !o.served {
		t.Error("the other session does not answer")
	}
	records := w.events("panic")
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	text, err := json.Marshal(records[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "token-alice") || strings.Contains(string(text), "secret") {
		t.Errorf("the panic's value is logged: %s", text)
	}
	if !strings.Contains(string(text), "harness_test.go") {
		t.Errorf("no stack in %s", text)
	}
	w.server.cancels.mu.Lock()
	_, known := w.server.cancels.sessions[key.ProcessID]
	w.server.cancels.mu.Unlock()
	if known {
		t.Error("its cancel key is still known")
	}
	if n := w.counter("client_connections", "state", "idle"); n != 1 {
		t.Errorf("%v sessions are counted as open", n)
	}
}

func TestUnixSocketFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".s.PGSQL.5432")
	listen := func() (*Listener, error) {
		return Listen(t.Context(), ListenOptions{Name: "local", Network: "unix", Address: path})
	}
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := listen(); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a socket in use: %v", err)
	}
	// As if the process had died: nobody listens, the file is there.
	l.Listener.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
	l.Close()
	if l, err = listen(); err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	l.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
	writeFile(t, path, []byte("precious"))
	if _, err := listen(); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("another file: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file was touched: %q %v", b, err)
	}
}
