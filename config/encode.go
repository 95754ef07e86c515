package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// YAML returns c as a file that [Load] reads again, with every key and with secrets as "[redacted]".
func (c *Config) YAML() ([]byte, error) {
	text, err := yaml.Dump(encode(reflect.ValueOf(c).Elem()))
	if err != nil {
		return nil, fmt.Errorf("printing the configuration: %w", err)
	}
	return text, nil
}

// encode turns a setting into YAML.
func encode(v reflect.Value) *yaml.Node {
	switch value := v.Interface().(type) {
	case time.Duration:
		return word("!!str", durationText(value))
	case Size:
		return word("!!str", value.String())
	case Secret:
		return word("!!str", value.String())
	case UserPolicy:
		if value.Any() {
			return word("!!str", userPolicyAny)
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for i := range v.NumField() {
			n.Content = append(n.Content, word("!!str", v.Type().Field(i).Tag.Get("yaml")), encode(v.Field(i)))
		}
		return n
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if v.Len() == 0 {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			n.Content = append(n.Content, encode(v.Index(i)))
		}
		return n
	case reflect.String:
		return word("!!str", v.String())
	case reflect.Bool:
		return word("!!bool", fmt.Sprint(v.Bool()))
	case reflect.Int:
		return word("!!int", fmt.Sprint(v.Int()))
	}
	panic("BUG: no way to print a setting of type " + v.Type().String())
}

func word(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// durationText is d without the zero parts that time.Duration prints: 5m, not 5m0s.
func durationText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
