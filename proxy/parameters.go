package proxy

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
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
		for _, text := range [...]string{p.Name, p.Value} { // what is not could not go into a log, a route or a setting as it stands
			if err := encoding.CheckUTF8([]byte(text)); err != nil {
				return nil, err
			}
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
