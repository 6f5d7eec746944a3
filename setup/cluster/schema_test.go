package cluster

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator6 "github.com/santhosh-tekuri/jsonschema/v6"
)

const committedSchema = "../../docs/cluster-file.schema.json"

func compileSchema(t *testing.T) *validator6.Schema {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := validator6.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator6.NewCompiler()
	compiler.AssertFormat()
	if err = compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate gives a cluster file to the schema. It is decoded without any of
// our own code.
func validate(schema *validator6.Schema, text []byte) (isDocument bool, err error) {
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return false, err
	}
	doc, err := validator6.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return false, err
	}
	return true, schema.Validate(doc)
}

func schemaVerdict(t *testing.T, schema *validator6.Schema, text string) string {
	t.Helper()
	switch isDocument, err := validate(schema, []byte(text)); {
	case !isDocument:
		return noDocument
	case err != nil:
		return seenBySchema
	default:
		return notSeenBySchema
	}
}

func TestCommittedSchemaIsTheGeneratedOne(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	compareFile(t, committedSchema, want)
}

// compareFile compares a committed file with what it is generated from, or
// writes it.
func compareFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if updating() {
		if err := os.WriteFile(path, want, 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; run go test ./setup/cluster -update (-want +got):\n%s", path, diff)
	}
}

// allExamples returns every cluster file that the project shows.
func allExamples(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in docs: %v", err)
	}
	own, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(own) != len(ExampleKinds()) {
		t.Fatalf("%d files in examples: %v", len(own), err)
	}
	all := map[string][]byte{}
	for _, file := range slices.Concat(files, own) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = data
	}
	return all
}

func TestExamplesAreValidForUsAndForTheSchema(t *testing.T) {
	schema := compileSchema(t)
	for name, data := range allExamples(t) {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(name, data); err != nil {
				t.Error(err)
			}
			if _, err := validate(schema, data); err != nil {
				t.Error(err)
			}
		})
	}
}

// schemaKey is one key of the cluster file as the schema has it.
type schemaKey struct {
	path     string
	schema   *jsonschema.Schema
	required bool
}

// schemaKeys returns every key of the cluster file, in the order of the types.
func schemaKeys(t *testing.T) []schemaKey {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root jsonschema.Schema
	if err = json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	return keysBelow(&root, "")
}

func keysBelow(s *jsonschema.Schema, prefix string) []schemaKey {
	var keys []schemaKey
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		path, child := prefix+pair.Key, pair.Value
		keys = append(keys, schemaKey{path, child, slices.Contains(s.Required, pair.Key)})
		for _, element := range child.PatternProperties {
			if element.Properties != nil {
				keys = append(keys, keysBelow(element, path+".NAME.")...)
			}
		}
		if child.Items != nil && child.Items.Properties != nil {
			keys = append(keys, keysBelow(child.Items, path+"[].")...)
		}
		if child.Properties != nil {
			keys = append(keys, keysBelow(child, path+".")...)
		}
	}
	return keys
}

func TestEveryKeyOfTheSchemaHasADescription(t *testing.T) {
	keys := schemaKeys(t)
	if len(keys) < 25 {
		t.Errorf("only %d keys", len(keys))
	}
	for _, k := range keys {
		if !strings.HasSuffix(k.schema.Description, ".") {
			t.Errorf("%s: description %q is no sentence", k.path, k.schema.Description)
		}
	}
}

func TestSchemaRefusesUnknownKeysEverywhere(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root jsonschema.Schema
	if err = json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	objects := strings.Count(string(data), `"type": "object"`)
	closed := strings.Count(string(data), `"additionalProperties": false`)
	if objects == 0 || objects != closed {
		t.Errorf("%d of %d objects refuse unknown keys", closed, objects)
	}
}
