package describeoracle

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// refused is the kind of whatever the real Parse refuses.
const refused = "refused by Parse"

// kindOf names the row of the report that a statement counts in.
func kindOf(text string, real Answer) string {
	if !real.Parsed {
		return refused
	}
	verb, changesInCTE, returning, into := outline(text)
	switch verb {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		if returning {
			verb += " RETURNING"
		}
	case "SELECT":
		if into && !returning {
			verb += " INTO"
		}
	case "VALUES", "TABLE", "SHOW", "EXPLAIN", "CALL", "":
	case "EXECUTE", "FETCH":
		return "EXECUTE, FETCH"
	default:
		return "other utility"
	}
	if verb == "" {
		return "empty"
	}
	if changesInCTE {
		verb += " with changing CTE"
	}
	return verb
}

// outline finds a statement's main verb, and which words stand where: a changing verb inside the WITH list, RETURNING and INTO
// outside of all brackets.
func outline(text string) (verb string, changesInCTE, returning, into bool) {
	scanner := sqlscan.New(text, true)
	depth := 0
	with, afterBracket := false, false
	for {
		t, ok := scanner.Next()
		if !ok {
			return verb, changesInCTE, returning, into
		}
		switch {
		case t.Is(text, '('):
			depth++
			afterBracket = true
			continue
		case t.Is(text, ')'):
			depth--
		case t.Kind == sqlscan.Word:
			word := upper(t.Text(text))
			switch {
			case verb == "" && word == "WITH" && !with:
				with = true
			case with && verb == "" && afterBracket && isChange(word):
				changesInCTE = true
			case verb == "" && (!with || depth == 0 && isVerb(word)):
				verb = word
				depth = 0
			case verb != "" && depth == 0 && word == "RETURNING":
				returning = true
			case verb == "SELECT" && depth == 0 && word == "INTO":
				into = true
			}
		}
		afterBracket = false
	}
}

func isChange(word string) bool {
	return word == "INSERT" || word == "UPDATE" || word == "DELETE" || word == "MERGE"
}

func isVerb(word string) bool {
	return isChange(word) || word == "SELECT" || word == "VALUES" || word == "TABLE"
}

// upper is for keywords: ASCII.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
