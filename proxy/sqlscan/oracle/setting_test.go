package oracle

import (
	"fmt"
	"strconv"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// settingName is a setting's name as a plan has it.
func settingName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return strings.ToLower(name)
}

// unsettable is the refusal of what no session may set.
func unsettable(name string) plan.Feature {
	switch name = strings.ToLower(name); {
	case name == "seed":
		return plan.FeatureSetseed
	case strings.HasPrefix(name, "pg_session_jwt.") && name != "pg_session_jwt.":
		return plan.FeatureSessionJWT
	}
	return ""
}

func expectSet(s *pg_query.VariableSetStmt) expected {
	form, name := plan.Assign, settingName(s.Name)
	if len(s.Args) > 0 && s.Args[0].GetParamRef() != nil {
		return expected{failing: true} // an extension of pg_query
	}
	switch s.Kind {
	case pg_query.VariableSetKind_VAR_RESET, pg_query.VariableSetKind_VAR_SET_DEFAULT:
		form = plan.ToDefault
	case pg_query.VariableSetKind_VAR_RESET_ALL:
		form, name = plan.ResetAll, ""
	case pg_query.VariableSetKind_VAR_SET_CURRENT:
		form = plan.FromCurrent
	case pg_query.VariableSetKind_VAR_SET_MULTI:
		form = map[string]plan.SettingForm{"TRANSACTION": plan.TransactionModes, "TRANSACTION SNAPSHOT": plan.Snapshot,
			"SESSION CHARACTERISTICS": plan.Characteristics}[s.Name]
		name = ""
	}
	if f := unsettable(name); f != "" {
		return refused(f)
	}
	reset := s.Kind == pg_query.VariableSetKind_VAR_RESET || form == plan.ResetAll
	return expected{kind: plan.Set, check: func(p plan.Plan) bool {
		set := p.Setting
		if set.Form != form || set.Name != name || set.Local != s.IsLocal || set.Reset != reset {
			return false
		}
		if tag := plan.Tag(p, "", "", 0, false); tag != map[bool]string{false: "SET", true: "RESET"}[reset] {
			return false
		}
		switch form {
		case plan.TransactionModes, plan.Characteristics:
			return set.Values == 0 && modesMatch(set.Control, s.Args)
		case plan.Snapshot, plan.Assign:
			c, literal := s.Args[0].GetAConst(), true
			if cast := s.Args[0].GetTypeCast(); cast != nil {
				c, literal = cast.Arg.GetAConst(), false
			}
			return set.Values == len(s.Args) && set.Value == constant(c) && set.Literal == literal
		}
		return set.Values == 0 && set.Value == ""
	}}
}

// modesMatch reports whether c has the transaction modes of a parse tree.
func modesMatch(c *plan.Control, options []*pg_query.Node) bool {
	isolation, readOnly, deferrable := transactionModes(options)
	return c != nil && c.Isolation == isolation && optional(c.ReadOnly) == readOnly && optional(c.Deferrable) == deferrable &&
		modesAgree(c.TransactionModes, options)
}

// scopeAgrees checks that the scope of a SET can be replaced: with LOCAL in its place Postgres reads the same statement but
// for that word.
func scopeAgrees(sql string, p plan.Plan, want *pg_query.VariableSetStmt) error {
	if want.Kind == pg_query.VariableSetKind_VAR_RESET || want.Kind == pg_query.VariableSetKind_VAR_RESET_ALL {
		if p.Setting.ScopeStart != 0 || p.Setting.ScopeEnd != 0 {
			return fmt.Errorf("RESET with a scope: %s", show(p))
		}
		return nil
	}
	local := sql[:p.Setting.ScopeStart] + " LOCAL" + sql[p.Setting.ScopeEnd:]
	tree, err := pg_query.Parse(local)
	if err != nil {
		return fmt.Errorf("%q: %w", local, err)
	}
	got := withoutPlaces(tree.Stmts[0].Stmt.GetVariableSetStmt())
	want = withoutPlaces(want)
	want.IsLocal = true
	if !proto.Equal(got, want) {
		return fmt.Errorf("%q is %v, want %v", local, got, want)
	}
	return nil
}

