package plan

import (
	"os"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// statement is a line of testdata/statements.tsv: an id that starts with the name of the rule in Postgres' gram.y, the
// verdict as [verdict] words it, and the text.
type statement struct{ id, verdict, sql string }

func statements(t testing.TB) []statement {
	t.Helper()
	data, err := os.ReadFile("testdata/statements.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []statement
	for line := range strings.Lines(string(data)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(f) != 3 {
			t.Fatalf("not three columns: %q", line)
		}
		all = append(all, statement{f[0], f[1], f[2]})
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
		return forwardVerdict(p)
	case TransactionControl:
		return "control:" + strings.ReplaceAll(p.Control.Tag, " ", "_")
	case Set:
		if p.Setting.Default {
			return "set:" + p.Setting.Name + "=default"
		}
		return "set:" + p.Setting.Name + "=" + p.Setting.Value
	case Show:
		return "show:" + p.Setting.Name
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

func forwardVerdict(p Plan) string {
	type flags struct {
		returns              Rows
		read, returning, own bool
	}
	switch f := (flags{p.Returns, p.ReadOnlyShape, p.ReturningDML, p.Alone}); {
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
	case f != flags{}:
		return "unexpected"
	case p.Verb == VerbSelect:
		return "into"
	case p.Verb.modifies():
		return "dml"
	}
	return "fwd"
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
			if p.Kind == Refuse && (p.Refusal == nil || p.Refusal.Code != "0A000" || p.Refusal.Hint == "") {
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
