package proxy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

const (
	// longKeysSince is the minor version whose clients take a cancel key of any length.
	longKeysSince = 2

	optionPrefix = "_pq_." // of protocol-level options in a startup packet
)

// startup is a StartupMessage with its parameters sorted.
type startup struct {
	user, database string
	settings       []wire.Parameter // all others, in order; at most one of them is "options"
	minor          uint16           // as the client asked, it may be newer than versionMinor
	unknown        []string         // names of protocol-level options, none of which is known
	replication    bool             // asked for
}

func (s *startup) secretKeyLength() int {
	if s.minor >= longKeysSince {
		return longSecretKey
	}
	return shortSecretKey
}

// readParameters sorts the parameters as ProcessStartupPacket (src/backend/tcop/backend_startup.c) does: of a repeated one
// the last counts.
func readParameters(m wire.StartupMessage) (*startup, *pgerr.Error) {
	s := &startup{minor: m.Minor}
	options := -1
	for _, p := range m.Parameters {
		if err := checkUTF8(p.Name, p.Value); err != nil {
			return nil, err
		}
		switch {
		case p.Name == "user":
			s.user = p.Value
		case p.Name == "database":
			s.database = p.Value
		case p.Name == "replication":
			var err *pgerr.Error
			if s.replication, err = wantsReplication(p.Value); err != nil {
				return nil, err
			}
		case strings.HasPrefix(p.Name, optionPrefix):
			s.unknown = append(s.unknown, p.Name)
		case p.Name == "options" && options >= 0:
			s.settings[options] = p
		case p.Name == "options":
			options = len(s.settings)
			s.settings = append(s.settings, p)
		default:
			s.settings = append(s.settings, p)
		}
	}
	if s.database == "" {
		s.database = s.user
	}
	return s, nil
}

// check judges them together, after the version has been negotiated.
func (s *startup) check() *pgerr.Error {
	switch {
	case s.user == "":
		return pgerr.New(pgerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	case s.replication:
		return pgerr.Unsupported("a replication connection", "Connect to the database itself for that, as its owner.")
	}
	return nil
}

// wantsReplication reads the startup parameter of that name, which is a boolean or the word database.
func wantsReplication(value string) (bool, *pgerr.Error) {
	if value == "database" {
		return true, nil
	}
	on, ok := parseBool(value)
	if !ok {
		return false, pgerr.New(pgerr.InvalidParameterValue, `invalid value for parameter "replication": "%s"`, value).
			WithHint(`Valid values are: "false", 0, "true", 1, "database".`)
	}
	return on, nil
}

// parseBool reads a boolean as parse_bool does (src/backend/utils/adt/bool.c): any prefix that is not ambiguous.
func parseBool(s string) (value, ok bool) {
	s = strings.ToLower(s)
	prefix := func(word string, least int) bool { return len(s) >= least && strings.HasPrefix(word, s) }
	switch {
	case prefix("true", 1), prefix("yes", 1), prefix("on", 2), s == "1":
		return true, true
	case prefix("false", 1), prefix("no", 1), prefix("off", 2), s == "0":
		return false, true
	}
	return false, false
}

// checkUTF8 refuses what could not go into a log, a route or a setting as it stands.
func checkUTF8(strs ...string) *pgerr.Error {
	for _, s := range strs {
		for i, r := range s {
			if r != utf8.RuneError {
				continue
			}
			if _, size := utf8.DecodeRuneInString(s[i:]); size > 1 {
				continue // a well-formed U+FFFD
			}
			var bytes []string
			for _, b := range []byte(s[i:min(len(s), i+sequenceLength(s[i]))]) {
				bytes = append(bytes, fmt.Sprintf("0x%02x", b))
			}
			return pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, strings.Join(bytes, " "))
		}
	}
	return nil
}

// sequenceLength is how long the sequence that starts with b says it is (pg_utf_mblen).
func sequenceLength(b byte) int {
	switch {
	case b&0xe0 == 0xc0:
		return 2
	case b&0xf0 == 0xe0:
		return 3
	case b&0xf8 == 0xf0:
		return 4
	}
	return 1
}
