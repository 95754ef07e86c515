package neontest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// tokenSpec is a token of an exchange, made anew for each run.
type tokenSpec struct {
	Kind           string
	Value          string
	Scheme         *string
	Claims         json.RawMessage // an object, its order kept
	Relative       map[string]float64
	RelativeFloat  map[string]float64 `json:"relative_float"`
	RelativeString map[string]float64 `json:"relative_string"`
	Omit           []string
	PayloadText    *string `json:"payload_text"`
	ASCII          bool    `json:"ascii"`
	Alg            json.RawMessage
	Kid            json.RawMessage
	NoKid          bool `json:"no_kid"`
	Typ            json.RawMessage
	Key            string
	SignAlg        *string `json:"sign_alg"`
	SignedText     string  `json:"signed_text"`
}

// keyring holds the private keys by name: *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey or []byte.
type keyring map[string]any

var keyNames = []string{"rsa-1", "rsa-2", "rsa-noalg", "rsa-512", "rsa-enc", "ec-1", "ec-384", "okp-1", "oct-1", "aud-1", "stranger"}

// newKeys makes one set for all tests: RSA keys take their time.
var newKeys = sync.OnceValues(func() (keyring, error) {
	keys := keyring{}
	for _, name := range keyNames {
		var key any
		var err error
		switch {
		case name == "ec-1":
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		case name == "ec-384":
			key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		case name == "okp-1":
			_, key, err = ed25519.GenerateKey(rand.Reader)
		case name == "oct-1":
			secret := make([]byte, 32)
			_, err = rand.Read(secret)
			key = secret
		default:
			key, err = rsa.GenerateKey(rand.Reader, 2048)
		}
		if err != nil {
			return nil, err
		}
		keys[name] = key
	}
	return keys, nil
})

func testKeys(t *testing.T) keyring {
	t.Helper()
	keys, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// readKeys reads NAME.pem from a folder: PKCS #8, PKCS #1 or SEC 1, or any block with the bytes of a secret.
func readKeys(dir string) (keyring, error) {
	keys := keyring{}
	for _, name := range keyNames {
		text, err := os.ReadFile(filepath.Join(dir, name+".pem"))
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%s.pem holds no PEM block", name)
		}
		if name == "oct-1" {
			keys[name] = block.Bytes
			continue
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				key, err = x509.ParseECPrivateKey(block.Bytes)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s.pem: %w", name, err)
		}
		keys[name] = key
	}
	return keys, nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// set is the JWKS of the named keys.
func (k keyring) set(names ...string) []byte {
	var list []map[string]string
	for _, name := range names {
		m := map[string]string{"kid": name, "use": "sig"}
		switch key := k[name].(type) {
		case *rsa.PrivateKey:
			m["kty"], m["alg"], m["n"], m["e"] = "RSA", "RS256", b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes())
		case *ecdsa.PrivateKey:
			size := (key.Curve.Params().BitSize + 7) / 8
			point, _ := key.PublicKey.Bytes()
			m["kty"], m["crv"], m["alg"] = "EC", key.Curve.Params().Name, map[int]string{32: "ES256", 48: "ES384"}[size]
			m["x"], m["y"] = b64(point[1:1+size]), b64(point[1+size:])
		case ed25519.PrivateKey:
			m["kty"], m["crv"], m["alg"], m["x"] = "OKP", "Ed25519", "EdDSA", b64(key.Public().(ed25519.PublicKey))
		case []byte:
			m["kty"], m["alg"], m["k"] = "oct", "HS256", b64(key)
		}
		switch name {
		case "rsa-noalg":
			delete(m, "alg")
		case "rsa-512":
			m["alg"] = "RS512"
		case "rsa-enc":
			m["use"] = "enc"
		}
		list = append(list, m)
	}
	text, _ := json.Marshal(map[string]any{"keys": list}) // strings only
	return text
}

