package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a cluster file may at most be. The YAML parser recurses, so its input
// is bounded before it sees it.
const (
	maxBytes = 1 << 20
	maxLine  = 4096 // characters
	maxDepth = 16   // brackets within brackets
	maxTags  = 100  // their number makes the YAML parser slow
)

// parseTree returns the file's one YAML document as a tree, or nil when the
// text is no such document; the reporter then has the reason.
func parseTree(r *reporter, data []byte) *node {
	if !checkText(r, data) {
		return nil
	}
	docs, ok := parseDocuments(r, data)
	if !ok {
		return nil
	}
	if len(docs) > 1 {
		line, column := tokenPosition(docs[1].Start)
		r.add(line, column, "", "a second document starts here", "a cluster file is one document; remove this --- or put everything into one map")
		return nil
	}
	if len(docs) == 0 || docs[0].Body == nil {
		r.add(1, 1, "", "the file is empty", "gluster-setup init prints a cluster file to start from")
		return nil
	}
	root := treeBuilder{r}.build(docs[0].Body, "")
	if root.kind == kindNull && !root.bad {
		r.add(root.line, root.column, "", "the file is empty", "gluster-setup init prints a cluster file to start from")
		return nil
	}
	return root
}

// checkText refuses what is not plain UTF-8 text with bounded lines.
func checkText(r *reporter, data []byte) bool {
	switch {
	case len(data) > maxBytes:
		r.add(1, 1, "", fmt.Sprintf("the file has more than %d bytes", maxBytes), "this is probably not a cluster file")
		return false
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		r.add(1, 1, "", "the file is UTF-16", "save it as UTF-8 without a byte order mark")
		return false
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		r.add(1, 1, "", "the file starts with a byte order mark", "save it as UTF-8 without a byte order mark")
		return false
	}
	for i, line := range strings.Split(string(data), "\n") {
		if column, message, hint := checkLine(strings.TrimSuffix(line, "\r")); message != "" {
			r.add(i+1, column, "", message, hint)
		}
	}
	return len(r.problems) == 0
}

func checkLine(line string) (column int, message, hint string) {
	indent := true
	for i, c := range line {
		column++
		switch {
		case column > maxLine:
			return column, fmt.Sprintf("the line has more than %d characters", maxLine), "break it into several lines"
		case c == utf8.RuneError && !strings.HasPrefix(line[i:], string(utf8.RuneError)):
			return column, fmt.Sprintf("byte 0x%02x is not UTF-8", line[i]), "save the file as UTF-8"
		case c == '\t' && indent:
			return column, "a tab indents this line", "YAML is indented with spaces"
		case c != '\t' && unicode.IsControl(c):
			return column, fmt.Sprintf("control character %U", c), "remove it"
		}
		indent = indent && c == ' '
	}
	return 0, "", ""
}

// parseDocuments runs the YAML parser, of which it expects anything.
func parseDocuments(r *reporter, data []byte) (docs []*ast.DocumentNode, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			r.add(1, 1, "", fmt.Sprintf("the YAML cannot be read: %v", p), "check the indentation, the brackets and the quotes")
			docs, ok = nil, false
		}
	}()
	tokens := lexer.Tokenize(string(data))
	depth, tags := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.TagType:
			tags++
		default:
		}
		if depth > maxDepth {
			line, column := tokenPosition(t)
			r.add(line, column, "", fmt.Sprintf("more than %d brackets within brackets", maxDepth), "a cluster file needs no such depth; is a bracket left open?")
			return nil, false
		}
		if tags > maxTags {
			line, column := tokenPosition(t)
			r.add(line, column, "", fmt.Sprintf("more than %d tags (%s)", maxTags, t.Value), "tags are not used in a cluster file")
			return nil, false
		}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		reportSyntax(r, data, err)
		return nil, false
	}
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive || (doc.Body == nil && doc.Start == nil) {
			continue
		}
		docs = append(docs, doc)
	}
	return docs, true
}

// reportSyntax puts the parser's error into the form of all others.
func reportSyntax(r *reporter, data []byte, err error) {
	line, column, message := 1, 1, err.Error()
	if yamlErr, ok := errors.AsType[yaml.Error](err); ok {
		message = yamlErr.GetMessage()
		line, column = tokenPosition(yamlErr.GetToken())
	}
	message, _, _ = strings.Cut(message, "\n")
	hint := "check the indentation, the brackets and the quotes on this line and the one above"
	lines := strings.Split(string(data), "\n")
	switch {
	case line <= len(lines) && strings.Contains(lines[line-1], "{{"):
		hint = "{{ }} looks like a template that was not rendered"
	case strings.HasPrefix(message, "mapping value is not allowed"):
		hint = "a value that contains \": \" needs quotes; a key on its own line needs the indentation of its neighbours"
	case strings.Contains(message, "reserved character"):
		hint = "text that starts with this character needs quotes"
	}
	r.add(line, column, "", "not valid YAML: "+message, hint)
}
