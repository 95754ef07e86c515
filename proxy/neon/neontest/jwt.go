package neontest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// clockSkew is how long after exp and before nbf a token still counts.
const clockSkew = 30 * time.Second

var errNotJWT = refusal("Provided authentication token is not a valid JWT encoding")

// token is a compact JWT taken apart, not yet verified.
type token struct {
	signed    string // header.payload
	signature []byte
	payload   []byte // JSON
	alg, kid  string
	hasKid    bool
	audience  []string
	exp, nbf  *uint64
}

// parseToken reads a token as Neon does: strict in the encoding and in the types of the claims that it knows.
func parseToken(text string) (*token, *failure) {
	lastDot := strings.LastIndexByte(text, '.')
	if lastDot < 0 {
		return nil, errNotJWT
	}
	t := &token{signed: text[:lastDot]}
	header, payload, ok := strings.Cut(t.signed, ".")
	if !ok {
		return nil, errNotJWT
	}
	headerText, err := decodeBase64(header)
	if err != nil || !t.readHeader(headerText) {
		return nil, errNotJWT
	}
	if t.payload, err = decodeBase64(payload); err != nil || !t.readPayload() {
		return nil, errNotJWT
	}
	if t.signature, err = decodeBase64(text[lastDot+1:]); err != nil {
		return nil, errNotJWT
	}
	if !t.hasKid {
		return nil, refusal("missing key id")
	}
	return t, nil
}

// claimFields reads an object, each of the names at most once. A list of as many values stands for one that has them all.
func claimFields(text []byte, names ...string) (map[string]rustjson.Value, bool) {
	found := map[string]rustjson.Value{}
	if v, err := rustjson.NewDecoder(text).Value(); err == nil && v.Kind == rustjson.Array {
		for i, item := range v.Items {
			if i < len(names) {
				found[names[i]] = item
			}
		}
		return found, len(v.Items) == len(names)
	}
	members, err := rustjson.NewDecoder(text).Fields()
	if err != nil {
		return nil, false
	}
	for _, m := range members {
		if !slices.Contains(names, m.Name) {
			continue
		}
		if _, twice := found[m.Name]; twice {
			return nil, false
		}
		if found[m.Name], err = rustjson.NewDecoder(m.Raw).Value(); err != nil {
			return nil, false
		}
	}
	return found, true
}

func (t *token) readHeader(text []byte) bool {
	f, ok := claimFields(text, "alg", "kid")
	if !ok {
		return false
	}
	switch alg := f["alg"]; {
	case alg.Kind == rustjson.String:
		t.alg = alg.Str
	case alg.Kind == rustjson.Object && len(alg.Pairs) == 1 && alg.Pairs[0].Value.Kind == rustjson.Null:
		t.alg = alg.Pairs[0].Name // the long form of a name in Rust's enums
	}
	if !algorithms[t.alg] {
		return false
	}
	t.kid, t.hasKid = f["kid"].Str, f["kid"].Kind == rustjson.String
	return t.hasKid || f["kid"].Kind == rustjson.Null
}

func (t *token) readPayload() bool {
	f, ok := claimFields(t.payload, "aud", "exp", "nbf", "iss", "sub", "jti", "sid")
	if !ok {
		return false
	}
	for _, name := range []string{"iss", "sub", "jti", "sid"} {
		if kind := f[name].Kind; kind != rustjson.String && kind != rustjson.Null {
			return false
		}
	}
	for name, date := range map[string]**uint64{"exp": &t.exp, "nbf": &t.nbf} {
		v := f[name]
		switch {
		case v.Kind == rustjson.Null:
		case v.Kind == rustjson.Uint && v.Uint <= math.MaxInt64:
			*date = &v.Uint
		default:
			return false
		}
	}
	switch aud, there := f["aud"]; {
	case !there:
	case aud.Kind == rustjson.String:
		t.audience = []string{aud.Str}
	case aud.Kind == rustjson.Array:
		for _, item := range aud.Items {
			if item.Kind != rustjson.String {
				return false
			}
			t.audience = append(t.audience, item.Str)
		}
	default:
		return false
	}
	return true
}

// verify checks signature, audience, exp and nbf, in this order. errNoAnswer is returned where Neon's program breaks.
func (t *token) verify(key *jwk, audience string, now time.Time) error {
	if f := t.verifySignature(key); f != nil {
		return f
	}
	return t.verifyClaims(audience, now)
}

func (t *token) verifyClaims(audience string, now time.Time) error {
	if audience != "" {
		wanted := false
		for _, aud := range t.audience {
			wanted = wanted || aud == audience
		}
		if !wanted {
			return refusal("invalid JWT token audience")
		}
	}
	const skew = uint64(clockSkew / time.Second)
	if t.exp != nil {
		if *t.exp > math.MaxInt64-skew {
			return errNoAnswer
		}
		if now.Unix() >= int64(*t.exp+skew) {
			return refusal("JWT token has expired (exp=%d)", *t.exp)
		}
	}
	if t.nbf != nil && *t.nbf > uint64(now.Add(clockSkew).Unix()) ||
		t.nbf != nil && *t.nbf == uint64(now.Add(clockSkew).Unix()) && now.Nanosecond() == 0 {
		return refusal("JWT token is not yet ready to use (nbf=%d)", *t.nbf)
	}
	return nil
}

func (t *token) verifySignature(key *jwk) *failure {
	if !key.supports(t.alg) {
		return refusal("signature algorithm not supported")
	}
	digest := sha256.Sum256([]byte(t.signed))
	switch key.kty {
	case "RSA":
		if key.rsa == nil {
			return refusal("invalid RSA key")
		}
		if t.alg != "RS256" {
			return refusal("invalid RSA signing algorithm")
		}
		if rsa.VerifyPKCS1v15(key.rsa, crypto.SHA256, digest[:], t.signature) != nil {
			return refusal("signature error: signature error: verification error")
		}
	case "EC":
		if key.crv != "P-256" {
			return refusal("unsupported EC key type %s", ecCurves[key.crv])
		}
		if key.ec == nil {
			return refusal("invalid P256 key")
		}
		if len(t.signature) != 64 || !ecdsa.Verify(key.ec, digest[:], new(big.Int).SetBytes(t.signature[:32]), new(big.Int).SetBytes(t.signature[32:])) {
			return refusal("signature error: signature error")
		}
	case "OKP":
		return refusal("unsupported key type Okp(%s)", okpCurves[key.crv])
	default:
		return refusal("unsupported key type Oct")
	}
	return nil
}
