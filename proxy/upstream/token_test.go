package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestTokenNeverPrints(t *testing.T) {
	const secret = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	token := NewToken(secret)
	hidden := struct{ inner Token }{token} // fmt does not ask an unexported field
	exported := struct{ Inner Token }{token}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, token), fmt.Sprintf(verb, &token), fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, exported), fmt.Sprintf(verb, []Token{token}))
	}
	for _, v := range []any{token, exported, map[string]Token{"a": token}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(b))
	}
	for _, p := range printed {
		if strings.Contains(p, secret) || strings.Contains(p, fmt.Sprintf("%x", secret)) || strings.Contains(p, secret[:10]) {
			t.Errorf("printed: %s", p)
		}
	}
	if token.Reveal() != secret || (Token{}).Reveal() != "" {
		t.Error("Reveal does not give the token")
	}
}
