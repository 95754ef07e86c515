package jwks

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/strictjson"
)

// Limits of a key set and of its keys.
const (
	maxBody    = 64 << 10 // bytes of a key set, as Neon reads
	maxKeys    = 32
	maxKeyID   = 256 // bytes
	minModulus = 2048
	maxModulus = 8192 // bits; a verification's cost grows with their square
	exponent   = 65537
)

// Results of reading a set, which are labels of jwks_fetch_total too.
const (
	resultOK        = "ok"
	resultHTTPError = "http_error"
	resultTimeout   = "timeout"
	resultParse     = "parse"
	resultEmpty     = "empty"
	resultTooLarge  = "too_large"
)

// fetchError says why a fetch gave no set. Its text is for the operator's log; it quotes nothing of a body.
type fetchError struct {
	result string
	cause  error
}

func (e *fetchError) Error() string { return e.result + ": " + e.cause.Error() }
func (e *fetchError) Unwrap() error { return e.cause }

func failed(result, format string, args ...any) *fetchError {
	return &fetchError{result: result, cause: fmt.Errorf(format, args...)}
}

// keySet is one good answer of the issuer, immutable.
type keySet struct {
	keys    map[string]*Key
	skipped []string // why, of each key that is not in keys
	fetched time.Time
	content [sha256.Size]byte // of ids and moduli: tells whether a refresh changed anything
}

// parseKeySet reads a JWK set. Keys that cannot be used are skipped; two keys of one id are both skipped, since nothing says
// which of them is meant. A set without a usable key is an error.
func parseKeySet(body []byte) (*keySet, *fetchError) {
	if len(body) > maxBody {
		return nil, failed(resultTooLarge, "over %d bytes", maxBody)
	}
	var outer map[string]json.RawMessage // a map: a struct would take "KEYS" too
	if err := json.Unmarshal(body, &outer); err != nil {
		return nil, failed(resultParse, "not a JSON object")
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(outer["keys"], &raws); err != nil && outer["keys"] != nil {
		return nil, failed(resultParse, "keys is not a list")
	}
	if len(raws) > maxKeys {
		return nil, failed(resultTooLarge, "%d keys, at most %d are read", len(raws), maxKeys)
	}
	set := &keySet{keys: make(map[string]*Key, len(raws))}
	seen := make(map[string]bool, len(raws))
	for _, raw := range raws {
		key, err := parseKey(raw)
		if key != nil && seen[key.id] {
			if _, there := set.keys[key.id]; there {
				set.skipped = append(set.skipped, errDuplicateID.Error())
				delete(set.keys, key.id)
			}
			err = errDuplicateID
		}
		if key != nil {
			seen[key.id] = true
		}
		if err != nil {
			set.skipped = append(set.skipped, err.Error())
			continue
		}
		set.keys[key.id] = key
	}
	if len(set.keys) == 0 {
		return nil, failed(resultEmpty, "no usable key among %d", len(raws))
	}
	set.content = set.digest()
	return set, nil
}

var errDuplicateID = errors.New("another key has the same id")

func (s *keySet) digest() [sha256.Size]byte {
	hash := sha256.New()
	for _, id := range s.ids() {
		fmt.Fprintf(hash, "%d %s %x\n", len(id), id, s.keys[id].public.N)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

func (s *keySet) ids() []string {
	ids := make([]string, 0, len(s.keys))
	for id := range s.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// parseKey reads one JWK. The key is given beside an error when its id could be read: an unusable key still occupies its id.
func parseKey(raw []byte) (*Key, error) {
	members, err := strictjson.Object(raw, strictjson.Limits{Depth: 4, Values: 256})
	if err != nil {
		return nil, err
	}
	jwk := make(map[string]strictjson.Member, len(members))
	for _, m := range members {
		jwk[m.Name] = m
	}
	id, ok := jwk["kid"].Text()
	if !ok || !plausible(id) {
		return nil, errors.New("kid is missing, too long or holds control characters")
	}
	key := &Key{id: id}
	if err := checkUse(jwk); err != nil {
		return key, err
	}
	n, err := number(jwk["n"])
	if err != nil {
		return key, fmt.Errorf("n: %w", err)
	}
	e, err := number(jwk["e"])
	if err != nil {
		return key, fmt.Errorf("e: %w", err)
	}
	if key.public, err = publicKey(n, e); err != nil {
		return key, errors.New("not an RSA public key")
	}
	switch bits := key.public.N.BitLen(); {
	case bits < minModulus || bits > maxModulus:
		return key, fmt.Errorf("the modulus has %d bits, %d to %d are used", bits, minModulus, maxModulus)
	case key.public.N.Bit(0) == 0:
		return key, errors.New("the modulus is even")
	case key.public.E != exponent:
		return key, errors.New("the exponent is not 65537")
	}
	return key, nil
}

// checkUse refuses a key that is no RSA public key for RS256 signatures.
func checkUse(jwk map[string]strictjson.Member) error {
	if kty, _ := jwk["kty"].Text(); kty != "RSA" {
		return errors.New("kty is not RSA")
	}
	if use, there := jwk["use"]; there {
		if text, _ := use.Text(); text != "sig" {
			return errors.New("use is not sig")
		}
	}
	if alg, there := jwk["alg"]; there {
		if text, _ := alg.Text(); text != "RS256" {
			return errors.New("alg is not RS256")
		}
	}
	if ops, there := jwk["key_ops"]; there {
		if texts, _ := ops.Texts(); !slices.Contains(texts, "verify") {
			return errors.New("key_ops lacks verify")
		}
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := jwk[private]; there {
			return errors.New("the private key is published")
		}
	}
	return nil
}

// number checks that m is a canonical base64url number (RFC 7518 section 2, Base64urlUInt: no leading zero byte) and returns
// its text. The size is bounded before anything computes with it.
func number(m strictjson.Member) (string, error) {
	text, ok := m.Text()
	if !ok || text == "" || len(text) > base64.RawURLEncoding.EncodedLen(maxModulus/8+1) {
		return "", errors.New("missing or too long")
	}
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them
		return "", errors.New("not base64url")
	}
	value, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", errors.New("not base64url")
	}
	if value[0] == 0 {
		return "", errors.New("a leading zero byte")
	}
	return text, nil
}

// plausible reports whether a key id may be looked for at all. An issuer never gives out others, so they never cause a fetch.
func plausible(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] == 0x7F {
			return false
		}
	}
	return true
}
