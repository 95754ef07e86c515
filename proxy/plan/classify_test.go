package plan

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// statement is a line of testdata/statements.tsv or settings.tsv: an id that starts with the name of the rule in Postgres' gram.y, the
// verdict as [verdict] words it, and the text.
type statement struct{ id, verdict, sql string }

func statements(t testing.TB) []statement {
	t.Helper()
	var all []statement
	for _, name := range []string{"statements.tsv", "settings.tsv"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
			if len(f) != 3 {
				t.Fatalf("not three columns: %q", line)
			}
			all = append(all, statement{f[0], f[1], f[2]})
		}
	}
	return all
}

var options = Options{StandardConforming: true, Role: "authenticated"}

func classify(sql string) Plan {
	return Classify(sqlscan.Statement{Text: sql}, options)
}

// verdict is a plan in one word.
func verdict(p Plan) string {
	switch p.Kind {
	case Forward:
		return forwardVerdict(p) + callVerdict(p)
	case TransactionControl:
		return "control:" + strings.ReplaceAll(p.Control.Tag, " ", "_")
	case Set:
		return setVerdict(p.Setting)
	case Show:
		return "show:" + p.Setting.Name + callVerdict(p)
	case Discard:
		return "discard:" + p.Discard
	case Prepare:
		types := ""
		if p.Prepare.TypeList != "" {
			types = "()"
		}
		return "prepare:" + p.Prepare.Name + types + ":" + verdict(p.Prepare.Inner)
	case Execute:
		return "execute:" + p.Execute.Name + argVerdict(p.Execute.Args) + callVerdict(p)
	case Deallocate:
		return "deallocate:" + p.Name
	case Unlisten:
		return "unlisten"
	case CloseCursors:
		return "closeall"
	case Refuse:
		return "refuse:" + string(p.Feature)
	case Empty:
		return "empty"
	}
	return "unexpected"
}

// setVerdict is a SET or RESET in one word: name=value, with +n for n more values, ~ for the literal of an INTERVAL.
func setVerdict(s *Setting) string {
	scope := "set:"
	if s.Local {
		scope = "setlocal:"
	}
	switch {
	case s.Reset && s.ScopeEnd > 0:
		return "unexpected"
	case s.Form == ResetAll:
		return "resetall"
	case s.Reset && s.Form == ToDefault:
		return "reset:" + s.Name
	}
	switch s.Form {
	case Assign:
		sign, more := "=", ""
		if !s.Literal {
			sign = "~"
		}
		if s.Values > 1 {
			more = fmt.Sprintf("+%d", s.Values-1)
		}
		return scope + s.Name + sign + s.Value + more
	case ToDefault:
		return scope + s.Name + "=default"
	case FromCurrent:
		return scope + s.Name + "=current"
	case Characteristics:
		return scope + "characteristics:" + modesVerdict(s.Control)
	case TransactionModes:
		return scope + "transaction:" + modesVerdict(s.Control)
	case Snapshot:
		return scope + "snapshot=" + s.Value
	case Constraints:
		return scope + "constraints"
	}
	return "unexpected"
}

func modesVerdict(c *Control) string {
	return strings.ReplaceAll(c.Isolation, " ", "_") + "," + optional(c.ReadOnly) + "," + optional(c.Deferrable)
}

// argVerdict is the arguments' kinds and values.
func argVerdict(args []Arg) string {
	s := ""
	for _, a := range args {
		switch a.Kind {
		case ArgString:
			s += ",'" + a.Value + "'"
		case ArgNumber, ArgBool:
			s += "," + a.Value
		case ArgNull:
			s += ",null"
		case ArgParam:
			s += fmt.Sprintf(",$%d", a.Param)
		default:
			s += ",expr"
		}
	}
	return s
}

// callVerdict is what a plan says of settings by calls: +reads, +set(name,scope) for each set_config(), +prepared.
func callVerdict(p Plan) string {
	s := ""
	if p.Calls != nil {
		if p.Calls.Reads {
			s += "+reads"
		}
		for _, a := range p.Calls.Assigns {
			name, scope := a.Name, "session"
			switch {
			case a.Rows:
				name = "*"
			case a.NameParam > 0:
				name = fmt.Sprintf("$%d", a.NameParam)
			}
			switch {
			case a.Local:
				scope = "local"
			case a.LocalParam > 0:
				scope = fmt.Sprintf("$%d", a.LocalParam)
			}
			s += "+set(" + name + "," + scope + ")"
		}
	}
	if p.PreparedView {
		s += "+prepared"
	}
	return s
}

func forwardVerdict(p Plan) string {
	type flags struct {
		returns                    Rows
		read, returning, own, into bool
	}
	switch f := (flags{p.Returns, p.ReadOnlyShape, p.ReturningDML, p.Alone, p.Into}); {
	case p.Verb == VerbOther && f == flags{returns: ReturnsUnknown}:
		return "other"
	case f == flags{returns: ReturnsRows, read: true}:
		return "read"
	case f == flags{returns: ReturnsRows}:
		return "rows"
	case f == flags{returns: ReturnsRows, returning: true}:
		return "dmlrows"
	case f == flags{returns: ReturnsUnknown} && p.Verb == VerbUtility:
		return "call"
	case f == flags{own: true}:
		return "alone"
	case f == flags{into: true} && p.Verb == VerbSelect:
		return "into"
	case f != flags{}:
		return "unexpected"
	case p.Verb.modifies():
		return "dml"
	}
	return "fwd"
}

