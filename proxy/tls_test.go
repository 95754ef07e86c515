package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// presented returns the serial of the certificate that a handshake shows.
func (w *world) presented() string {
	w.t.Helper()
	c := w.dial()
	c.startTLS(nil)
	defer c.Close()
	return c.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// lookAgain makes the next handshake look at the files.
func (c *Certificates) lookAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookedAt = time.Now().Add(-reloadInterval)
}

func TestCertificatesFollowTheirFiles(t *testing.T) {
	dir := t.TempDir()
	first := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	f := writeCertificate(t, dir, first)
	certs, err := LoadCertificates(f.TLSFiles)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(_ *Options, l *Listener) { l.TLS = certs })
	old := w.presented()
	expiry := func(want time.Time) {
		t.Helper()
		if got := w.counter("tls_certificate_expiry_timestamp_seconds", "listener", "test"); int64(got) != want.Unix() {
			t.Errorf("the expiry metric is %v, want %v", int64(got), want.Unix())
		}
	}
	expiry(first)

	// Files that do not fit together: the certificate is new, the key is not there yet.
	second := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	next := writeCertificate(t, t.TempDir(), second)
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(next.Cert, f.Cert)
	for range 3 {
		certs.lookAgain()
		if w.presented() != old {
			t.Fatal("a certificate without its key is in use")
		}
	}
	if n := w.counter("tls_certificate_reloads_total", "result", "failed"); n != 1 {
		t.Errorf("%v failures were counted for one bad change", n)
	}
	if n := w.logs.FilterMessageSnippet("refused").Len(); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
	expiry(first)

	move(next.Key, f.Key)
	if w.presented() != old {
		t.Error("the files were looked at again at once")
	}
	certs.lookAgain()
	fresh := w.presented()
	if fresh == old {
		t.Error("the new certificate is not in use")
	}
	expiry(second)
	if n := w.counter("tls_certificate_reloads_total", "result", "ok"); n != 1 {
		t.Errorf("%v reloads were counted", n)
	}

	// A file that is gone.
	if err := os.Remove(f.Cert); err != nil {
		t.Fatal(err)
	}
	if err := certs.Reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Reload without a file: %v", err)
	}
	if w.presented() != fresh {
		t.Error("a missing file changed what is in use")
	}
}

func TestBadTLSFiles(t *testing.T) {
	dir := t.TempDir()
	f := writeCertificate(t, dir, time.Now().Add(time.Hour))
	other := writeCertificate(t, t.TempDir(), time.Now().Add(time.Hour))
	empty := filepath.Join(dir, "empty")
	writeFile(t, empty, nil)
	huge := filepath.Join(dir, "huge")
	writeFile(t, huge, make([]byte, 1<<20+1))
	for name, test := range map[string]struct {
		files TLSFiles
		want  string
	}{
		"no certificate":       {TLSFiles{Cert: filepath.Join(dir, "nothing"), Key: f.Key}, "nothing"},
		"another's key":        {TLSFiles{Cert: f.Cert, Key: other.Key}, "does not match"},
		"an empty certificate": {TLSFiles{Cert: empty, Key: f.Key}, empty},
		"an empty authority":   {TLSFiles{Cert: f.Cert, Key: f.Key, ClientCA: empty}, "holds no certificate"},
		"a huge file":          {TLSFiles{Cert: huge, Key: f.Key}, "larger than"},
	} {
		if _, err := LoadCertificates(test.files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	authority := writeCertificate(t, t.TempDir(), time.Now().Add(time.Hour)) // self-signed: its own authority
	stranger := writeCertificate(t, t.TempDir(), time.Now().Add(time.Hour))
	server := writeCertificate(t, t.TempDir(), time.Now().Add(time.Hour))
	server.ClientCA = authority.Cert
	certs, err := LoadCertificates(server.TLSFiles)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(_ *Options, l *Listener) { l.TLS = certs })
	login := func(files *certificateFiles) error {
		config := &tls.Config{RootCAs: server.pool, ServerName: "localhost", MaxVersion: tls.VersionTLS12} // 1.2 tells the client in the handshake
		if files != nil {
			pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		c := w.dial()
		c.send(sslRequest)
		c.answered('S')
		return tls.Client(c.Conn, config).Handshake()
	}
	if err := login(&authority); err != nil {
		t.Errorf("the right certificate: %v", err)
	}
	if login(nil) == nil {
		t.Error("no certificate was accepted")
	}
	if login(&stranger) == nil {
		t.Error("a stranger's certificate was accepted")
	}
	w.eventually("both are counted", func() bool { return w.counter("tls_handshake_failures_total", "reason", "client_certificate") == 2 })
}

// The client verifies the server, and a client that does not trust it is counted as such.
func TestServerCertificate(t *testing.T) {
	certs, files := newCertificates(t)
	w := newWorld(t, func(_ *Options, l *Listener) { l.TLS = certs })
	c := w.dial()
	c.startTLS(&tls.Config{RootCAs: files.pool})
	c.send(good)
	if o := c.drive("token-alice"); !o.served {
		t.Errorf("told %+v", o.err)
	}
	c = w.dial()
	c.send(sslRequest)
	c.answered('S')
	if err := tls.Client(c.Conn, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}).Handshake(); err == nil {
		t.Error("an unknown authority was trusted")
	}
	w.eventually("the alert is counted", func() bool { return w.counter("tls_handshake_failures_total", "reason", "alert") == 1 })
}

func TestMinVersion(t *testing.T) {
	_, files := newCertificates(t)
	files.MinVersion = tls.VersionTLS13
	certs, err := LoadCertificates(files.TLSFiles)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(_ *Options, l *Listener) { l.TLS = certs })
	c := w.dial()
	c.send(sslRequest)
	c.answered('S')
	if err := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake(); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	w.eventually("it is counted", func() bool { return w.counter("tls_handshake_failures_total", "reason", "version") == 1 })
}

// A client that comes again saves the handshake.
func TestSessionTickets(t *testing.T) {
	w := newWorld(t, nil)
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for i := range 2 {
		c := w.dial()
		c.send(sslRequest)
		c.answered('S')
		encrypted := tls.Client(c.Conn, config)
		c.Conn = encrypted
		c.send(good)
		if o := c.drive("token-alice"); !o.served { // reading takes the ticket in
			t.Fatalf("told %+v", o.err)
		}
		if got := encrypted.ConnectionState().DidResume; got != (i == 1) {
			t.Errorf("connection %d resumed: %v", i, got)
		}
		c.send(typed('X', nil))
		io.Copy(io.Discard, c)
	}
}

// Without any handshake a renewed certificate is noticed, too.
func TestCertificatesAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := writeCertificate(t, dir, time.Now().Add(24*time.Hour))
		certs, err := LoadCertificates(f.TLSFiles)
		if err != nil {
			t.Fatal(err)
		}
		w := pipeWorld(t, false, func(_ *Options, l *Listener) { l.TLS = certs })
		renewed := time.Now().Add(90 * 24 * time.Hour).Truncate(time.Second)
		writeCertificate(t, dir, renewed)
		time.Sleep(watchInterval + time.Second)
		if got := w.counter("tls_certificate_expiry_timestamp_seconds", "listener", "test"); int64(got) != renewed.Unix() {
			t.Errorf("the expiry metric is %v, want %v", int64(got), renewed.Unix())
		}
	})
}
