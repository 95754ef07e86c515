package cognito

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/pgturnstile/pgturnstile/jwks/strictjson"
)

// parsed is a token that has one meaning, whatever library reads it. Nothing in it is trusted before the signature is checked.
type parsed struct {
	header  []byte // decoded
	payload []byte // decoded; members alias it
	keyID   string
	members []strictjson.Member
}

// parse reads a compact JWS (RFC 7515 section 7.1): three parts of canonical base64url, header and payload a JSON object each, a
// closed header set, and every claim that Neon types of that type. The error is a refusal without a hint.
func parse(token []byte) (*parsed, *Error) {
	// Counted before anything is split: a password of dots alone must cost nothing (CVE-2025-30204).
	if bytes.Count(token, []byte(".")) != 2 {
		return nil, invalid(Malformed)
	}
	first := bytes.IndexByte(token, '.')
	last := bytes.LastIndexByte(token, '.')
	signature := token[last+1:]
	room := make([]byte, 0, len(token)) // for all three parts
	p := new(parsed)
	var ok bool
	if p.header, ok = decode(&room, token[:first]); !ok {
		return nil, invalid(Malformed)
	}
	if err := p.readHeader(); err != nil {
		return nil, err
	}
	if p.payload, ok = decode(&room, token[first+1:last]); !ok {
		return nil, invalid(Malformed)
	}
	if err := p.readPayload(); err != nil {
		return nil, err
	}
	if len(signature) == 0 {
		return nil, invalid(Signature)
	}
	if _, ok = decode(&room, signature); !ok {
		return nil, invalid(Malformed)
	}
	return p, nil
}

// decode reads one part into the room that is left: the URL alphabet without padding and without bits that say nothing, so that no
// second spelling of a token exists.
func decode(room *[]byte, part []byte) ([]byte, bool) {
	if bytes.IndexByte(part, '\r') >= 0 || bytes.IndexByte(part, '\n') >= 0 { // the decoder skips them
		return nil, false
	}
	begin := len(*room)
	data, err := base64.RawURLEncoding.Strict().AppendDecode(*room, part)
	if err != nil {
		return nil, false
	}
	*room = data
	return data[begin:len(data):len(data)], true
}

// readHeader takes alg, kid and typ and nothing else: jku, x5u, jwk and the like name keys that are not the issuer's, crit, b64
// and zip change what is signed, cty nests tokens.
func (p *parsed) readHeader() *Error {
	// jwx signs over the object without the white space around it.
	if !bytes.HasPrefix(p.header, []byte("{")) || !bytes.HasSuffix(p.header, []byte("}")) {
		return invalid(Malformed)
	}
	members, err := strictjson.Object(p.header, strictjson.Limits{Depth: 2, Values: 16})
	if err != nil {
		return invalid(Malformed)
	}
	alg, algFound := "", false
	for _, m := range members {
		text, isText := m.Text()
		switch m.Name {
		case "alg":
			if !isText {
				return invalid(Algorithm)
			}
			alg, algFound = text, true
		case "kid":
			if !isText || text == "" {
				return invalid(Malformed)
			}
			p.keyID = text
		case "typ":
			if !isText || text != "JWT" && text != "at+jwt" {
				return invalid(Malformed)
			}
		default:
			return invalid(Malformed)
		}
	}
	if !algFound || alg != "RS256" {
		return invalid(Algorithm)
	}
	if p.keyID == "" {
		return invalid(Malformed)
	}
	return nil
}

// read are the claims that something here or behind us reads. A name that differs from one of them by case alone is refused:
// a reader that folds case would take it for the claim.
var read = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "token_use", "client_id", "scope",
	"username", "cognito:username", "cognito:groups", "origin_jti"}

func (p *parsed) readPayload() *Error {
	members, err := strictjson.Object(p.payload, strictjson.Limits{})
	if err != nil {
		return invalid(Malformed)
	}
	for _, m := range members {
		if !slices.Contains(read, m.Name) {
			if slices.ContainsFunc(read, func(name string) bool { return strictjson.SameButCase(m.Name, name) }) {
				return invalid(Malformed)
			}
			continue
		}
		if !typed(m) {
			return invalid(Malformed)
		}
	}
	p.members = members
	return nil
}

// typed reports whether a claim has the type that Neon's own reader demands. Those that only we read are looked at after the
// signature, where the refusal can name them.
func typed(m strictjson.Member) bool {
	switch m.Name {
	case "iss", "sub", "jti", "sid":
		_, ok := m.Text()
		return ok
	case "exp", "nbf", "iat", "auth_time":
		value, ok := m.Integer()
		return ok && value >= 0
	case "aud":
		if _, ok := m.Text(); ok {
			return true
		}
		_, ok := m.Texts()
		return ok
	}
	return true
}

// member finds a claim; its Kind is Null and its Raw nil if it is absent.
func (p *parsed) member(name string) (strictjson.Member, bool) {
	for _, m := range p.members {
		if m.Name == name {
			return m, true
		}
	}
	return strictjson.Member{}, false
}

// text returns a string claim, "" if it is absent or of another type.
func (p *parsed) text(name string) string {
	m, _ := p.member(name)
	text, _ := m.Text()
	return text
}
