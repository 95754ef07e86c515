package guc

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// ignoredAtStartup are connection parameters that Neon's own connection strings carry and some drivers pass on as
// settings. They say nothing about the session.
var ignoredAtStartup = map[string]bool{"channel_binding": true, "project": true, "endpoint": true}

// Startup takes the settings of a StartupMessage: every parameter but user, database, replication and _pq_ options. As
// in Postgres (process_startup_options) the switches in options come first, then the parameters by name. The error is
// FATAL.
func Startup(params []wire.Parameter) (*Settings, *pgerr.Error) {
	s := &Settings{}
	s.values[clientEncoding] = setting{value: "UTF8", given: true} // decided here, whatever the server's default
	for _, p := range params {
		if p.Name != "options" {
			continue
		}
		switches, err := parseOptions(p.Value)
		if err != nil {
			return nil, err.Fatal()
		}
		for _, sw := range switches {
			if err := s.start(sw.Name, sw.Value); err != nil {
				return nil, err.Fatal()
			}
		}
	}
	for _, p := range params {
		if p.Name == "options" {
			continue
		}
		if err := s.start(p.Name, p.Value); err != nil {
			return nil, err.Fatal()
		}
	}
	s.reset = s.values
	return s, nil
}

func (s *Settings) start(name, value string) *pgerr.Error {
	if ignoredAtStartup[asciiLower(name)] {
		return nil
	}
	i, ok := indexOf(name)
	if !ok {
		return RefuseSet(name).WithHint("Remove it from the connection's options; kept for a session are application_name, " +
			"client_min_messages, client_encoding UTF8 and extra_float_digits from 1 up.")
	}
	v, err := keptSettings[i].canonical(value)
	if err != nil {
		return err
	}
	s.values[i] = setting{value: v, given: true}
	return nil
}

// parseOptions reads the switches of the startup parameter "options": -c name=value, -cname=value, --name=value; and
// Neon's bare endpoint=... and project=.... Words end at white space, a backslash takes the next byte as it is
// (pg_split_opts in src/backend/utils/init/postinit.c); '-' in a switch's name is '_' (ParseLongOption).
func parseOptions(options string) ([]wire.Parameter, *pgerr.Error) {
	words := splitOptions(options)
	var out []wire.Parameter
	for i := 0; i < len(words); i++ {
		w := words[i]
		var assignment string
		switch {
		case strings.HasPrefix(w, "--"):
			assignment = w[2:]
		case w == "-c":
			if i++; i == len(words) {
				return nil, pgerr.New(pgerr.SyntaxError, "invalid command-line argument for server process: -c").
					WithHint("Write -c name=value.")
			}
			assignment = words[i]
		case strings.HasPrefix(w, "-c"):
			assignment = w[2:]
		case ignoredWord(w):
			continue
		default:
			return nil, pgerr.Unsupported("the startup option "+quoteWord(w), "Only -c name=value and --name=value can stand in options.")
		}
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return nil, pgerr.New(pgerr.SyntaxError, "-c %s requires a value", quoteWord(assignment))
		}
		out = append(out, wire.Parameter{Name: strings.ReplaceAll(name, "-", "_"), Value: value})
	}
	return out, nil
}

func ignoredWord(w string) bool {
	name, _, ok := strings.Cut(w, "=")
	return ok && ignoredAtStartup[name]
}

func quoteWord(w string) string {
	const most = 100 // of a foreign text, in an error message
	if len(w) > most {
		w = strings.ToValidUTF8(w[:most], "") + "..."
	}
	return `"` + w + `"`
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
