package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a certificate and its key, and returns where they are.
func writePair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = writeFile(t, dir, name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = writeFile(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return cert, key
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNamedFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "one")
	_, otherKey := writePair(t, dir, "two")
	garbage := writeFile(t, dir, "garbage", "garbage")
	keys := writeFile(t, dir, "jwks.json", `{"keys":[{"kid":"1"}]}`)
	noKeys := writeFile(t, dir, "none.json", `{"keys":[]}`)
	const listener, issuer = "PGTURNSTILE_LISTENERS__0__TLS__", "PGTURNSTILE_ISSUERS__0__JWKS_FILE="
	for name, c := range map[string]struct {
		environ []string
		want    string // part of the report; "" is a good configuration
	}{
		"good": {[]string{listener + "CERT=" + cert, listener + "KEY=" + key, listener + "CLIENT_CA=" + cert, issuer + keys}, ""},
		"key missing": {[]string{listener + "CERT=" + cert, listener + "KEY=" + key + "s"},
			"TLS__KEY: listeners[0].tls.key: open " + key + "s: no such file or directory"},
		"certificate missing": {[]string{listener + "CERT=" + cert + "s", listener + "KEY=" + key},
			"TLS__CERT: listeners[0].tls.cert: open " + cert + "s: no such file or directory"},
		"another's key": {[]string{listener + "CERT=" + cert, listener + "KEY=" + otherKey},
			"listeners[0].tls.cert: certificate and key cannot be used: private key does not match public key"},
		"no certificate": {[]string{listener + "CERT=" + garbage, listener + "KEY=" + key},
			"listeners[0].tls.cert: certificate and key cannot be used: failed to find any PEM data in certificate input"},
		"client CA missing": {[]string{listener + "CERT=" + cert, listener + "KEY=" + key, listener + "CLIENT_CA=" + dir + "/ca"},
			"listeners[0].tls.client_ca: open " + dir + "/ca: no such file or directory"},
		"client CA garbage": {[]string{listener + "CERT=" + cert, listener + "KEY=" + key, listener + "CLIENT_CA=" + garbage},
			"listeners[0].tls.client_ca: " + garbage + " holds no certificate"},
		"key set garbage": {[]string{issuer + garbage}, "issuers[0].jwks_file: " + garbage + ` holds no key set: expected {"keys": [...]}`},
		"key set empty":   {[]string{issuer + noKeys}, "issuers[0].jwks_file: " + noKeys + " holds no key set"},
	} {
		_, err := Load(Source{Environ: minimalEnvironment(c.environ...)})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestConfigFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	long := writeFile(t, dir, "long.yaml", strings.Repeat("#", int(maxFileBytes)+1))
	for path, want := range map[string]string{
		dir + "/none.yaml": "no such file or directory",
		dir:                "is a directory",
		long:               "longer than 256kB: this is something else",
	} {
		_, err := Load(Source{File: path, Environ: []string{"PGTURNSTILE_LOG__LEVEL=true"}})
		if report := "the configuration has 1 fault:\n  " + path + ": " + want; err == nil || err.Error() != report {
			t.Errorf("got %v, want %s", err, report)
		}
	}
}
