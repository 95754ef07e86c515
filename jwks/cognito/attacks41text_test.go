package cognito_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// shapeAttacks are about the compact form and its base64url.
func shapeAttacks(o on) attacktable.Tests {
	good := func() string { return o.issuer.Forge(jwkstest.Forgery{}) }
	assembled := func(assemble func(header, payload, signature string) string) func(*testing.T, attacktable.Entry) {
		return o.forge(jwkstest.Forgery{Assemble: assemble})
	}
	text := func(text string) func(*testing.T, attacktable.Entry) {
		return o.token(func(*stand) string { return text })
	}
	wrapped := func(before, after string) func(*testing.T, attacktable.Entry) {
		return o.token(func(*stand) string { return before + good() + after })
	}
	// part changes one part of a good token.
	part := func(n int, change func(string) string) func(*testing.T, attacktable.Entry) {
		return o.token(func(*stand) string {
			parts := strings.Split(good(), ".")
			parts[n] = change(parts[n])
			return strings.Join(parts, ".")
		})
	}
	cut := func(length int) func(*testing.T, attacktable.Entry) {
		return func(t *testing.T, e attacktable.Entry) {
			long := o.issuer.Forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Claims: map[string]any{"x": strings.Repeat("y", 5000)}}})
			if err := o.expect(t, e, long[:length]); err.Hint() == "" {
				t.Error("no hint")
			}
		}
	}
	return attacktable.Tests{
		"4.1-jwe": assembled(func(h, p, s string) string { return h + "." + p + "." + s + "." + p + "." + s }),
		"4.1-json-general": assembled(func(h, p, s string) string {
			return fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, p, h, s)
		}),
		"4.1-json-flattened": assembled(func(h, p, s string) string {
			return fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, p, h, s)
		}),
		"4.1-json-unprotected": assembled(func(_, p, s string) string {
			return fmt.Sprintf(`{"payload":%q,"header":{"alg":"none"},"signature":%q}`, p, s)
		}),
		"4.1-dots-64k":      text(strings.Repeat(".", 64<<10)),
		"4.1-dots-16k":      text(strings.Repeat(".", 16<<10)),
		"4.1-space-around":  wrapped(" \t\r\n", "\n\n "),
		"4.1-bearer":        wrapped("Bearer ", ""),
		"4.1-bearer-twice":  wrapped("Bearer Bearer ", ""),
		"4.1-space-unicode": wrapped("\u00a0", ""),
		"4.1-quotes": func(t *testing.T, e attacktable.Entry) {
			if err := o.expect(t, e, `"`+good()+`"`); !strings.Contains(err.Hint(), "quotes") {
				t.Errorf("hint %q", err.Hint())
			}
		},
		"4.1-one-part":   assembled(func(h, _, _ string) string { return h }),
		"4.1-two-parts":  assembled(func(h, p, _ string) string { return h + "." + p }),
		"4.1-four-parts": assembled(func(h, p, s string) string { return h + "." + p + "." + s + "." }),
		"4.1-empty":      text(""),

		"4.1-base64-padding": part(2, func(s string) string { return s + "==" }),
		"4.1-base64-standard": o.token(func(*stand) string {
			for {
				if parts := strings.Split(good(), "."); strings.ContainsAny(parts[2], "-_") {
					return parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2])
				}
			}
		}),
		"4.1-base64-space":         part(2, func(s string) string { return s[:100] + " " + s[100:] }),
		"4.1-base64-newline":       part(2, func(s string) string { return s[:100] + "\n" + s[100:] }),
		"4.1-base64-trailing-bits": part(2, nextLast),
		"4.1-base64-trailing-bits-payload": o.forge(jwkstest.Forgery{
			PayloadText: func(p []byte) []byte { return append(p, strings.Repeat(" ", (4-len(p)%3)%3)...) }, // one byte in the last group
			Assemble:    func(h, p, s string) string { return h + "." + nextLast(p) + "." + s },
		}),
		"4.1-base64-length": part(2, func(s string) string { return s[:len(s)-1] }),
		"4.1-cut-990":       cut(990),
		"4.1-cut-1023":      cut(1023),
		"4.1-cut-1024":      cut(1024),
		"4.1-cut-4095":      cut(4095),
		"4.1-too-long": func(t *testing.T, e attacktable.Entry) {
			if err := o.expect(t, e, tokenOfLength(t, o.stand, 16<<10+1)); !strings.Contains(err.Message(), "16385 bytes") {
				t.Errorf("message %q", err.Message())
			}
		},
		"4.1-longest": func(t *testing.T, e attacktable.Entry) { o.expect(t, e, tokenOfLength(t, o.stand, 16<<10)) },
	}
}

