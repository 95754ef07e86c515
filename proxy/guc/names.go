package guc

import "strings"

// Names of settings with a meaning here, in lower case.
const (
	applicationNameKey = "application_name"
	minMessagesKey     = "client_min_messages"
	clientEncodingKey  = "client_encoding"
	floatDigitsKey     = "extra_float_digits"
	dateStyleKey       = "datestyle"
	roleKey            = "role"
	authorizationKey   = "session_authorization"
	superuserKey       = "is_superuser"
	conformingKey      = "standard_conforming_strings"
	seedKey            = "seed"
	searchPathKey      = "search_path"
	defaultIsolation   = "default_transaction_isolation"
	defaultReadOnly    = "default_transaction_read_only"
	defaultDeferrable  = "default_transaction_deferrable"
	jwtPrefix          = "pg_session_jwt."
	transactionPrefix  = "transaction_"
	utf8Name           = "UTF8"
	noRole             = "none"
)

// isTransactions reports whether a setting belongs to a transaction and is nothing that a session keeps.
func isTransactions(key string) bool {
	switch strings.TrimPrefix(key, transactionPrefix) {
	case "isolation", "read_only", "deferrable":
		return len(key) > len(transactionPrefix) && key[:len(transactionPrefix)] == transactionPrefix
	}
	return false
}

// isIdentity reports whether a setting says who the session is: RESET ALL leaves these alone (GUC_NO_RESET_ALL), and
// pg_settings does not list them.
func isIdentity(key string) bool {
	return key == roleKey || key == authorizationKey || key == superuserKey
}

// isPlaceholder reports whether the route's server did not list the name: a customized option, most likely.
func isPlaceholder(key string, d Defaults) bool {
	if !strings.Contains(key, ".") {
		return false
	}
	_, _, known := d.Setting(key)
	return !known
}

// canonical is the name as the server spells it.
func (s *Settings) canonical(key, written string, d Defaults) string {
	if name, _, ok := d.Setting(key); ok {
		return name
	}
	if e := s.find(key); e != nil {
		return e.name
	}
	return written
}
