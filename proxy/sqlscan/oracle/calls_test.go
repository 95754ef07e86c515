package oracle

import (
	"fmt"
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// callFeatures are the refusals of function calls.
var callFeatures = map[string]plan.Feature{
	"currval": plan.FeatureCurrval, "lastval": plan.FeatureLastval, "setseed": plan.FeatureSetseed,
	"pg_advisory_lock": plan.FeatureAdvisoryLock, "pg_advisory_lock_shared": plan.FeatureAdvisoryLock,
	"pg_try_advisory_lock": plan.FeatureAdvisoryLock, "pg_try_advisory_lock_shared": plan.FeatureAdvisoryLock,
	"pg_advisory_unlock": plan.FeatureAdvisoryLock, "pg_advisory_unlock_shared": plan.FeatureAdvisoryLock,
}

// calls returns the refusals that function calls in the tree demand; the first in the text is the plan's.
func calls(n *pg_query.Node) (features []plan.Feature) {
	walk(n.ProtoReflect(), func(m protoreflect.Message) {
		switch c := m.Interface().(type) {
		case *pg_query.FuncCall:
			if f := callFeatures[last(c.Funcname)]; f != "" {
				features = append(features, f)
			}
		case *pg_query.A_Indirection: // (argument).function
			for _, i := range c.Indirection {
				if f := callFeatures[i.GetString_().GetSval()]; f != "" && f != plan.FeatureLastval {
					features = append(features, f)
				}
			}
		case *pg_query.ColumnRef: // t.function
			if f := callFeatures[last(c.Fields)]; len(c.Fields) > 1 && (f == plan.FeatureSetseed || f == plan.FeatureAdvisoryLock) {
				features = append(features, f)
			}
		}
	})
	return features
}

// last is the last part of a name.
func last(name []*pg_query.Node) string { return name[len(name)-1].GetString_().GetSval() }

// ours reports whether a function's name may be one of pg_catalog.
func ours(name []*pg_query.Node) bool {
	return len(name) == 1 || name[len(name)-2].GetString_().GetSval() == "pg_catalog"
}

// hereSettings are those that the proxy may keep to itself.
var hereSettings = strings.Fields(`application_name client_connection_check_interval client_encoding client_min_messages
	extra_float_digits idle_in_transaction_session_timeout idle_session_timeout tcp_keepalives_count tcp_keepalives_idle
	tcp_keepalives_interval tcp_user_timeout`)

// settingUse is what a tree says of settings by calls.
type settingUse struct {
	assigns  []string // as describe words them, sorted
	computed bool     // a set_config() that cannot be carried out
	unclear  bool     // one with a cast, which a plan need not understand
	any      bool     // any set_config()
	refusals []plan.Feature
	reads    bool
	prepared bool
}

func settingUses(n *pg_query.Node) (u settingUse) {
	view := false
	walk(n.ProtoReflect(), func(m protoreflect.Message) {
		if r, ok := m.Interface().(*pg_query.RangeVar); ok && (r.Schemaname == "" || r.Schemaname == "pg_catalog") {
			view = view || r.Relname == "pg_settings"
			u.prepared = u.prepared || r.Relname == "pg_prepared_statements"
		}
	})
	u.reads = view
	walk(n.ProtoReflect(), func(m protoreflect.Message) {
		c, ok := m.Interface().(*pg_query.FuncCall)
		if !ok || !ours(c.Funcname) {
			return
		}
		switch last(c.Funcname) {
		case "pg_show_all_settings", "pg_client_encoding":
			u.reads = true
		case "pg_prepared_statement":
			u.prepared = true
		case "current_setting":
			v, ok := argument(c, 0).(*pg_query.A_Const)
			u.reads = u.reads || !ok || slices.Contains(hereSettings, strings.ToLower(constant(v)))
		case "set_config":
			u.any = true
			if len(c.Args) == 3 {
				u.setConfig(c, view)
			}
		}
	})
	slices.Sort(u.assigns)
	return u
}

func (u *settingUse) setConfig(c *pg_query.FuncCall, view bool) {
	name, local := "", "session"
	u.unclear = u.unclear || c.Args[0].GetTypeCast() != nil || c.Args[2].GetTypeCast() != nil || c.AggDistinct || c.AggOrder != nil
	switch a := argument(c, 0).(type) {
	case *pg_query.A_Const:
		if a.Isnull {
			return
		}
		_, text := a.Val.(*pg_query.A_Const_Sval)
		u.computed = u.computed || !text
		if name = constant(a); unsettable(name) != "" {
			u.refusals = append(u.refusals, unsettable(name))
		}
	case *pg_query.ParamRef:
		name = fmt.Sprintf("$%d", a.Number)
		u.computed = u.computed || a.Number == 0
	case *pg_query.ColumnRef:
		name = "*"
		u.computed = u.computed || last(a.Fields) != "name"
		u.unclear = u.unclear || !view
	default:
		u.computed = true
	}
	switch a := argument(c, 2).(type) {
	case *pg_query.A_Const:
		v, ok := truth(a)
		if _, number := a.Val.(*pg_query.A_Const_Ival); number && c.Args[2].GetTypeCast() == nil {
			ok = false
		}
		u.computed = u.computed || !ok
		if v {
			local = "local"
		}
	case *pg_query.ParamRef:
		local = fmt.Sprintf("$%d", a.Number)
		u.computed = u.computed || a.Number == 0
	default:
		u.computed = true
	}
	u.assigns = append(u.assigns, name+" "+local)
}

// argument is an argument of a call, without casts.
func argument(c *pg_query.FuncCall, i int) any {
	if i >= len(c.Args) {
		return nil
	}
	n := c.Args[i]
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().Arg
	}
	switch v := n.Node.(type) {
	case *pg_query.Node_AConst:
		return v.AConst
	case *pg_query.Node_ParamRef:
		return v.ParamRef
	case *pg_query.Node_ColumnRef:
		return v.ColumnRef
	}
	return nil
}

