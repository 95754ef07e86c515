package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// files reads the files that c names, so that a missing certificate is found before the first client comes.
func (k *checker) files(c *Config) {
	for i, l := range c.Listeners {
		at := fmt.Sprintf("listeners[%d].tls", i)
		if l.TLS.Cert != "" && l.TLS.Key != "" {
			if _, err := tls.LoadX509KeyPair(l.TLS.Cert, l.TLS.Key); err != nil {
				k.fault(keyPairFault(at, l.TLS, err))
			}
		}
		if l.TLS.ClientCA != "" && l.TLS.Enabled() {
			pem, err := readBounded(l.TLS.ClientCA, maxFileBytes)
			switch {
			case err != nil:
				k.fault(at+".client_ca", "%v", err)
			case !x509.NewCertPool().AppendCertsFromPEM(pem):
				k.fault(at+".client_ca", "%s holds no certificate", l.TLS.ClientCA)
			}
		}
	}
	for i, issuer := range c.Issuers {
		if issuer.JWKSFile != "" && issuer.JWKSURL == "" {
			if fault := keySetFault(issuer.JWKSFile); fault != "" {
				k.fault(fmt.Sprintf("issuers[%d].jwks_file", i), "%s", fault)
			}
		}
	}
}

// keyPairFault names the file that is at fault as far as the error tells.
func keyPairFault(at string, t TLS, err error) (path, format string, why any) {
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe) && pe.Path == t.Key:
		return at + ".key", "%v", err
	case errors.As(err, &pe):
		return at + ".cert", "%v", err
	}
	return at + ".cert", "certificate and key cannot be used: %s", strings.TrimPrefix(err.Error(), "tls: ")
}

// maxKeySetBytes is the longest key set, from a file or from an issuer.
const maxKeySetBytes = 64 * Kilobyte

// keySetFault says what is wrong with a file that should hold a key set. Whether its keys are good ones is for the
// issuer's key cache to say.
func keySetFault(name string) string {
	content, err := readBounded(name, maxKeySetBytes)
	if err != nil {
		return name + ": " + plainError(err)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(content, &set) != nil || len(set.Keys) == 0 {
		return name + ` holds no key set: expected {"keys": [...]}`
	}
	return ""
}
