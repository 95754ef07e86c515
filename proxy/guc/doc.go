// Package guc keeps a session's settings ("grand unified configuration" in Postgres' source). So far it keeps the four
// that cannot change a result and are never sent upstream: application_name, client_min_messages, client_encoding
// (UTF8 alone) and extra_float_digits from 1 up. Every other one is refused by name.
//
// It may import plan, upstream, pgerr and wire's values. Start with [Startup], then [Settings.Set].
package guc
