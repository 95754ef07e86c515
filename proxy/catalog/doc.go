// Package catalog holds what a route's server says of itself, read with a user's token and cached per route: the settings
// that a session starts with, behind ParameterStatus, SHOW and RESET, and the data types.
//
// It may import upstream and pgerr. Start with [Facts], then [Cache.Get]; [Type], then [Types.Get].
package catalog
