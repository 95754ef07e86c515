package guc

import (
	"slices"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// The names travel as one parameter. Everything is qualified, for a session's search_path may put its own functions first.
const (
	readSQL = `SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest($1::pg_catalog.text[]) AS n`
	// readSessionSQL reads all that was assigned and can be listed.
	readSessionSQL = `SELECT name, pg_catalog.current_setting(name, true) FROM pg_catalog.pg_settings WHERE source = 'session'`
)

// read asks for the values of settings as SHOW prints them.
func read(names []string) upstream.Statement {
	return upstream.Statement{SQL: readSQL, Params: [][]byte{[]byte(array(names))}}
}

// array writes a text[] (the output format of arrays, with every element quoted).
func array(elements []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, e := range elements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for j := range len(e) {
			if e[j] == '"' || e[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(e[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// withIdentity adds what changes along with role and session_authorization.
func withIdentity(names []string) []string {
	for _, n := range names {
		if key := asciiLower(n); key == roleKey || key == authorizationKey {
			if !slices.Contains(names, superuserKey) {
				names = append(names, superuserKey)
			}
			return names
		}
	}
	return names
}

// learner takes rows for settings that were given a value, for the session or for the transaction.
func learner(d Defaults, local bool) func(*Settings, []Pair) *pgerr.Error {
	return func(s *Settings, rows []Pair) *pgerr.Error {
		for _, row := range rows {
			s.learn(row, value{}, local, d)
		}
		return s.full()
	}
}

// learn takes what the server says of one setting. as.send is what to send for it, if that is not what SHOW prints.
func (s *Settings) learn(row Pair, as value, local bool, d Defaults) {
	key := asciiLower(row.Name)
	if isTransactions(key) || isJWT(key) || key == seedKey {
		return
	}
	if key == clientEncodingKey && (row.Value == nil || *row.Value != utf8Name) {
		return // of the server's connection: a function has set it
	}
	if row.Value == nil {
		s.drop(key)
		return
	}
	as.set, as.text = true, *row.Value
	switch key {
	case authorizationKey:
		s.touch(superuserKey) // it changes first
		s.roleEnds(local)
	case superuserKey: // it follows the session user, whoever set the role
		if e := s.find(authorizationKey); e != nil && e.local.set {
			local = true
		}
	}
	s.assign(key, s.canonical(key, row.Name, d), as, local, isPlaceholder(key, d))
}

// roleEnds: whoever becomes another session user is no other role any more (set_config_option in guc.c, since the
// minor versions of November 2024).
func (s *Settings) roleEnds(local bool) {
	switch {
	case s.find(roleKey) == nil:
	case local:
		s.assign(roleKey, roleKey, value{set: true, text: noRole}, true, false)
	default:
		s.drop(roleKey)
	}
}