// truth is what a constant means as a bool; ok is false if it means none.
func truth(c *pg_query.A_Const) (value, ok bool) {
	if b, is := c.Val.(*pg_query.A_Const_Boolval); is {
		return b.Boolval.Boolval, true
	}
	if c.Isnull {
		return false, true
	}
	switch strings.ToLower(strings.Trim(constant(c), " \t\n\r\f\v")) {
	case "t", "tr", "tru", "true", "y", "ye", "yes", "on", "1":
		return true, true
	case "f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0":
		return false, true
	}
	return false, false
}

// callsAgree compares what p, the plan of tree, says of settings with what the tree shows. executes: the statement calls its
// functions now; a statement that only explains them assigns nothing.
// lenient allows what looks like a call and is none: a constant of a type with that name.
func callsAgree(p plan.Plan, tree *pg_query.Node, executes, explains, lenient bool) error {
	u := settingUses(tree)
	switch {
	case explains:
	case u.any && !executes, u.computed, u.unclear && p.Kind == plan.Refuse:
		if p.Kind != plan.Refuse || p.Feature != plan.FeatureSetConfig && !slices.Contains(u.refusals, p.Feature) {
			return fmt.Errorf("set_config() that cannot be carried out is not refused: %s", show(p))
		}
		return nil
	case len(u.refusals) > 0:
		if p.Kind != plan.Refuse || !slices.Contains(u.refusals, p.Feature) {
			return fmt.Errorf("not refused for %v: %s", u.refusals, show(p))
		}
		return nil
	}
	if explains {
		u.assigns = nil
	}
	var got []string
	reads := false
	if p.Calls != nil {
		reads = p.Calls.Reads
		for _, a := range p.Calls.Assigns {
			got = append(got, describe(a))
		}
	}
	slices.Sort(got)
	missed := (executes || explains) && (u.reads && !reads || u.prepared && !p.PreparedView)
	if lenient {
		got = slices.DeleteFunc(got, func(a string) bool { return !slices.Contains(u.assigns, a) })
	}
	if !slices.Equal(got, u.assigns) || missed {
		return fmt.Errorf("plan has set_config() %q reads %v prepared %v, the tree %q %v %v: %s", got, reads, p.PreparedView,
			u.assigns, u.reads, u.prepared, show(p))
	}
	return nil
}

func describe(a plan.SetConfig) string {
	name, local := a.Name, "session"
	if a.NameParam > 0 {
		name = fmt.Sprintf("$%d", a.NameParam)
	}
	if a.Rows {
		name = "*"
	}
	if a.Local {
		local = "local"
	}
	if a.LocalParam > 0 {
		local = fmt.Sprintf("$%d", a.LocalParam)
	}
	return name + " " + local
}
