package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
)

const reference = "../../docs/cluster-file.md"

// TestReferenceDocumentsEveryKeyProfileAndMountOption compares the generated
// parts of the reference with the code, and with -update writes them.
func TestReferenceDocumentsEveryKeyProfileAndMountOption(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, part := range map[string]string{
		"keys": keyTable(t), "profiles": profileTables(), "mount options": mountOptionList(),
		"example cache": exampleBlock(t, ProfileCache), "example web": exampleBlock(t, ProfileWeb),
	} {
		text = replacePart(t, text, name, part)
	}
	compareFile(t, reference, []byte(text))
}

// replacePart replaces what stands between the two marks of a generated part.
func replacePart(t *testing.T, text, name, part string) string {
	t.Helper()
	begin := "<!-- begin " + name + ": made by go test ./setup/cluster -update -->\n"
	end := "<!-- end " + name + " -->\n"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no part between %q and %q", reference, begin, end)
	}
	return before + begin + "\n" + part + "\n" + end + after
}

func keyTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, k := range schemaKeys(t) {
		standard := "–"
		switch {
		case k.required:
			standard = "required"
		case k.schema.Default != nil:
			standard = "`" + fmt.Sprint(k.schema.Default) + "`"
		}
		meaning := strings.ReplaceAll(k.schema.Description, "|", "\\|")
		if len(k.schema.Examples) > 0 {
			meaning += " Such as " + examplesOf(k.schema) + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.path, typeOf(k.schema), standard, meaning)
	}
	return b.String()
}

func examplesOf(s *jsonschema.Schema) string {
	var list []string
	for _, e := range s.Examples {
		if text, ok := e.(string); ok {
			list = append(list, "`"+text+"`")
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			continue
		}
		list = append(list, "`"+string(data)+"`")
	}
	return strings.Join(list, ", ")
}

// typeOf says what a key's value is, in a few words.
func typeOf(s *jsonschema.Schema) string {
	switch {
	case len(s.Enum) > 0:
		var words []string
		for _, w := range s.Enum {
			words = append(words, "`"+fmt.Sprint(w)+"`")
		}
		return strings.Join(words, ", ")
	case s.Type == "array" && s.Items.Type == "object":
		return "list of maps"
	case s.Type == "array":
		return "list of text"
	case len(s.PatternProperties) > 0:
		return "map by name"
	case s.Type == "object":
		return "map"
	case s.Type == "boolean":
		return "`true`, `false`"
	case len(s.OneOf) == 2 && s.OneOf[1].Type == "integer":
		return "size"
	case len(s.OneOf) == 2 && s.OneOf[1].Type == "array":
		return "list of text, or `" + fmt.Sprint(s.OneOf[0].Const) + "`"
	case len(s.OneOf) == 2 && s.OneOf[1].Type == "object":
		return "text, or map by node"
	default:
		return "text"
	}
}

func profileTables() string {
	var b strings.Builder
	for _, name := range Profiles() {
		options, mounts := Profile(name)
		fmt.Fprintf(&b, "Profile `%s`", name)
		if len(options) == 0 {
			b.WriteString(" sets nothing.\n")
			continue
		}
		b.WriteString(" sets these volume options")
		if len(mounts) == 0 {
			b.WriteString(", and no mount options:\n\n")
		} else {
			fmt.Fprintf(&b, ", and the mount options `%s`:\n\n", strings.Join(mounts, ","))
		}
		b.WriteString("| option | value | why |\n|---|---|---|\n")
		for _, o := range options {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", o.Name, o.Value, o.Reason)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func mountOptionList() string {
	byKind := map[mountValue][]string{}
	for name, kind := range mountOptions() {
		byKind[kind] = append(byKind[kind], "`"+name+"`")
	}
	var b strings.Builder
	for _, k := range []struct {
		kind mountValue
		text string
	}{
		{valueNone, "Without a value"},
		{valueNumber, "With a number (`NAME=NUMBER`)"},
		{valueText, "With a value (`NAME=VALUE`)"},
		{valueLogLevel, "With a log level (`TRACE` to `NONE`)"},
	} {
		sort.Strings(byKind[k.kind])
		fmt.Fprintf(&b, "- %s: %s\n", k.text, strings.Join(byKind[k.kind], ", "))
	}
	return b.String()
}

// exampleBlock shows an example without its comments.
func exampleBlock(t *testing.T, kind string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("```yaml\n")
	for line := range strings.Lines(example(t, kind)) {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			b.WriteString(line)
		}
	}
	b.WriteString("```\n")
	return b.String()
}
