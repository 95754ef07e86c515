package guc

// Show gives the value of a setting that is kept here, as far as that is known without the route's defaults.
func (s *Settings) Show(name string) (value string, ok bool) {
	_, value, ok = s.Value(name, noDefaults{})
	return value, ok
}
