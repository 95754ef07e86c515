package config

import (
	"os"
	"reflect"
	"regexp"
	"testing"
)

const samplePath = "../deploy/pgturnstile.yaml"

// read decodes content without asking whether it makes sense, and fails on every fault.
func read(t *testing.T, content []byte) (*Config, *node) {
	t.Helper()
	faults := &Faults{}
	root := parseFile("sample", content, faults)
	if root == nil {
		t.Fatal(faults.or())
	}
	c, _ := decode(root, faults)
	if err := faults.or(); err != nil {
		t.Fatal(err)
	}
	return c, root
}

var hidden = regexp.MustCompile(`(?m)^( *)#([^ \n])`)

// uncommented takes the # from each line that hides a setting.
func uncommented(sample []byte) []byte {
	return hidden.ReplaceAll(sample, []byte("$1$2"))
}

func TestSampleIsTheDefault(t *testing.T) {
	sample, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := read(t, sample)
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Errorf("the sample is\n%+v\nthe default is\n%+v", c, want)
	}
}

// With every # gone each setting stands in the sample once, and one that has a default has that value, also in the
// entries of the lists.
func TestSampleShowsEverySetting(t *testing.T) {
	sample, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	c, root := read(t, uncommented(sample))
	shown := settingsOf(root, reflect.ValueOf(c).Elem())
	for path, byDefault := range defaults() {
		value, ok := shown[path]
		switch {
		case !ok:
			t.Errorf("%s is not in the sample", path)
		case !byDefault.IsZero() && !reflect.DeepEqual(value.Interface(), byDefault.Interface()):
			t.Errorf("%s is %v in the sample, the default is %v", path, value, byDefault)
		}
	}
	if len(shown) != len(defaults()) {
		t.Errorf("the sample shows %d settings, there are %d", len(shown), len(defaults()))
	}
}

// settingsOf returns the values of v that are written below n, by path without list indices.
func settingsOf(n *node, v reflect.Value) map[string]reflect.Value {
	shown := map[string]reflect.Value{}
	var walk func(path string, n *node, v reflect.Value)
	walk = func(path string, n *node, v reflect.Value) {
		switch {
		case n.kind == kindMap:
			for _, e := range n.entries {
				walk(join(path, e.key), e.value, v.Field(fieldsOf(v.Type())[e.key]))
			}
		case n.kind == kindList && v.Type().Elem().Kind() == reflect.Struct:
			for i, item := range n.items {
				walk(path, item, v.Index(i))
			}
		default:
			shown[path] = v
		}
	}
	walk("", n, v)
	return shown
}

// defaults returns every setting with its default, by path without list indices.
func defaults() map[string]reflect.Value {
	all := map[string]reflect.Value{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
			entry := defaultEntry(v.Type().Elem())
			if v.Len() > 0 {
				entry = v.Index(0)
			}
			walk(path, entry)
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[Secret]() && v.Type() != reflect.TypeFor[UserPolicy]():
			for i := range v.NumField() {
				walk(join(path, v.Type().Field(i).Tag.Get("yaml")), v.Field(i))
			}
		default:
			all[path] = v
		}
	}
	walk("", reflect.ValueOf(Default()).Elem())
	return all
}

// The example is complete but for its files, and shows no setting that is the default anyway.
func TestExampleIsMinimal(t *testing.T) {
	example, err := os.ReadFile("../deploy/examples/pgturnstile.neon.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, root := read(t, example)
	for path, value := range settingsOf(root, reflect.ValueOf(c).Elem()) {
		if byDefault := defaults()[path]; reflect.DeepEqual(value.Interface(), byDefault.Interface()) {
			t.Errorf("%s is the default", path)
		}
	}
	c.Derive()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if warnings := c.Warnings(); len(warnings) > 0 {
		t.Errorf("it gives warnings: %v", warnings)
	}
}
