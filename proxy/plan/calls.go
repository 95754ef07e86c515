package plan

// SettingCalls is what a statement does with settings by function calls and views.
type SettingCalls struct {
	// Reads: it reads settings wholesale, one whose name only the server can tell, or one that is kept outside the database.
	Reads bool
	// Assigns are its calls of set_config(), inner ones before outer ones, else in the order of the text.
	Assigns []SetConfig
}

// SetConfig is one call of set_config(). One of Name, NameParam and Rows says which setting it sets.
type SetConfig struct {
	Name      string // a literal, as written
	NameParam int    // n of $n, else 0
	Rows      bool   // the column name, in a statement that names pg_settings

	Local      bool // is_local is a literal that is true
	LocalParam int  // is_local is $n, else 0
	// LocalStart and LocalEnd are the bytes of the third argument in the text.
	LocalStart, LocalEnd int
}

// The views that a statement may name.
const (
	settingsView = "pg_settings"
	preparedView = "pg_prepared_statements"
)

func (r *reader) settingCalls(p Plan) Plan { return p }
