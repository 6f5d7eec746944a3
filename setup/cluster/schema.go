package cluster

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"
)

// schemaID names the schema; nothing has to answer there.
const schemaID = "https://brickyard.example/cluster-file.schema.json"

// Schema returns the JSON Schema (draft 2020-12) of the cluster file, made from
// the Go types. What it accepts is checked further by Parse: a schema cannot
// see across the file.
func Schema() ([]byte, error) {
	reflector := jsonschema.Reflector{ExpandedStruct: true, DoNotReference: true, Anonymous: true}
	schema := reflector.Reflect(&Cluster{})
	schema.ID = schemaID
	schema.Title = "Brickyard cluster file"
	schema.Description = "Nodes, GlusterFS volumes and mounts of one cluster; the same file on every node."
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make the JSON Schema: %w", err)
	}
	return append(data, '\n'), nil
}

// property returns a property of a schema that the types must have; the tests
// make every schema.
func property(s *jsonschema.Schema, key string) *jsonschema.Schema {
	p, _ := s.Properties.Get(key)
	return p
}

// named turns a schema of any map into one of a map whose keys match a
// pattern.
func named(s *jsonschema.Schema, pattern string) {
	s.PatternProperties = map[string]*jsonschema.Schema{pattern: s.AdditionalProperties}
	s.AdditionalProperties = jsonschema.FalseSchema
	s.MinProperties = new(uint64(1))
}

// atLeastOne refuses empty lists and, where unique is set, repetitions.
func atLeastOne(s *jsonschema.Schema, pattern string) {
	s.MinItems = new(uint64(1))
	s.UniqueItems = true
	s.Items.Pattern = pattern
}

// JSONSchemaExtend adds what tags cannot say.
func (Cluster) JSONSchemaExtend(s *jsonschema.Schema) {
	named(property(s, "nodes"), hostNamePattern)
	named(property(s, "volumes"), volumeNamePattern)
	property(s, "mounts").MinItems = new(uint64(1))
}

// JSONSchemaExtend adds what tags cannot say.
func (Node) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Description = "One machine."
	address := property(s, "address")
	address.AnyOf = []*jsonschema.Schema{{Format: "ipv4"}, {Format: "ipv6"}}
	aliases := property(s, "aliases")
	aliases.UniqueItems = true
	aliases.Items.Pattern = hostNamePattern
}

// JSONSchemaExtend adds what tags cannot say: an arbiter needs replica 3.
func (Volume) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Description = "One replicated volume."
	when, then := &jsonschema.Schema{Properties: jsonschema.NewProperties()}, &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	when.Properties.Set("arbiter", &jsonschema.Schema{Const: 1})
	when.Required = []string{"arbiter"}
	then.Properties.Set("replica", &jsonschema.Schema{Const: 3})
	s.If, s.Then = when, then
	options := property(s, "options")
	options.AdditionalProperties = jsonschema.FalseSchema
	options.PatternProperties = map[string]*jsonschema.Schema{optionPattern: {
		OneOf: []*jsonschema.Schema{{Type: "string", MinLength: new(uint64(1))}, {Type: "number"}, {Type: "boolean"}},
		Description: "The value, as gluster volume set takes it. true and false become on and off; " +
			"everything else keeps its letters.",
	}}
	options.Examples = []any{map[string]int{"network.ping-timeout": 10}}
	property(s, "owner").Pattern = ownerPattern
	property(s, "mode").Pattern = modePattern
}

// JSONSchemaExtend adds what tags cannot say: exactly one place for bricks.
func (Bricks) JSONSchemaExtend(s *jsonschema.Schema) {
	atLeastOne(property(s, "nodes"), hostNamePattern)
	property(s, "nodes").MinItems = new(uint64(2))
	property(s, "directory").Pattern = pathPattern
	for _, key := range []string{"tmpfs", "disk", "directory"} {
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{key}})
	}
}

// JSONSchemaExtend adds what tags cannot say.
func (Tmpfs) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "mount").Pattern = pathPattern
}

// JSONSchemaExtend adds what tags cannot say.
func (Disk) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "mount").Pattern = pathPattern
}

// JSONSchemaExtend adds what tags cannot say.
func (Mount) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Description = "One mount of one volume on some nodes."
	property(s, "volume").Pattern = volumeNamePattern
	property(s, "path").Pattern = pathPattern
	atLeastOne(property(s, "nodes"), hostNamePattern)
	options := property(s, "options")
	options.UniqueItems = true
	options.Items.Pattern = `^[^\s,"'\\#]+$`
	options.Items.Examples = []any{"log-level=WARNING", "noatime"}
}

// JSONSchema describes a size: text with a unit, or a number of bytes.
func (Size) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		OneOf: []*jsonschema.Schema{
			{Type: "string", Pattern: sizePattern},
			{Type: "integer", Minimum: json.Number(fmt.Sprint(minSize))},
		},
		Examples: []any{"512m", "2g"},
	}
}

// JSONSchema describes a device: one for all nodes or a map with one for each.
func (Device) JSONSchema() *jsonschema.Schema {
	one := &jsonschema.Schema{Type: "string", Pattern: devicePattern}
	return &jsonschema.Schema{
		OneOf: []*jsonschema.Schema{one, {
			Type:                 "object",
			PatternProperties:    map[string]*jsonschema.Schema{hostNamePattern: one},
			AdditionalProperties: jsonschema.FalseSchema,
			MinProperties:        new(uint64(1)),
			Description:          "The device of each brick node, by host name.",
		}},
		Examples: []any{"/dev/vdb", "UUID=0b7a3c8e-6f0e-4f7c-9f43-2a8b6c1d5e90", "LABEL=bricks", "/var/lib/bricks/server.img"},
	}
}

// JSONSchema describes whom a volume lets in: everybody, or a list of more addresses.
func (Access) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		OneOf: []*jsonschema.Schema{
			{Const: accessAny},
			{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: new(uint64(1)), UniqueItems: true},
		},
		Examples: []any{[]string{"10.0.0.21", "10.9.0.0/24"}, accessAny},
	}
}

// JSONSchemaExtend adds what tags cannot say.
func (Exporter) JSONSchemaExtend(s *jsonschema.Schema) {
	flags := property(s, "flags")
	flags.Items.Pattern = exporterFlag.String()
	flags.Items.Examples = nil
	flags.Examples = []any{"--collector.heal-info"}
}

// JSONSchemaExtend adds what tags cannot say.
func (Check) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "schedule").Pattern = schedulePattern
}