// nextLast changes bits of the last character that a lax decoder drops: the decoded bytes stay the same.
func nextLast(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	changed := part[:len(part)-1] + alphabet[last+1:last+2]
	before, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		panic(err)
	}
	after, err := base64.RawURLEncoding.DecodeString(changed)
	if err != nil || !bytes.Equal(before, after) {
		panic("the part has no spare bits")
	}
	return changed
}

// textAttacks are about the JSON texts inside; all of them are well signed.
func textAttacks(o on) attacktable.Tests {
	payload := func(change func(string) string) func(*testing.T, attacktable.Entry) {
		return o.forge(jwkstest.Forgery{PayloadText: func(p []byte) []byte { return []byte(change(string(p))) }})
	}
	// add puts members after those of a good token.
	add := func(members string) func(*testing.T, attacktable.Entry) {
		return payload(func(p string) string { return strings.TrimSuffix(p, "}") + "," + members + "}" })
	}
	addHeader := func(members string) func(*testing.T, attacktable.Entry) {
		return o.forge(jwkstest.Forgery{HeaderText: func(h []byte) []byte {
			return []byte(strings.TrimSuffix(string(h), "}") + "," + members + "}")
		}})
	}
	soon := fmt.Sprint(noon.Unix() + 600)
	return attacktable.Tests{
		"4.1-json-utf16": payload(func(p string) string {
			var out []byte
			for _, unit := range utf16.Encode([]rune(p)) {
				out = append(out, byte(unit>>8), byte(unit))
			}
			return string(out)
		}),
		"4.1-json-bom":             payload(func(p string) string { return "\ufeff" + p }),
		"4.1-json-bad-utf8":        add(`"x":"` + "\xff\xfe" + `"`),
		"4.1-json-surrogate":       add(`"x":"\ud800"`),
		"4.1-json-trailing":        payload(func(p string) string { return p + "x" }),
		"4.1-json-array":           payload(func(p string) string { return "[" + p + "]" }),
		"4.1-json-escaped-name":    add(`"a\"b":1`),
		"4.1-json-dup-alg":         addHeader(`"alg":"RS256"`),
		"4.1-json-dup-kid":         addHeader(`"kid":"other"`),
		"4.1-json-dup-sub":         add(`"sub":"bob"`),
		"4.1-json-dup-exp":         add(`"exp":` + soon),
		"4.1-json-dup-nested":      add(`"x":{"a":1,"a":2}`),
		"4.1-json-case-sub":        payload(func(p string) string { return strings.Replace(p, `"sub"`, `"SUB"`, 1) }),
		"4.1-json-case-sub-beside": add(`"SUB":"bob"`),
		"4.1-json-case-exp":        add(`"Exp":` + soon),
		"4.1-json-case-long-s":     add(`"` + "\u017fub" + `":"bob"`),
		"4.1-json-case-alg":        addHeader(`"ALG":"none"`),
		"4.1-json-depth-10k": payload(func(string) string {
			return `{"x":` + strings.Repeat("[", 10_000)
		}),
		"4.1-json-many-names": payload(func(string) string {
			var out strings.Builder
			out.WriteString(`{"a":0`)
			for i := 0; out.Len() < 11_400; i++ {
				fmt.Fprintf(&out, `,"%x":0`, i)
			}
			return out.String() + "}"
		}),
		"4.1-json-many-values":         add(`"x":[0` + strings.Repeat(",0", 5000) + `]`),
		"4.1-json-header-space":        o.forge(jwkstest.Forgery{HeaderText: func(h []byte) []byte { return append(h, ' ') }}),
		"4.1-json-header-space-before": o.forge(jwkstest.Forgery{HeaderText: func(h []byte) []byte { return append([]byte(" "), h...) }}),
		"4.1-json-1e999":               add(`"x":1e999`),
		"4.1-json-names-1e6": o.token(func(s *stand) string {
			text := []byte(`{"a":0`)
			for i := range 1_000_000 {
				text = append(text, `,"`...)
				text = append(strconv.AppendInt(text, int64(i), 10), `":0`...)
			}
			text = append(text, '}')
			return s.issuer.Forge(jwkstest.Forgery{PayloadText: func([]byte) []byte { return text }})
		}),
		"4.1-json-string-10mb": payload(func(string) string { return `{"x":"` + strings.Repeat("y", 10<<20) + `"}` }),
	}
}
