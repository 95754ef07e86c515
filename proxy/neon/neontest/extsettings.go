package neontest

import (
	"errors"
	"regexp"
	"strings"
)

// The extension defines settings that SQL may not change, which only an extension in C can. A statement that would change
// one is given the name of one of Postgres' own settings with the same rule, and its error the name of the extension's.

// settingLike is a setting of Postgres that may be changed by the same and at the same time as the extension's.
var settingLike = map[string]string{
	"jwk":       "post_auth_delay", // when the connection starts
	"audit_log": "log_duration",    // by a superuser
}

var (
	setStatement = regexp.MustCompile(`(?is)^((?:\s|--[^\n]*\n)*(?:set|reset|alter\s+(?:role|user|database)\s.*?\s(?:set|reset))\s+(?:session\s+|local\s+)?)(pg_session_jwt\.(jwk|audit_log))\b`)
	setConfig    = regexp.MustCompile(`(?i)(\bset_config\s*\(\s*')(pg_session_jwt\.(jwk|audit_log))'`)
)

// withOwnSettings returns sql with a setting of Postgres in place of one of the extension's, and what its errors are to be
// passed through.
func withOwnSettings(sql string) (string, func(error) error) {
	unchanged := func(err error) error { return err }
	for _, pattern := range []*regexp.Regexp{setStatement, setConfig} {
		at := pattern.FindStringSubmatchIndex(sql)
		if at == nil {
			continue
		}
		start, end := at[4], at[5]
		name, like := sql[start:end], settingLike[strings.ToLower(sql[at[6]:at[7]])]
		if pattern == setStatement {
			name = strings.ToLower(name)
		}
		return sql[:start] + like + sql[end:], func(err error) error {
			var f *failure
			if errors.As(err, &f) && f.pg != nil {
				f.pg.message = strings.Replace(f.pg.message, `"`+like+`"`, `"`+name+`"`, 1)
			}
			return err
		}
	}
	return sql, unchanged
}
