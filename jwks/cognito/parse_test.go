package cognito

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pgturnstile/pgturnstile/jwks/strictjson"
)

func compact(header, payload string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + strings.Repeat("A", 342)
}

const fuzzHeader, fuzzPayload = `{"kid":"k","alg":"RS256"}`, `{"iss":"https://cognito-idp.us-east-2.amazonaws.com/p","sub":"alice","exp":1795539123,"iat":1795535523,` +
	`"token_use":"access","client_id":"c","cognito:groups":["a"],"scope":"x y","username":"Alice"}`

// oracle judges a token by other means: a pattern for the shape, jsontext for the texts, encoding/json for the types. It knows no bounds.
func oracle(token string) (header, payload map[string]json.RawMessage, ok bool) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`).MatchString(token) {
		return nil, nil, false
	}
	var objects [2]map[string]json.RawMessage
	for i, part := range strings.Split(token, ".") {
		data, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(data) != part {
			return nil, nil, false
		}
		if i == 2 {
			break
		}
		if !jsontext.Value(data).IsValid() || json.Unmarshal(data, &objects[i]) != nil || objects[i] == nil {
			return nil, nil, false
		}
	}
	header, payload = objects[0], objects[1]
	for name := range header {
		if !slices.Contains([]string{"alg", "kid", "typ"}, name) {
			return nil, nil, false
		}
	}
	var kid, typ string
	if string(header["alg"]) != `"RS256"` || json.Unmarshal(header["kid"], &kid) != nil || kid == "" {
		return nil, nil, false
	}
	if typRaw, there := header["typ"]; there && (json.Unmarshal(typRaw, &typ) != nil || typ != "JWT" && typ != "at+jwt") {
		return nil, nil, false
	}
	return header, payload, typesOK(payload)
}

func typesOK(payload map[string]json.RawMessage) bool {
	for name, raw := range payload {
		switch name {
		case "iss", "sub", "jti", "sid":
			if raw[0] != '"' {
				return false
			}
		case "exp", "nbf", "iat", "auth_time":
			var n uint64
			if json.Unmarshal(raw, &n) != nil || n > 1<<53 || string(raw) == "null" {
				return false
			}
		case "aud":
			var list []any
			if raw[0] == '"' {
				continue
			}
			if json.Unmarshal(raw, &list) != nil || list == nil || slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok }) {
				return false
			}
		}
	}
	return true
}

// FuzzParseToken: no password makes the parser panic; what it accepts has one spelling and one meaning, the oracle's; what the oracle
// accepts and it does not is refused for a reason of its own.
func FuzzParseToken(f *testing.F) {
	for _, header := range []string{fuzzHeader, `{"alg":"RS256","kid":"k","typ":"JWT"}`, `{"alg":"none","kid":"k"}`, `{"kid":"k","alg":"RS256","jku":"x"}`, `{"kid":"k","kid":"j","alg":"RS256"}`, ` {"kid":"k","alg":"RS256"}`} {
		for _, payload := range []string{fuzzPayload, `{}`, `{"sub":"a","SUB":"b"}`, `{"sub":7}`, `{"exp":1.5}`, `{"exp":-1}`, `{"aud":["a"]}`, `{"aud":null}`, `{"a":{"b":[1e999]}}`, "{\"a\":\"\xff\"}", `[]`} {
			f.Add("", header, payload)
			f.Add(compact(header, payload), "", "")
		}
	}
	f.Add("..", "", "")
	f.Add(strings.Repeat(".", 1000), "", "")
	f.Add(`{"payload":"e30","protected":"e30","signature":"AA"}`, "", "")
	f.Fuzz(func(t *testing.T, token, headerText, payloadText string) {
		if token == "" { // the texts are what is mutated, not their base64url
			token = compact(headerText, payloadText)
		}
		p, err := parse([]byte(token))
		header, payload, ok := oracle(token)
		if err != nil {
			noLeak(t, token, err)
			if ok && !ourOwnReason(token) {
				t.Errorf("refused (%s), but the oracle accepts it", err.Reason)
			}
			return
		}
		if !ok {
			t.Fatal("accepted, but not by the oracle")
		}
		signature := token[strings.LastIndexByte(token, '.')+1:]
		if again := base64.RawURLEncoding.EncodeToString(p.header) + "." + base64.RawURLEncoding.EncodeToString(p.payload) + "." + signature; again != token {
			t.Errorf("%q reads as %q", token, again)
		}
		var kid string
		if json.Unmarshal(header["kid"], &kid) != nil || kid != p.keyID {
			t.Errorf("kid %q, the oracle reads %s", p.keyID, header["kid"])
		}
		if len(payload) != len(p.members) {
			t.Errorf("%d claims, the oracle reads %d", len(p.members), len(payload))
		}
		for _, m := range p.members {
			if !bytes.Equal(bytes.TrimSpace(payload[m.Name]), m.Raw) {
				t.Errorf("claim %q is %s, the oracle reads %s", m.Name, m.Raw, payload[m.Name])
			}
		}
	})
}

// ourOwnReason reports whether a token that other readers accept is refused for what only strictjson refuses, for a claim's case variant,
// or for white space around the header.
func ourOwnReason(token string) bool {
	parts := strings.Split(token, ".")
	for i, limits := range []strictjson.Limits{{Depth: 2, Values: 16}, {}} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return false
		}
		members, err := strictjson.Object(data, limits)
		if err != nil || i == 0 && (data[0] != '{' || data[len(data)-1] != '}') {
			return true
		}
		for _, m := range members {
			if i == 1 && slices.ContainsFunc(read, func(name string) bool { return name != m.Name && strings.EqualFold(name, m.Name) }) {
				return true
			}
		}
	}
	return false
}

func noLeak(t *testing.T, token string, err *Error) {
	t.Helper()
	for _, text := range []string{err.Error(), err.Message(), err.Hint()} {
		if len(token) > 40 && strings.Contains(text, token[:20]) {
			t.Errorf("%q holds the token", text)
		}
	}
}

// Claims that Neon types must have its type; the others are looked at after the signature.
func TestTypedClaimsKeepTheirTypes(t *testing.T) {
	for payload, good := range map[string]bool{
		`{"iss":"a","sub":"b","jti":"c","sid":"d","exp":1,"nbf":0,"iat":9007199254740992,"auth_time":1,"aud":"x"}`: true,
		`{"aud":[]}`: true, `{"aud":["a","b"]}`: true, `{"email":null,"version":2.5}`: true,
		`{"iss":null}`: false, `{"sub":[]}`: false, `{"jti":1}`: false, `{"sid":{}}`: false, `{"exp":"1"}`: false, `{"nbf":true}`: false, `{"iat":-1}`: false,
		`{"auth_time":1.0}`: false, `{"aud":1}`: false, `{"aud":{}}`: false, `{"aud":[1]}`: false, `{"aud":["a",null]}`: false, `{"aud":null}`: false,
	} {
		if _, err := parse([]byte(compact(fuzzHeader, payload))); (err == nil) != good {
			t.Errorf("%s: %v", payload, err)
		}
	}
}
