package guc

import "strings"

// What a text must hold to give search_path the temporary schema: its name, or what that can be written with in another way.
// In a query it can also be put together.
const temporarySchema = "pg_temp"

func setNamesTemporary(text string) bool {
	return strings.ContainsAny(text, "\\\n\r") || strings.Contains(asciiLower(text), temporarySchema)
}

func queryNamesTemporary(text string) bool {
	return strings.ContainsAny(text, `\|`) || strings.Contains(asciiLower(text), "temp")
}

// CreatesTemporary reports whether an object whose name has no schema may be created in the temporary one: where that is before
// every schema of search_path that is sure to be there.
func (s *Settings) CreatesTemporary(d Defaults) bool {
	if s.hiddenPath {
		return true
	}
	path, _ := s.Now(searchPathKey, d)
	for name := range strings.SplitSeq(path, ",") {
		name = strings.Trim(name, spaces)
		if unquoted := strings.Trim(name, `"`); unquoted != name {
			name = unquoted
		} else {
			name = asciiLower(name)
		}
		switch {
		case name == "public":
			return false
		case strings.HasPrefix(name, temporarySchema):
			return true
		}
	}
	return false
}
