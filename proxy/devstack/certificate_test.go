package devstack

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"time"
)

func TestCertificateIsGoodForLoopbackOnly(t *testing.T) {
	files, err := writeCertificate(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.cert, files.key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(files.ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no authority in its file")
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"example.com", "127.0.0.2"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err == nil {
			t.Errorf("the certificate is good for %s", host)
		}
	}
	if pair.Leaf.PublicKeyAlgorithm != x509.ECDSA || pair.Leaf.IsCA {
		t.Errorf("the server's certificate is %v, authority: %v", pair.Leaf.PublicKeyAlgorithm, pair.Leaf.IsCA)
	}
	for _, name := range []string{files.ca, files.cert, files.key} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}
