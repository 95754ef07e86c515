package guc

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// parseOptions reads the switches of the startup parameter "options": -c name=value, -cname=value, --name=value; and
// Neon's bare endpoint=... and project=.... Words end at white space, a backslash takes the next byte as it is
// (pg_split_opts in src/backend/utils/init/postinit.c); '-' in a switch's name is '_' (ParseLongOption).
func parseOptions(options string) ([]assignment, *pgerr.Error) {
	words := splitOptions(options)
	var out []assignment
	for i := 0; i < len(words); i++ {
		w := words[i]
		var given string
		prefix := "-c "
		switch {
		case strings.HasPrefix(w, "--"):
			prefix, given = "--", w[2:]
		case w == "-c":
			if i++; i == len(words) {
				return nil, pgerr.New(pgerr.SyntaxError, "invalid command-line argument for server process: -c").
					WithHint("Write -c name=value.")
			}
			given = words[i]
		case strings.HasPrefix(w, "-c"):
			given = w[2:]
		case ignoredWord(w):
			continue
		default:
			return nil, pgerr.Unsupported("the startup option "+quoteWord(w), "Only -c name=value and --name=value can stand in options.")
		}
		name, value, ok := strings.Cut(given, "=")
		if !ok || name == "" {
			return nil, pgerr.New(pgerr.SyntaxError, "%s%s requires a value", prefix, shortWord(given))
		}
		out = append(out, assignment{strings.ReplaceAll(name, "-", "_"), value})
	}
	return out, nil
}

func ignoredWord(w string) bool {
	name, _, ok := strings.Cut(w, "=")
	return ok && ignoredAtStartup[name]
}

func quoteWord(w string) string { return `"` + shortWord(w) + `"` }

// shortWord is a foreign text in an error message.
func shortWord(w string) string {
	const most = 100
	if len(w) > most {
		w = strings.ToValidUTF8(w[:most], "") + "..."
	}
	return w
}

func splitOptions(s string) []string {
	var words []string
	var word []byte
	inWord := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			if inWord {
				words, word, inWord = append(words, string(word)), word[:0], false
			}
			continue
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
		case c == '\\':
			continue
		}
		word, inWord = append(word, c), true
	}
	if inWord {
		words = append(words, string(word))
	}
	return words
}
