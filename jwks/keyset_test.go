package jwks

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

func TestParseKeySet(t *testing.T) {
	set, err := parseKeySet([]byte(keys(published("a", 1), `{"kty":"EC"}`, published("b", 2), `7`, published("c", 3), published("c", 3))))
	if err != nil {
		t.Fatal(err)
	}
	if ids := strings.Join(set.ids(), " "); ids != "a b" || len(set.skipped) != 4 {
		t.Errorf("keys %s, skipped %q", ids, set.skipped)
	}
}

// An unusable key keeps its id occupied, whichever of the two comes first.
func TestDuplicateOfAnUnusableKey(t *testing.T) {
	encryption := strings.Replace(published("a", 1), `"sig"`, `"enc"`, 1)
	for _, body := range []string{keys(encryption, published("a", 2), published("b", 3)), keys(published("a", 2), encryption, published("b", 3)), keys(published("a", 1), published("a", 2), published("a", 3), published("b", 3))} {
		set, err := parseKeySet([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if ids := strings.Join(set.ids(), " "); ids != "b" {
			t.Errorf("keys %s", ids)
		}
	}
}

func TestUnusableKeys(t *testing.T) {
	good := published("a", 1)
	member := func(name, value string) string {
		return strings.TrimSuffix(good, "}") + `,"` + name + `":` + value + "}"
	}
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	n := modulus(1)
	for want, body := range map[string]string{
		"kid is missing":          replace(`"kid":"a",`, ""),
		"kid is missing, too":     replace(`"kid":"a"`, `"kid":"`+strings.Repeat("k", 257)+`"`),
		"control characters":      replace(`"kid":"a"`, `"kid":"a\u000a"`),
		"kty is not RSA":          replace(`"RSA"`, `"rsa"`),
		"use is not sig":          replace(`"sig"`, `null`),
		"alg is not RS256":        replace(`"RS256"`, `"PS256"`),
		"key_ops lacks verify":    member("key_ops", `["sign"]`),
		"key_ops lacks":           member("key_ops", `"verify"`),
		"private key":             member("d", `"AQ"`),
		"e: missing":              replace(`"e":"AQAB",`, ""),
		"e: not base64url":        replace(`"AQAB"`, `"AQAB=="`),
		"e: a leading zero":       replace(`"AQAB"`, `"AAEAAQ"`),
		"the exponent":            replace(`"AQAB"`, `"Aw"`),
		"n: missing":              replace(n, ""),
		"n: not base64url":        replace(n, n[:len(n)-1]+"+"),
		"n: not base64url, spare": replace(n, n[:len(n)-1]+"R"),
		"n: missing or too long":  replace(n, strings.Repeat("B", 1400)),
		"the modulus has 2047":    replace(n, base64url(new(big.Int).Rsh(number16(n), 1).Bytes())),
		"the modulus is even":     replace(n, base64url(new(big.Int).Sub(number16(n), big.NewInt(1)).Bytes())),
		"a name occurs twice":     member("kid", `"b"`),
		"differ by case":          member("KID", `"b"`),
		"too deep":                member("x5c", `[[[[["x"]]]]]`),
		"not a JSON object":       `"x"`,
		"the modulus has 8193 bi": replace(n, base64url(new(big.Int).SetBit(number16(n), 8192, 1).Bytes())),
	} {
		key, err := parseKey([]byte(body))
		want, _, _ = strings.Cut(want, ", spare")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q (key %v)", body, err, want, key)
		}
	}
	for what, body := range map[string]string{
		"as it is":        good,
		"without use":     replace(`"use":"sig",`, ""),
		"without alg":     replace(`"alg":"RS256",`, ""),
		"with key_ops":    member("key_ops", `["verify"]`),
		"with extensions": member("x5t", `"x"`),
		"of 8192 bits":    replace(n, base64url(new(big.Int).SetBit(number16(n), 8191, 1).Bytes())),
	} {
		if _, err := parseKey([]byte(body)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// number16 is a base64url number.
func number16(text string) *big.Int {
	var raw []byte
	if err := json.Unmarshal([]byte(`"`+strings.NewReplacer("-", "+", "_", "/").Replace(text)+strings.Repeat("=", (4-len(text)%4)%4)+`"`), &raw); err != nil {
		panic(err)
	}
	return new(big.Int).SetBytes(raw)
}

func TestKeySetFaults(t *testing.T) {
	many := make([]string, maxKeys+1)
	for i := range many {
		many[i] = published(fmt.Sprint(i), byte(i))
	}
	for _, c := range []struct{ body, result string }{
		{"", resultParse}, {"<html>", resultParse}, {"[]", resultParse}, {"null", resultEmpty}, {`{"keys":7}`, resultParse}, {`{"keys":{}}`, resultParse},
		{`{}`, resultEmpty}, {`{"KEYS":[` + published("a", 1) + `]}`, resultEmpty}, {published("a", 1), resultEmpty}, {`{"keys":[null]}`, resultEmpty},
		{keys(many...), resultTooLarge}, {strings.Repeat(" ", maxBody) + "{}", resultTooLarge},
	} {
		if _, err := parseKeySet([]byte(c.body)); err == nil || err.result != c.result {
			t.Errorf("%.60q: %v, want %s", c.body, err, c.result)
		}
	}
	if set, err := parseKeySet([]byte(keys(many[:maxKeys]...))); err != nil || len(set.keys) != maxKeys {
		t.Errorf("the largest set: %v", err)
	}
}

// FuzzKeySet: no body makes the parser panic, and every key that it lets through is one that a signature may be checked with.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(keys(published("a", 1), published("b", 2))))
	f.Add([]byte(keys(published("a", 1), published("a", 2), `{"kty":"oct","k":"AA","kid":"o"}`)))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"x","e":"AQ","n":"` + modulus(1) + `"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if err != nil {
			if set != nil {
				t.Error("a set beside an error")
			}
			return
		}
		if len(set.keys) == 0 || len(set.keys)+len(set.skipped) > maxKeys {
			t.Errorf("%d keys, %d skipped", len(set.keys), len(set.skipped))
		}
		for id, key := range set.keys {
			if bits := key.public.N.BitLen(); id != key.id || !plausible(id) || bits < minModulus || bits > maxModulus || key.public.N.Bit(0) != 1 || key.public.E != exponent {
				t.Errorf("key %q of %d bits, e=%d", id, bits, key.public.E)
			}
		}
	})
}

func TestVerifyHidesTheCause(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := &Key{id: "a", public: &private.PublicKey}
	for _, token := range []string{"", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "secret", `{"payload":"e30"}`} {
		if _, err := key.Verify([]byte(token)); err != ErrSignature {
			t.Errorf("%v, want exactly ErrSignature", err)
		}
	}
}
