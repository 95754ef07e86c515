// Package guc keeps a session's settings ("grand unified configuration" in Postgres' source): what the startup packet, SET,
// RESET and set_config() have made of the route's defaults. Values are validated and spelled by the server. Those that
// differ from the route's defaults go before the statements of a request, see [Settings.Head]; those that cannot change a
// result are kept and answered here.
//
// It may import plan, splice, sqlscan, encoding, upstream, pgerr and wire's values. Start with [Settings], then
// [Settings.Apply] and [Step].
package guc
