package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	yaml "go.yaml.in/yaml/v4"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy"
	"github.com/pgturnstile/pgturnstile/proxy/admin"
	"github.com/pgturnstile/pgturnstile/proxy/neon"
	"github.com/pgturnstile/pgturnstile/proxy/session"
)

const alertsPath = "../../deploy/prometheus/alerts.yaml"

// alertFile is as much of a file of Prometheus rules as is looked at.
type alertFile struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert       string
			Expr        string
			For         string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

// describing is a registry that notes what is registered: a vector without a series does not show when it is gathered.
type describing struct {
	*prometheus.Registry
	labels map[string][]string // by metric
}

var descPattern = regexp.MustCompile(`^Desc\{fqName: "([a-z_]+)", help: .*, constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

func (d *describing) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descs)
		close(descs)
	}()
	for desc := range descs {
		if found := descPattern.FindStringSubmatch(desc.String()); found != nil {
			constant := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(found[2], "")
			d.labels[found[1]] = strings.FieldsFunc(constant+","+found[3], func(r rune) bool { return r == ',' })
		}
	}
	return d.Registry.Register(c)
}

func (d *describing) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := d.Register(c); err != nil {
			panic(err)
		}
	}
}

// allMetrics returns a registry with the collectors of everything that a proxy is made of.
func allMetrics(t *testing.T) *describing {
	t.Helper()
	reg := &describing{prometheus.NewRegistry(), map[string][]string{}}
	log := zap.NewNop()
	keys := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(keys, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	verifier, err := cognito.New(reg, log, cognito.Config{Issuers: []cognito.IssuerConfig{{
		Name: "pool", Issuers: []string{"https://issuer.example.com"}, Keys: jwks.Config{File: keys},
		Policy: cognito.Policy{TokenUse: []string{cognito.UseAccess}, ClientIDs: []string{"client"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	if _, err := neon.New(reg, log, neon.Config{Name: "app", Host: "ep-a-1.us-east-2.aws.neon.tech", Database: "app", Role: "authenticated"}); err != nil {
		t.Fatal(err)
	}
	server := proxy.New(reg, log, proxy.Options{Verifier: verifier, SessionMetrics: session.NewMetrics(reg)})
	t.Cleanup(func() { server.Close() })
	admin.New(reg, log, admin.Options{Gatherer: reg})
	return reg
}

var (
	metricPattern  = regexp.MustCompile(`\b(pgturnstile_[a-z_]+)(?:\{([^}]*)\})?`)
	matcherPattern = regexp.MustCompile(`([a-z_]+)(!?=~?)"([^"]*)"`)
)

// Each metric that an alert names is registered, has the labels that it matches, and for those whose values exist from
// the start the values too.
func TestAlertsNameRealMetrics(t *testing.T) {
	reg := allMetrics(t)
	values := labelValues(t, reg)
	checked := 0
	for _, rule := range readAlerts(t) {
		for _, found := range metricPattern.FindAllStringSubmatch(rule.text, -1) {
			name := found[1]
			labels, known := reg.labels[name]
			if !known {
				base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
				labels, known = reg.labels[base]
				labels = append(slices.Clone(labels), "le")
			}
			if !known {
				t.Errorf("%s: there is no metric %s", rule.name, name)
				continue
			}
			checked++
			for _, m := range matcherPattern.FindAllStringSubmatch(found[2], -1) {
				if !slices.Contains(labels, m[1]) {
					t.Errorf("%s: %s has no label %s, only %v", rule.name, name, m[1], labels)
				}
				for value := range strings.SplitSeq(m[3], "|") {
					if all := values[name+" "+m[1]]; len(all) > 0 && !slices.Contains(all, value) {
						t.Errorf("%s: %s of %s is never %s, only %v", rule.name, m[1], name, value, all)
					}
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d metrics were found in the alerts", checked)
	}
}

// labelValues returns the values of labels that exist before the first client comes, by metric and label.
func labelValues(t *testing.T, reg *describing) map[string][]string {
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				key := family.GetName() + " " + label.GetName()
				values[key] = append(values[key], label.GetValue())
			}
		}
	}
	if !slices.Contains(values["pgturnstile_auth_failures_total reason"], "expired") {
		t.Fatalf("no reasons of failed logins in %v", values)
	}
	return values
}

// alert is a rule with the expression and the texts that may name metrics.
type alert struct{ name, text string }

// readAlerts returns the rules, and fails when one lacks what an operator needs.
func readAlerts(t *testing.T) []alert {
	t.Helper()
	content, err := os.ReadFile(alertsPath)
	if err != nil {
		t.Fatal(err)
	}
	var file alertFile
	if err := yaml.Load(content, &file); err != nil {
		t.Fatal(err)
	}
	var alerts []alert
	names := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if !strings.HasPrefix(rule.Alert, "Pgturnstile") || names[rule.Alert] {
				t.Errorf("the name %q does not begin with Pgturnstile, or stands there twice", rule.Alert)
			}
			names[rule.Alert] = true
			if !slices.Contains([]string{"page", "warning", "info"}, rule.Labels["severity"]) {
				t.Errorf("%s: severity %q", rule.Alert, rule.Labels["severity"])
			}
			summary, description := rule.Annotations["summary"], rule.Annotations["description"]
			if summary == "" || description == "" {
				t.Errorf("%s: says nothing to who gets it", rule.Alert)
			}
			alerts = append(alerts, alert{rule.Alert, rule.Expr + "\n" + summary + "\n" + description})
		}
	}
	return alerts
}
