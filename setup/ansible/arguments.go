// Package ansible speaks the protocol of Ansible's binary modules: arguments
// from a JSON file, one JSON object as the result. It touches nothing.
package ansible

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/cluster"
)

// Module is the module's name in the collection.
const Module = "gluster_setup"

// internal begins the keys that Ansible adds to the user's.
const internal = "_ansible_"

// DefaultTimeout is how long the module waits for other nodes unless told otherwise.
const DefaultTimeout = 5 * time.Minute

// Arguments is what a task asks of the module.
type Arguments struct {
	Check bool // look, and change nothing
	Diff  bool // whole texts of changed files are wanted

	Config        string   // path of the cluster file, or "" where Cluster has it
	Cluster       *Cluster // the cluster file itself, or nil
	Node          string   // "": found by host name or address
	Parts         []string // in the order of change.Parts
	Templates     string
	Timeout       time.Duration
	WaitForOthers bool
	Allow         []string // CODE:OBJECT of conflicts that this run may pass

	Given map[string]any // the user's parameters as they came
}

// IsArguments reports whether a file holds the arguments of an Ansible module:
// one JSON object with at least one of the keys that only Ansible adds.
func IsArguments(data []byte) bool {
	keys, err := object(data)
	if err != nil {
		return false
	}
	for k := range keys {
		if strings.HasPrefix(k, internal) {
			return true
		}
	}
	return false
}

// object reads one JSON object and nothing behind it.
func object(data []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var keys map[string]json.RawMessage
	if err := d.Decode(&keys); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object")
	}
	return keys, nil
}

// ArgumentErrors is everything that is wrong with a task's parameters.
type ArgumentErrors []string

func (e ArgumentErrors) Error() string { return strings.Join(e, "; ") }

// parameters are the names of what a task may set.
var parameters = []string{"allow", "cluster", "config", "node", "parts", "templates", "timeout", "wait_for_others"} //nolint:gochecknoglobals // a constant list

// Parse reads the arguments. What is wrong with them is an ArgumentErrors that
// names each parameter.
func Parse(data []byte) (Arguments, error) {
	a := Arguments{Parts: partNames(), Timeout: DefaultTimeout, WaitForOthers: true, Given: map[string]any{}}
	keys, err := object(data)
	if err != nil {
		return a, fmt.Errorf("read the module's arguments: %w", err)
	}
	p := &parser{}
	names := make([]string, 0, len(keys))
	for k := range keys {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		if strings.HasPrefix(k, internal) {
			continue
		}
		var v any
		if err := decode(keys[k], &v); err != nil {
			return a, fmt.Errorf("read the module's arguments: %s: %w", k, err)
		}
		if v == nil {
			continue // not given
		}
		a.Given[k] = v
		p.parameter(&a, k, v, keys[k])
	}
	a.Check = p.flag("_ansible_check_mode", keys)
	a.Diff = p.flag("_ansible_diff", keys)
	if a.Config != "" && a.Cluster != nil {
		p.wrong("config and cluster are both set: give the path of a cluster file on the node, or the cluster file itself")
	}
	if len(p.problems) > 0 {
		return a, p.problems
	}
	return a, nil
}

func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

type parser struct{ problems ArgumentErrors }

func (p *parser) wrong(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *parser) parameter(a *Arguments, k string, v any, raw json.RawMessage) {
	switch k {
	case "config":
		a.Config = p.absolute(k, v)
	case "templates":
		a.Templates = p.absolute(k, v)
	case "node":
		a.Node = p.text(k, v)
	case "allow":
		a.Allow = p.list(k, v)
	case "parts":
		a.Parts = p.parts(v)
	case "timeout":
		a.Timeout = p.duration(k, v)
	case "wait_for_others":
		a.WaitForOthers = p.boolean(k, v)
	case "cluster":
		c, err := clusterOf(v, raw)
		if err != nil {
			p.wrong("%v", err)
		}
		a.Cluster = c
	default:
		hint := "the parameters are " + strings.Join(parameters, ", ")
		if near := cluster.Nearest(k, parameters); near != "" {
			hint = "did you mean " + near + "?"
		}
		p.wrong("unknown parameter %s: %s", k, hint)
	}
}

// flag reads one of Ansible's own switches.
func (p *parser) flag(k string, keys map[string]json.RawMessage) bool {
	raw, ok := keys[k]
	if !ok {
		return false
	}
	var on bool
	if err := json.Unmarshal(raw, &on); err != nil {
		// Guessing could mean to change what was only to be looked at.
		p.wrong("%s must be true or false, not %s", k, raw)
	}
	return on
}

func (p *parser) text(k string, v any) string {
	s, ok := v.(string)
	if !ok || s == "" {
		p.wrong("%s must be a text, not %s", k, show(v))
	}
	return s
}

func (p *parser) absolute(k string, v any) string {
	s := p.text(k, v)
	if s != "" && !path.IsAbs(s) {
		p.wrong("%s must be an absolute path on the node, not %q", k, s)
	}
	return s
}

// duration takes whole seconds, or text such as 90s or 10m.
func (p *parser) duration(k string, v any) time.Duration {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.wrong("%s must be a number of seconds or a time such as 10m, and not %s", k, show(v))
	}
	return d
}

// boolean takes the words that Ansible takes, because templates make text of everything.
func (p *parser) boolean(k string, v any) bool {
	switch strings.ToLower(fmt.Sprint(v)) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	p.wrong("%s must be true or false, not %s", k, show(v))
	return false
}

// list takes a list of texts, or one text.
func (p *parser) list(k string, v any) []string {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	var out []string
	for _, item := range items {
		out = append(out, p.text(k, item))
	}
	return out
}

// parts takes a list, or names with commas between them.
func (p *parser) parts(v any) []string {
	var names []string
	switch v := v.(type) {
	case string:
		for name := range strings.SplitSeq(v, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	case []any:
		for _, e := range v {
			name, ok := e.(string)
			if !ok {
				name = show(e)
			}
			names = append(names, name)
		}
	default:
		p.wrong("parts must be a list of %s, not %s", strings.Join(partNames(), ", "), show(v))
		return nil
	}
	if len(names) == 0 {
		p.wrong("parts is empty: name some of %s, or leave it out", strings.Join(partNames(), ", "))
	}
	for _, name := range names {
		if slices.Contains(partNames(), name) {
			continue
		}
		hint := "the parts are " + strings.Join(partNames(), ", ")
		if near := cluster.Nearest(name, partNames()); near != "" {
			hint = "did you mean " + near + "?"
		}
		p.wrong("parts: there is no part %q: %s", name, hint)
	}
	return slices.DeleteFunc(partNames(), func(name string) bool { return !slices.Contains(names, name) })
}

func partNames() []string {
	var names []string
	for _, p := range change.Parts() {
		names = append(names, string(p))
	}
	return names
}

// show is a value as a person would write it.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
