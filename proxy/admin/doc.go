// Package admin is the operators' HTTP listener: /metrics, /livez, /readyz, /startupz and, where asked for, Go's
// profiles. It also owns the collectors that describe the process itself: pgturnstile_build_info, _up, _ready and
// _draining.
//
// It never touches the upstream: a probe would wake a database, and one that is down is no reason to take the proxy
// away. What ready means is told by functions that its maker hands in.
//
// It imports nothing of this module. Start with [Options], then [New].
package admin
