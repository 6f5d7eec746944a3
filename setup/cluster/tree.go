package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// kind is the shape of a YAML value.
type kind int

const (
	kindNull kind = iota
	kindMap
	kindList
	kindText
	kindInt
	kindFloat
	kindBool
)

// String names the kind as messages do.
func (k kind) String() string {
	switch k {
	case kindMap:
		return "a map"
	case kindList:
		return "a list"
	case kindText:
		return "text"
	case kindInt, kindFloat:
		return "a number"
	case kindBool:
		return "true or false"
	default:
		return "nothing"
	}
}

// node is a YAML value with its place in the file: what is left of the YAML
// tree when everything that a cluster file does not use has been refused.
type node struct {
	kind               kind
	path               string
	line, column       int
	keyLine, keyColumn int // 0 where the value has no key
	text               string
	keys               []string // of a map, in file order
	values             map[string]*node
	items              []*node
	bad                bool     // already reported, or not decodable
	meant              []string // keys that misspelt ones stand for
}

// get returns the value of a map's key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	return n.values[key]
}

// lacks says whether a map has neither the key nor a misspelling of it, which
// has been reported as such.
func (n *node) lacks(key string) bool {
	return n.get(key) == nil && !slices.Contains(n.meant, key)
}

// or returns n, or other if n is nil.
func (n *node) or(other *node) *node {
	if n == nil {
		return other
	}
	return n
}

// describe says what the value is, for messages.
func (n *node) describe() string {
	switch n.kind {
	case kindText:
		return fmt.Sprintf("the text %q", n.text)
	case kindInt, kindFloat:
		return "the number " + n.text
	case kindBool:
		return n.text
	default:
		return n.kind.String()
	}
}

// treeBuilder turns a YAML syntax tree into nodes.
type treeBuilder struct{ r *reporter }

func (b treeBuilder) build(y ast.Node, path string) *node {
	n := &node{path: path}
	n.line, n.column = position(y)
	switch y := y.(type) {
	case *ast.MappingNode:
		n.kind = kindMap
		b.entries(n, y.Values)
	case *ast.MappingValueNode:
		n.kind = kindMap
		b.entries(n, []*ast.MappingValueNode{y})
	case *ast.SequenceNode:
		n.kind = kindList
		for i, item := range y.Values {
			n.items = append(n.items, b.build(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.StringNode:
		n.kind, n.text = kindText, y.Value
	case *ast.LiteralNode:
		n.kind, n.text = kindText, y.Value.Value
	case *ast.IntegerNode:
		n.kind, n.text = kindInt, y.Token.Value
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = kindFloat, y.GetToken().Value
	case *ast.BoolNode:
		n.kind, n.text = kindBool, strings.ToLower(y.Token.Value)
	case *ast.NullNode:
		n.kind = kindNull
	case *ast.AnchorNode:
		b.r.at(n, "anchors (&name) are not used in a cluster file", "write the value in full wherever it is needed")
		n.bad = true
	case *ast.AliasNode:
		b.r.at(n, "aliases (*name) are not used in a cluster file", "write the value in full; text that starts with * needs quotes")
		n.bad = true
	case *ast.TagNode:
		b.r.at(n, fmt.Sprintf("tags (%s) are not used in a cluster file", y.Start.Value), "remove the tag; text that starts with ! needs quotes")
		n.bad = true
	default:
		b.r.at(n, "this is not a map, a list or a plain value", "see docs/cluster-file.md for what may stand here")
		n.bad = true
	}
	return n
}

func (b treeBuilder) entries(n *node, values []*ast.MappingValueNode) {
	n.values = make(map[string]*node, len(values))
	for _, v := range values {
		line, column := position(v.Key)
		name, ok := b.key(v.Key, n.path)
		if !ok {
			n.bad = true
			continue
		}
		path := name
		if n.path != "" {
			path = n.path + "." + name
		}
		if first, dup := n.values[name]; dup {
			b.r.add(line, column, path, fmt.Sprintf("%s is there twice; the first one is on line %d", name, first.keyLine),
				"keep one of the two")
			continue
		}
		child := b.build(v.Value, path)
		child.keyLine, child.keyColumn = line, column
		n.keys = append(n.keys, name)
		n.values[name] = child
	}
}

// key returns the text of a map's key. Numbers and words such as true are
// taken as they are written: a host may be called 10 or null.
func (b treeBuilder) key(k ast.MapKeyNode, path string) (string, bool) {
	line, column := position(k)
	switch k := k.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return k.GetToken().Value, true
	case *ast.MergeKeyNode:
		b.r.add(line, column, path, "merge keys (<<) are not used in a cluster file", "write the keys in full")
	default:
		b.r.add(line, column, path, "a key must be plain text", "text that starts with one of ? [ { & * ! needs quotes")
	}
	return "", false
}

// position returns where a YAML node starts; a block map starts at its first
// key.
func position(y ast.Node) (line, column int) {
	if y == nil {
		return 1, 1
	}
	if m, ok := y.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		y = m.Values[0].Key
	}
	if m, ok := y.(*ast.MappingValueNode); ok {
		y = m.Key
	}
	return tokenPosition(y.GetToken())
}

func tokenPosition(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return max(t.Position.Line, 1), max(t.Position.Column, 1)
}