// withoutPlaces is a copy of a tree that says nothing of where its parts stood.
func withoutPlaces[M proto.Message](m M) M {
	m = proto.CloneOf(m)
	walk(m.ProtoReflect(), func(m protoreflect.Message) {
		for _, field := range []protoreflect.Name{"location", "stmt_location", "stmt_len"} {
			if d := m.Descriptor().Fields().ByName(field); d != nil {
				m.Clear(d)
			}
		}
	})
	return m
}

func expectPrepare(s *pg_query.PrepareStmt) expected {
	inner := expect(s.Query)
	if inner.kind == plan.Refuse {
		return inner
	}
	if f := calls(s.Query); len(f) > 0 {
		return expected{kind: plan.Refuse, features: f}
	}
	switch u := settingUses(s.Query); {
	case u.computed:
		return expected{kind: plan.Refuse, features: append(u.refusals, plan.FeatureSetConfig)}
	case u.unclear:
		return expected{failing: true}
	case len(u.refusals) > 0:
		return expected{kind: plan.Refuse, features: u.refusals}
	}
	return expected{kind: plan.Prepare, check: func(p plan.Plan) bool {
		st := p.Prepare
		types, err := pg_query.Parse("PREPARE p " + st.TypeList + " AS SELECT 1")
		if err != nil || st.Name != s.Name || len(types.Stmts[0].Stmt.GetPrepareStmt().Argtypes) != len(s.Argtypes) {
			return false
		}
		body, err := pg_query.Parse(st.Body)
		if err != nil || !proto.Equal(withoutPlaces(body.Stmts[0].Stmt), withoutPlaces(s.Query)) {
			return false
		}
		return st.Inner.Kind == plan.Forward && comparePlan(st.Body, true) == nil
	}}
}

func expectExecute(s *pg_query.ExecuteStmt) expected {
	return expected{kind: plan.Execute, check: func(p plan.Plan) bool {
		if p.Execute.Name != s.Name || len(p.Execute.Args) != len(s.Params) {
			return false
		}
		for i, a := range p.Execute.Args {
			if !argAgrees(a, s.Params[i]) {
				return false
			}
		}
		return true
	}}
}

func argAgrees(a plan.Arg, n *pg_query.Node) bool {
	c := n.GetAConst()
	switch a.Kind {
	case plan.ArgString:
		v, ok := c.GetVal().(*pg_query.A_Const_Sval)
		return ok && a.Value == v.Sval.Sval
	case plan.ArgNull:
		return c.GetIsnull()
	case plan.ArgBool:
		v, ok := c.GetVal().(*pg_query.A_Const_Boolval)
		return ok && a.Value == strconv.FormatBool(v.Boolval.Boolval)
	case plan.ArgParam:
		return n.GetParamRef().GetNumber() == int32(a.Param)
	case plan.ArgNumber:
		if e := n.GetAExpr(); e != nil && e.Lexpr == nil && e.Name[0].GetString_().GetSval() == "+" {
			c = e.Rexpr.GetAConst()
		}
		switch v := c.GetVal().(type) {
		case *pg_query.A_Const_Ival:
			return a.Value == fmt.Sprint(v.Ival.Ival)
		case *pg_query.A_Const_Fval:
			return sameNumber(a.Value, v.Fval.Fval)
		}
		return false
	}
	return true // an expression, even if it is a constant in parentheses
}

// sameNumber compares two spellings of a number that does not fit 32 bits or is no integer.
func sameNumber(a, b string) bool {
	plain := func(s string) string {
		s = strings.ReplaceAll(s, "_", "")
		minus := strings.HasPrefix(s, "-")
		s = strings.TrimPrefix(s, "-")
		if n, err := strconv.ParseUint(s, 0, 64); err == nil && len(s) > 1 && s[0] == '0' && s[1] > '9' {
			s = strconv.FormatUint(n, 10)
		}
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			s = strconv.FormatUint(n, 10)
		}
		if minus && s != "0" {
			s = "-" + s
		}
		return s
	}
	return plain(a) == plain(b)
}