func refusalCode(f Feature) string {
	if f == FeatureSessionJWT {
		return "42501"
	}
	return "0A000"
}

func TestClassify(t *testing.T) {
	for _, s := range statements(t) {
		for _, text := range []string{s.sql, s.sql + ";", "\n -- c\n" + s.sql + " /* d */\n;"} {
			if strings.Contains(s.sql, "--") && text != s.sql || strings.HasSuffix(s.sql, "'x") && text != s.sql {
				continue // what is appended would be part of a comment or a string
			}
			p := classify(text)
			if got := verdict(p); got != s.verdict {
				t.Errorf("%s: %q is %s, want %s", s.id, text, got, s.verdict)
			}
			if p.Kind == Refuse && (p.Refusal == nil || p.Refusal.Code != refusalCode(p.Feature) || p.Refusal.Hint == "") {
				t.Errorf("%s: %q has no proper refusal: %+v", s.id, text, p.Refusal)
			}
		}
	}
}

// TestClassifyKnowsEveryStatement checks the table against the alternatives of stmt in gram.y of Postgres 15 to 18.
func TestClassifyKnowsEveryStatement(t *testing.T) {
	const rules = `AlterEventTrigStmt AlterCollationStmt AlterDatabaseStmt AlterDatabaseSetStmt
		AlterDefaultPrivilegesStmt AlterDomainStmt AlterEnumStmt AlterExtensionStmt AlterExtensionContentsStmt
		AlterFdwStmt AlterForeignServerStmt AlterFunctionStmt AlterGroupStmt AlterObjectDependsStmt
		AlterObjectSchemaStmt AlterOwnerStmt AlterOperatorStmt AlterTypeStmt AlterPolicyStmt AlterSeqStmt
		AlterSystemStmt AlterTableStmt AlterTblSpcStmt AlterCompositeTypeStmt AlterPublicationStmt AlterRoleSetStmt
		AlterRoleStmt AlterSubscriptionStmt AlterStatsStmt AlterTSConfigurationStmt AlterTSDictionaryStmt
		AlterUserMappingStmt AnalyzeStmt CallStmt CheckPointStmt ClosePortalStmt ClusterStmt CommentStmt
		ConstraintsSetStmt CopyStmt CreateAmStmt CreateAsStmt CreateAssertionStmt CreateCastStmt CreateConversionStmt
		CreateDomainStmt CreateExtensionStmt CreateFdwStmt CreateForeignServerStmt CreateForeignTableStmt
		CreateFunctionStmt CreateGroupStmt CreateMatViewStmt CreateOpClassStmt CreateOpFamilyStmt
		CreatePublicationStmt AlterOpFamilyStmt CreatePolicyStmt CreatePLangStmt CreateSchemaStmt CreateSeqStmt
		CreateStmt CreateSubscriptionStmt CreateStatsStmt CreateTableSpaceStmt CreateTransformStmt CreateTrigStmt
		CreateEventTrigStmt CreateRoleStmt CreateUserStmt CreateUserMappingStmt CreatedbStmt DeallocateStmt
		DeclareCursorStmt DefineStmt DeleteStmt DiscardStmt DoStmt DropCastStmt DropOpClassStmt DropOpFamilyStmt
		DropOwnedStmt DropStmt DropSubscriptionStmt DropTableSpaceStmt DropTransformStmt DropRoleStmt
		DropUserMappingStmt DropdbStmt ExecuteStmt ExplainStmt FetchStmt GrantStmt GrantRoleStmt
		ImportForeignSchemaStmt IndexStmt InsertStmt ListenStmt RefreshMatViewStmt LoadStmt LockStmt MergeStmt
		NotifyStmt PrepareStmt ReassignOwnedStmt ReindexStmt RemoveAggrStmt RemoveFuncStmt RemoveOperStmt RenameStmt
		RevokeStmt RevokeRoleStmt RuleStmt SecLabelStmt SelectStmt TransactionStmt TruncateStmt UnlistenStmt
		UpdateStmt VacuumStmt VariableResetStmt VariableSetStmt VariableShowStmt ViewStmt`
	known := map[string]bool{"none": true}
	for rule := range strings.FieldsSeq(rules) {
		known[rule] = false
	}
	for _, s := range statements(t) {
		rule, _, _ := strings.Cut(s.id, ".")
		if _, ok := known[rule]; !ok {
			t.Errorf("%s names no rule of gram.y", s.id)
		}
		known[rule] = true
	}
	for rule, seen := range known {
		if !seen {
			t.Errorf("no entry for %s", rule)
		}
	}
}
