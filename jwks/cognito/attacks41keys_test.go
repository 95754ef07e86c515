package cognito_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// standWith is a stand whose first pool publishes these JWKs beside its own two keys.
func standWith(t *testing.T, jwks ...map[string]any) *stand {
	t.Helper()
	s := newStand(t, nil)
	var set struct {
		Keys []any `json:"keys"`
	}
	if err := json.Unmarshal(s.issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	for _, jwk := range jwks {
		set.Keys = append(set.Keys, jwk)
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.issuer.SetFault(jwkstest.Fault{Body: body})
	s.Verifier = newVerifier(t, s.config)
	if _, err := s.Verify(t.Context(), mint(t, s.issuer, jwkstest.MintOptions{})); err != nil {
		t.Fatalf("a token of the good key beside: %v", err)
	}
	return s
}

func uint64url(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// keyAttacks sign with what the flawed JWK says, wherever that can be done, so that only the key's refusal stands in the way.
func keyAttacks() attacktable.Tests {
	flawed := func(change func(jwk map[string]any), sign func(signed []byte) []byte) func(*testing.T, attacktable.Entry) {
		return func(t *testing.T, e attacktable.Entry) {
			key := jwkstest.NewSigningKey(stranger())
			jwk := anyMap(key.JWK())
			change(jwk)
			s := standWith(t, jwk)
			s.expect(t, e, s.issuer.Forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Key: key}, Sign: sign}))
		}
	}
	member := func(name string, value any) func(map[string]any) {
		return func(jwk map[string]any) { jwk[name] = value }
	}
	public := stranger().PublicKey
	secret := []byte("a symmetric key of thirty-two by")
	return attacktable.Tests{
		"4.1-jwk-use-enc":      flawed(member("use", "enc"), nil),
		"4.1-jwk-key-ops":      flawed(member("key_ops", []string{"encrypt"}), nil),
		"4.1-jwk-alg-mismatch": flawed(member("alg", "RS512"), nil),
		"4.1-jwk-private":      flawed(member("d", uint64url(stranger().D)), nil),
		"4.1-jwk-kty-oct": flawed(func(jwk map[string]any) {
			clear(jwk)
			jwk["kty"], jwk["k"], jwk["kid"] = "oct", base64.RawURLEncoding.EncodeToString(secret), "oct"
		}, jwkstest.HMAC(sha256.New, secret)),
		"4.1-jwk-n-short": func(t *testing.T, e attacktable.Entry) {
			private, err := rsa.GenerateKey(rand.Reader, 1024)
			if err != nil {
				t.Fatal(err)
			}
			key := jwkstest.NewSigningKey(private)
			s := standWith(t, anyMap(key.JWK()))
			s.expect(t, e, s.issuer.Forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Key: key}}))
		},
		"4.1-jwk-n-even":         flawed(member("n", uint64url(new(big.Int).Sub(public.N, big.NewInt(1)))), nil),
		"4.1-jwk-e-1":            flawed(member("e", "AQ"), padded),
		"4.1-jwk-e-2":            flawed(member("e", "Ag"), nil),
		"4.1-jwk-e-huge":         flawed(member("e", uint64url(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1)))), nil),
		"4.1-jwk-e-bytes":        flawed(member("e", uint64url(new(big.Int).Lsh(big.NewInt(1), 300*8-1))), nil),
		"4.1-jwk-n-leading-zero": flawed(member("n", base64.RawURLEncoding.EncodeToString(append([]byte{0}, public.N.Bytes()...))), nil),
		"4.1-jwk-n-16k":          flawed(member("n", uint64url(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 16384), big.NewInt(1)))), nil),
		"4.1-jwk-ec-off-curve": flawed(func(jwk map[string]any) {
			id := jwk["kid"]
			clear(jwk)
			jwk["kty"], jwk["crv"], jwk["kid"] = "EC", "P-256", id
			jwk["x"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
			jwk["y"] = base64.RawURLEncoding.EncodeToString(append(make([]byte, 31), 1))
		}, nil),
	}
}

// padded is EMSA-PKCS1-v1_5 of the text (RFC 8017 section 9.2): with e=1 it is its own signature.
func padded(signed []byte) []byte {
	digest := sha256.Sum256(signed)
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	block := make([]byte, 256)
	for i := range block {
		block[i] = 0xFF
	}
	tail := append(prefix, digest[:]...)
	block[0], block[1], block[len(block)-len(tail)-1] = 0, 1, 0
	copy(block[len(block)-len(tail):], tail)
	return block
}
