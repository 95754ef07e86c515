package sqlscan

import "strings"

// The keywords that cannot name everything, as kwlist.h classes them in Postgres 15 to 18. system_user, reserved since 16,
// is not among them: taken for a name it is answered here, where a newer server would say syntax error; taken for a keyword
// a SAVEPOINT of that name would be sent to an older one.
const (
	reservedWords = " all analyse analyze and any array as asc asymmetric both case cast check collate column constraint" +
		" create current_catalog current_date current_role current_time current_timestamp current_user default deferrable" +
		" desc distinct do else end except false fetch for foreign from grant group having in initially intersect into" +
		" lateral leading limit localtime localtimestamp not null offset on only or order placing primary references" +
		" returning select session_user some symmetric table then to trailing true union unique user using variadic when" +
		" where window with "
	typeOrFunctionWords = " authorization binary collation concurrently cross current_schema freeze full ilike inner is" +
		" isnull join left like natural notnull outer overlaps right similar tablesample verbose "
)

var reserved, typeOrFunction = wordSet(reservedWords), wordSet(typeOrFunctionWords)

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// IsNonReserved reports whether the grammar takes t as a NonReservedWord: any identifier but a reserved keyword.
func IsNonReserved(sql string, t Token) bool {
	return t.IsIdent() && !(t.Kind == Word && inSet(reserved, t.Text(sql)))
}

// IsColID reports whether the grammar takes t as a ColId, the name of most objects: any identifier but a keyword that
// is reserved or names types and functions only.
func IsColID(sql string, t Token) bool {
	return IsNonReserved(sql, t) && !(t.Kind == Word && inSet(typeOrFunction, t.Text(sql)))
}

// inSet looks word up in lower case, without allocating.
func inSet(set map[string]bool, word string) bool {
	var buf [len("current_timestamp")]byte
	if len(word) > len(buf) {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return set[string(buf[:len(word)])]
}