// mint returns the Authorization header of a token; there is none if ok is false.
func (k keyring) mint(spec tokenSpec, now time.Time) (header string, ok bool, err error) {
	scheme := "Bearer "
	if spec.Scheme != nil {
		scheme = *spec.Scheme
	}
	if spec.Kind == "none" {
		return "", false, nil
	}
	if spec.Kind == "literal" {
		return scheme + spec.Value, true, nil
	}
	payload, err := spec.payload(now)
	if err != nil {
		return "", false, err
	}
	alg := "RS256"
	if spec.Alg != nil && json.Unmarshal(spec.Alg, &alg) != nil {
		alg = "RS256" // how to sign a token that names no algorithm
	}
	key := spec.Key
	if key == "" {
		key = "rsa-1"
	}
	head := map[string]any{"alg": alg, "kid": key, "typ": "JWT"}
	if spec.Alg != nil {
		head["alg"] = spec.Alg
	}
	if spec.Kid != nil {
		head["kid"] = spec.Kid
	}
	if spec.NoKid {
		delete(head, "kid")
	}
	if spec.Typ != nil {
		head["typ"] = spec.Typ
	}
	headText, err := json.Marshal(head)
	if err != nil {
		return "", false, err
	}
	signed := b64(headText) + "." + b64(payload)
	if spec.Kind == "two-part" {
		return scheme + signed, true, nil
	}
	signAlg := alg
	if spec.SignAlg != nil {
		signAlg = *spec.SignAlg
	}
	text := signed
	if spec.SignedText != "" {
		text = spec.SignedText + "." + text
	}
	signature, err := sign(k[key], signAlg, []byte(text))
	if err != nil {
		return "", false, err
	}
	token := scheme + signed + "." + b64(signature)
	if spec.Kind == "four-part" {
		token += ".AAAA"
	}
	return token, true, nil
}

func (spec tokenSpec) payload(now time.Time) ([]byte, error) {
	if spec.PayloadText != nil {
		return []byte(*spec.PayloadText), nil
	}
	var claims claimList
	at := func(seconds float64) string { return fmt.Sprint(now.Unix() + int64(seconds)) }
	claims.set("iat", at(0))
	claims.set("exp", at(3600))
	if err := claims.add(spec.Claims); err != nil {
		return nil, err
	}
	for name, seconds := range spec.Relative {
		claims.set(name, at(seconds))
	}
	for name, seconds := range spec.RelativeFloat {
		claims.set(name, at(seconds)+".5")
	}
	for name, seconds := range spec.RelativeString {
		claims.set(name, `"`+at(seconds)+`"`)
	}
	for _, name := range spec.Omit {
		claims = slices.DeleteFunc(claims, func(c [2]string) bool { return c[0] == name })
	}
	payload := claims.String()
	if !spec.ASCII {
		return []byte(payload), nil
	}
	var ascii strings.Builder
	for _, r := range payload {
		if r < 0x80 {
			ascii.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return []byte(ascii.String()), nil
}

// claimList is an object as Python's dict: a name keeps its place when it is set again. Names and values are JSON text,
// names without quotes.
type claimList [][2]string

func (c *claimList) set(name, value string) {
	for i := range *c {
		if (*c)[i][0] == name {
			(*c)[i][1] = value
			return
		}
	}
	*c = append(*c, [2]string{name, value})
}

// add sets the members of an object.
func (c *claimList) add(object json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		value := &bytes.Buffer{}
		if err := json.Compact(value, raw); err != nil {
			return err
		}
		c.set(quotedName(name.(string)), value.String())
	}
	return nil
}

func quotedName(name string) string {
	quoted := rustjson.AppendString(nil, name)
	return string(quoted[1 : len(quoted)-1])
}

func (c claimList) String() string {
	var members []string
	for _, m := range c {
		members = append(members, `"`+m[0]+`":`+m[1])
	}
	return "{" + strings.Join(members, ",") + "}"
}

func sign(key any, alg string, text []byte) ([]byte, error) {
	if alg == "none" {
		return nil, nil
	}
	var h hash.Hash
	id := crypto.SHA256
	switch alg[len(alg)-3:] {
	case "384":
		h, id = sha512.New384(), crypto.SHA384
	case "512":
		h, id = sha512.New(), crypto.SHA512
	default:
		h = sha256.New()
	}
	h.Write(text)
	digest := h.Sum(nil)
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "HS") {
			// A forger's way: the public key as the secret.
			public, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				return nil, err
			}
			mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
			mac.Write(text)
			return mac.Sum(nil), nil
		}
		if strings.HasPrefix(alg, "PS") {
			return rsa.SignPSS(rand.Reader, key, id, digest, nil)
		}
		return rsa.SignPKCS1v15(rand.Reader, key, id, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		r.FillBytes(signature[:size])
		s.FillBytes(signature[size:])
		return signature, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(key, text), nil
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write(text)
		return mac.Sum(nil), nil
	}
	return nil, fmt.Errorf("no key to sign %s with", alg)
}
