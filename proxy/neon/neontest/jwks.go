package neontest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// jwk is one key of a set, of whatever type.
type jwk struct {
	kid, alg, kty, crv string
	hasKid             bool
	rsa                *rsa.PublicKey // kty RSA; nil: cannot be used
	rsaBytes           int            // length of the modulus as written
	ec                 *ecdsa.PublicKey
	octBytes           int
}

// parseJWKS reads a key set: keys that cannot be read or are not for signatures are left out. nil if none remains.
func parseJWKS(text []byte) []jwk {
	d := rustjson.NewDecoder(text)
	v, err := d.Value()
	if err != nil || d.End() != nil {
		return nil
	}
	list := member(v, "keys")
	if list == nil || list.Kind != rustjson.Array {
		return nil
	}
	var keys []jwk
	for _, item := range list.Items {
		if use, ok := text1(item, "use"); !ok || use != "" && use != "sig" {
			continue
		}
		if key, ok := parseJWK(item); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func member(v rustjson.Value, name string) *rustjson.Value {
	if v.Kind != rustjson.Object {
		return nil
	}
	for i := range v.Pairs {
		if v.Pairs[i].Name == name {
			return &v.Pairs[i].Value
		}
	}
	return nil
}

// text1 returns a string member, "" if it is absent or null; ok is false if it is something else.
func text1(v rustjson.Value, name string) (s string, ok bool) {
	m := member(v, name)
	if m == nil || m.Kind == rustjson.Null {
		return "", true
	}
	return m.Str, m.Kind == rustjson.String
}

// jwkMembers are the members that a type of key must have, besides crv.
var jwkMembers = map[string][]string{"RSA": {"n", "e"}, "EC": {"x", "y"}, "OKP": {"x"}, "oct": {"k"}}

func parseJWK(v rustjson.Value) (key jwk, ok bool) {
	texts := map[string]string{}
	for _, name := range []string{"kty", "kid", "alg"} {
		if texts[name], ok = text1(v, name); !ok {
			return key, false
		}
	}
	kid := member(v, "kid")
	key = jwk{kid: texts["kid"], hasKid: kid != nil && kid.Kind == rustjson.String, alg: texts["alg"], kty: texts["kty"]}
	names, ok := jwkMembers[key.kty]
	if !ok || key.alg != "" && !algorithms[key.alg] {
		return key, false
	}
	var values [2][]byte
	for i, name := range names {
		m := member(v, name)
		if m == nil || m.Kind != rustjson.String {
			return key, false
		}
		var err error
		if values[i], err = decodeBase64(m.Str); err != nil {
			return key, false
		}
	}
	switch key.kty {
	case "RSA":
		key.rsaBytes = len(values[0])
		key.rsa = rsaKey(new(big.Int).SetBytes(values[0]), new(big.Int).SetBytes(values[1]))
	case "EC":
		key.crv, _ = text1(v, "crv")
		if len(values[0]) == 32 && len(values[1]) == 32 && key.crv == "P-256" {
			point := slices.Concat([]byte{4}, values[0], values[1])
			if public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err == nil {
				key.ec = public // else the point is not on the curve: that is said when the key is used
			}
		}
		ok = ecCurves[key.crv] != ""
	case "OKP":
		key.crv, _ = text1(v, "crv")
		ok = okpCurves[key.crv] != ""
	case "oct":
		key.octBytes = len(values[0])
	}
	return key, ok
}

// rsaKey is nil for numbers that are no key, which is said when it is used.
func rsaKey(n, e *big.Int) *rsa.PublicKey {
	const maxBits, maxExponentBits = 4096, 33
	if n.BitLen() > maxBits || n.Bit(0) == 0 || e.Bit(0) == 0 || e.BitLen() < 2 || e.BitLen() > maxExponentBits || e.Cmp(n) >= 0 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}

// The names of curves as errors spell them.
var (
	ecCurves  = map[string]string{"P-256": "P256", "P-384": "P384", "P-521": "P521", "secp256k1": "P256K"}
	okpCurves = map[string]string{"Ed25519": "Ed25519", "Ed448": "Ed448", "X25519": "X25519", "X448": "X448"}
)

// algorithms are all that a token or key may name.
var algorithms = func() map[string]bool {
	known := map[string]bool{}
	for name := range strings.FieldsSeq("EdDSA ES256 ES256K ES384 ES512 HS256 HS384 HS512 PS256 PS384 PS512 RS256 RS384 RS512 none") {
		known[name] = true
	}
	return known
}()

// supports reports whether the key may be used with alg, which depends on its size.
func (k *jwk) supports(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	least := map[string]int{"256": 16, "384": 24, "512": 32}
	switch k.kty {
	case "RSA":
		size, ok := least[alg[min(2, len(alg)):]]
		return ok && (alg[:2] == "RS" || alg[:2] == "PS") && k.rsaBytes/16 >= size
	case "EC":
		return map[string]string{"P-256": "ES256", "secp256k1": "ES256K", "P-384": "ES384", "P-521": "ES512"}[k.crv] == alg
	case "oct":
		size, ok := least[alg[min(2, len(alg)):]]
		return ok && alg[:2] == "HS" && k.octBytes >= size
	case "OKP":
		return alg == "EdDSA"
	}
	return false
}

// decodeBase64 reads base64url without padding and nothing else.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") { // which the standard library would skip
		return nil, base64.CorruptInputError(strings.IndexAny(s, "\r\n"))
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}
