package guc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// kept is one setting that the session keeps and answers itself.
type kept struct {
	name string
	// canonical checks a value and gives it as SHOW prints it.
	canonical func(value string) (string, *pgerr.Error)
}

// index of each kept setting in keptSettings and Settings.values.
const (
	applicationName = iota
	clientMinMessages
	clientEncoding
	extraFloatDigits
	keptCount
)

var keptSettings = [keptCount]kept{
	applicationName:   {"application_name", func(v string) (string, *pgerr.Error) { return v, nil }},
	clientMinMessages: {"client_min_messages", canonicalMinMessages},
	clientEncoding:    {"client_encoding", canonicalEncoding},
	extraFloatDigits:  {"extra_float_digits", canonicalFloatDigits},
}

func indexOf(name string) (int, bool) {
	for i := range keptSettings {
		if strings.EqualFold(keptSettings[i].name, name) {
			return i, true
		}
	}
	return 0, false
}

// IsKept reports whether name (any case) is a setting that the session answers itself.
func IsKept(name string) bool {
	_, ok := indexOf(name)
	return ok
}

func invalidValue(name, value string) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, `invalid value for parameter "%s": "%s"`, name, value)
}

// messageLevels are client_min_messages' values (client_message_level_options in src/backend/utils/misc/guc_tables.c).
var messageLevels = []string{"debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"}

func canonicalMinMessages(value string) (string, *pgerr.Error) {
	level := asciiLower(value)
	switch level { // accepted, but not offered in the hint
	case "debug":
		return "debug2", nil
	case "info":
		return "info", nil
	}
	if slices.Contains(messageLevels, level) {
		return level, nil
	}
	return "", invalidValue("client_min_messages", value).WithHint("Available values: %s.", strings.Join(messageLevels, ", "))
}

func canonicalEncoding(value string) (string, *pgerr.Error) {
	switch cleanEncodingName(value) {
	case "utf8", "unicode":
		return "UTF8", nil
	}
	return "", pgerr.Unsupported(fmt.Sprintf("client_encoding %q", value), "Set client_encoding to UTF8.")
}

// cleanEncodingName keeps letters and digits only, in lower case (clean_encoding_name in src/common/encnames.c): that is
// why 'utf-8', quotes included, is a valid name.
func cleanEncodingName(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b)
}

func canonicalFloatDigits(value string) (string, *pgerr.Error) {
	const lowest, highest = -15, 3
	n, err := strconv.ParseInt(strings.TrimSpace(value), 0, 64)
	if err != nil {
		return "", invalidValue("extra_float_digits", value)
	}
	if n < lowest || n > highest {
		return "", pgerr.New(pgerr.InvalidParameterValue, `%d is outside the valid range for parameter "extra_float_digits" (%d .. %d)`, n, lowest, highest)
	}
	if n < 1 {
		return "", pgerr.Unsupported(fmt.Sprintf("extra_float_digits = %d", n),
			"Values from 1 to 3 are one and the same since PostgreSQL 12; use one of them.")
	}
	return strconv.FormatInt(n, 10), nil
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
