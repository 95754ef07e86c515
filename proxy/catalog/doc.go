// Package catalog holds what a route's server says of itself: the facts behind ParameterStatus, read through the upstream
// with a user's token and cached per route.
//
// It may import upstream and pgerr. Start with [Facts], then [Cache.Get].
package catalog
