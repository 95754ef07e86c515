package config

import (
	"flag"
	"slices"
	"strings"
)

// Source is where settings come from. [Flags] makes one; tests and other callers may fill it themselves.
type Source struct {
	File    string   // path of the YAML file; "" is the one that PGTURNSTILE_CONFIG names, or none
	Environ []string // "NAME=value", as os.Environ gives it

	flags []override
}

// Flags adds the flags of the configuration to fs. The Source is complete once fs has parsed the command line.
func Flags(fs *flag.FlagSet, environ []string) *Source {
	src := &Source{Environ: environ}
	fs.StringVar(&src.File, "config", "", "read the settings from the YAML `file` (environment: "+EnvFile+")")
	for _, f := range []struct{ name, usage, steps string }{
		{"listen", "`address` of the first listener: host:port or unix:/path", "listeners 0 address"},
		{"default-route", "`name` of the route for databases that have none", "default_route"},
		{"admin-address", "`host:port` of the operators' HTTP listener", "admin address"},
		{"log-level", "least `level` that is logged: debug, info, warn, error", "log level"},
		{"log-format", "`format` of the log: json or text", "log format"},
	} {
		fs.Func(f.name, f.usage, func(value string) error {
			src.set(f.name, strings.Fields(f.steps), value)
			return nil
		})
	}
	return src
}

// set keeps the value of a flag; given twice, the last one counts.
func (s *Source) set(flagName string, steps []string, value string) {
	o := override{steps, value, origin{source: "--" + flagName, rank: rankFlag}}
	for i := range s.flags {
		if s.flags[i].origin.source == o.origin.source {
			s.flags[i] = o
			return
		}
	}
	s.flags = append(s.flags, o)
}

// Load reads the configuration from src: flags before environment before file before [Default]. What is derived from
// other settings ([Config.Derive]) stands in it, and the files that it names were read once. The error is a *[Faults]
// with everything that is wrong, and the Config nil then.
func Load(src Source) (*Config, error) {
	faults := &Faults{}
	root := &node{kind: kindMap}
	if path := src.path(); path != "" {
		root = readFile(path, faults)
	}
	return load(root, src, faults)
}

// load is [Load] behind the reading of the file. root is nil when the file could not be read.
func load(root *node, src Source, faults *Faults) (*Config, error) {
	readable := root != nil
	if !readable {
		root = &node{kind: kindMap}
	}
	for _, o := range append(fromEnvironment(src.Environ, faults), src.flags...) {
		o.apply(root, faults)
	}
	c, origins := decode(root, faults)
	c.Derive()
	if readable { // else every setting seems to be missing
		check := &checker{faults: faults, origins: origins, unread: slices.Clone(faults.List)}
		check.config(c)
		check.files(c)
	}
	if err := faults.or(); err != nil {
		return nil, err
	}
	return c, nil
}

// path returns the file to read, "" for none.
func (s *Source) path() string {
	if s.File != "" {
		return s.File
	}
	for _, variable := range s.Environ {
		if path, ok := strings.CutPrefix(variable, EnvFile+"="); ok {
			return path
		}
	}
	return ""
}
