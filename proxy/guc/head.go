package guc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// sends gives what has to be sent for a setting to be in force on the server, if anything: not for one that is kept here, is
// pending, or has the route's default. What the route does not list is always sent.
func (s *Settings) sends(e *entry, d Defaults) (string, bool) {
	v := e.current()
	if e.pending || !v.set || e.key == superuserKey || isHere(e.key, v.text, d) {
		return "", false
	}
	if _, standing, known := d.Setting(e.key); known && standing == v.text && v.send == "" && !s.matters(e.key) {
		return "", false
	}
	return v.sent(), true
}

// matters: to set the session user has an effect even if it is the default, it ends the role; and then so has the role.
func (s *Settings) matters(key string) bool {
	return key == authorizationKey || key == roleKey && s.find(authorizationKey) != nil
}

// Head is the statement that a request begins with, so that the session's settings are in force in its transaction. ok is
// false if there is none. With readsAll it also brings those that are kept here, for a statement that reads settings; the
// error is then 0A000 if client_encoding, which is never sent, is not UTF8.
func (s *Settings) Head(d Defaults, readsAll bool) (st upstream.Statement, ok bool, err *pgerr.Error) {
	var head setConfigs
	for i := range s.entries {
		if v, sent := s.sends(&s.entries[i], d); sent {
			head.call(s.entries[i].name, &v)
		}
	}
	if readsAll {
		if err := s.addHere(&head, d); err != nil {
			return upstream.Statement{}, false, err
		}
	}
	if len(head.params) == 0 {
		return upstream.Statement{}, false, nil
	}
	return head.statement(), true, nil
}

// HereHead brings the settings that are kept here alone: for a statement that reads settings in the middle of a group, when
// one of them has changed since the group's head.
func (s *Settings) HereHead(d Defaults) (upstream.Statement, *pgerr.Error) {
	var head setConfigs
	err := s.addHere(&head, d)
	if len(head.params) == 0 {
		head.sql.WriteString("SELECT")
	}
	return head.statement(), err
}

func (s *Settings) addHere(head *setConfigs, d Defaults) *pgerr.Error {
	if enc := s.Encoding(); enc != utf8Name {
		return pgerr.Unsupported(fmt.Sprintf("reading settings in a query while client_encoding is %s", enc),
			"Use SHOW client_encoding, or set client_encoding to UTF8 first.")
	}
	if !s.pending(applicationNameKey) { // else a query before has just set it, on the server
		name := s.ApplicationName()
		head.call(applicationNameKey, &name)
	}
	for i := range s.entries {
		e := &s.entries[i]
		v := e.current()
		if e.key == applicationNameKey || e.key == clientEncodingKey || e.pending || !v.set || !isHere(e.key, v.text, d) {
			continue
		}
		head.call(e.name, &v.text)
	}
	return nil
}

// Key stands for everything that Head without readsAll sends: equal keys, same head. "" is none.
func (s *Settings) Key(d Defaults) string {
	var b strings.Builder
	for i := range s.entries {
		if v, sent := s.sends(&s.entries[i], d); sent {
			name := s.entries[i].name
			b.WriteString(strconv.Itoa(len(name)) + ":" + name + "=" + strconv.Itoa(len(v)) + ":" + v + ";")
		}
	}
	return b.String()
}

// Same reports whether o is a copy of s that nothing has been changed in since, nor in s: then their keys are equal too.
func (s *Settings) Same(o *Settings) bool {
	return len(s.entries) == len(o.entries) && (len(s.entries) == 0 || &s.entries[0] == &o.entries[0])
}

// First is the name of a setting that Head sends, "" if it sends none.
func (s *Settings) First(d Defaults) string {
	for i := range s.entries {
		if _, sent := s.sends(&s.entries[i], d); sent {
			return s.entries[i].name
		}
	}
	return ""
}
