package cluster

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decoder fills Go values from nodes, by the yaml tags of their types.
type decoder struct{ r *reporter }

// decode fills v from n. A value that does not fit is reported and n marked
// bad, so that validation leaves it alone.
func (d decoder) decode(n *node, v reflect.Value) {
	if n.bad {
		return
	}
	if n.kind == kindNull {
		d.fail(n, n.path+" has no value", "write a value, or remove the key")
		return
	}
	switch v.Type() {
	case reflect.TypeFor[Size]():
		d.size(n, v)
		return
	case reflect.TypeFor[Device]():
		d.device(n, v)
		return
	case reflect.TypeFor[Access]():
		d.access(n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem())
	case reflect.String:
		d.text(n, v)
	case reflect.Int:
		d.number(n, v)
	case reflect.Bool:
		d.boolean(n, v)
	default:
		d.fail(n, fmt.Sprintf("%s cannot be read into %s", n.path, v.Type()), "this is a mistake in the program; please report it")
	}
}

func (d decoder) fail(n *node, message, hint string) {
	d.r.at(n, message, hint)
	n.bad = true
}

// want reports a value of the wrong kind.
func (d decoder) want(n *node, want, hint string) {
	d.fail(n, fmt.Sprintf("%s must be %s, not %s", nameOf(n), want, n.describe()), hint)
}

// nameOf returns the path of n, or what to call the document itself.
func nameOf(n *node) string {
	if n.path == "" {
		return "the file"
	}
	return n.path
}

func (d decoder) structure(n *node, v reflect.Value) {
	known := keysOf(v.Type())
	if n.kind != kindMap {
		d.want(n, "a map", "its keys are "+strings.Join(known, ", "))
		return
	}
	for _, key := range n.keys {
		child := n.values[key]
		i, ok := fieldOf(v.Type(), key)
		if !ok {
			d.r.atKey(child, fmt.Sprintf("unknown key %q in %s", key, nameOf(n)), unknownKeyHint(v.Type(), key, known))
			child.bad = true
			n.meant = append(n.meant, nearest(key, known))
			continue
		}
		d.decode(child, v.Field(i))
	}
}

func (d decoder) mapping(n *node, v reflect.Value) {
	if n.kind != kindMap {
		d.want(n, "a map", "write `name: value` entries, one a line")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, key := range n.keys {
		element := reflect.New(v.Type().Elem()).Elem()
		if element.Kind() == reflect.String {
			d.scalar(n.values[key], element)
		} else {
			d.decode(n.values[key], element)
		}
		v.SetMapIndex(reflect.ValueOf(key), element)
	}
}

func (d decoder) list(n *node, v reflect.Value) {
	if n.kind != kindList {
		hint := "write each entry on a line that starts with `- `, or all of them in [ ]"
		if n.kind == kindText {
			hint = fmt.Sprintf("write [%s]", n.text)
		}
		d.want(n, "a list", hint)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		if item.kind == kindNull && !item.bad {
			d.fail(item, n.path+" has an empty entry", "write a value after the -, or remove the line")
			continue
		}
		d.decode(item, v.Index(i))
	}
}

func (d decoder) text(n *node, v reflect.Value) {
	switch n.kind {
	case kindText:
		v.SetString(n.text)
	case kindInt, kindFloat, kindBool:
		d.want(n, "text", fmt.Sprintf("put it in quotes: %q", n.text))
	default:
		d.want(n, "text", "write one value")
	}
}

// scalar reads any plain value as text. A YAML boolean becomes on or off, as
// GlusterFS writes booleans; everything else keeps the letters of the file.
func (d decoder) scalar(n *node, v reflect.Value) {
	switch n.kind {
	case kindText, kindInt, kindFloat:
		v.SetString(n.text)
	case kindBool:
		v.SetString(map[bool]string{true: "on", false: "off"}[n.text == "true"])
	case kindNull:
		d.fail(n, n.path+" has no value", "write a value, or remove the key")
	default:
		d.want(n, "one value", "write `name: value`")
	}
}

func (d decoder) number(n *node, v reflect.Value) {
	i, err := strconv.Atoi(n.text)
	switch {
	case n.kind == kindText && err == nil:
		d.want(n, "a whole number", "write it without quotes: "+n.text)
	case n.kind != kindInt || err != nil:
		d.want(n, "a whole number", "write digits only")
	default:
		v.SetInt(int64(i))
	}
}

func (d decoder) boolean(n *node, v reflect.Value) {
	switch {
	case n.kind == kindBool:
		v.SetBool(n.text == "true")
	case slices.Contains([]string{"yes", "on", "y"}, strings.ToLower(n.text)):
		d.want(n, "true or false", "write true")
	case slices.Contains([]string{"no", "off", "n"}, strings.ToLower(n.text)):
		d.want(n, "true or false", "write false")
	default:
		d.want(n, "true or false", "write true or false, without quotes")
	}
}

func (d decoder) size(n *node, v reflect.Value) {
	if n.kind != kindText && n.kind != kindInt {
		d.want(n, "a size", "write a whole number with k, m, g or t, such as 512m")
		return
	}
	size, err := ParseSize(n.text)
	if err != nil {
		d.fail(n, fmt.Sprintf("%s: %v", n.path, err), sizeHint(n.text))
		return
	}
	v.SetInt(int64(size))
}

func (d decoder) device(n *node, v reflect.Value) {
	device := v.Addr().Interface().(*Device) //nolint:errcheck,forcetypeassert // decode checked the type
	switch n.kind {
	case kindText:
		device.All = n.text
	case kindMap:
		device.ByNode = make(map[string]string, len(n.keys))
		for _, key := range n.keys {
			var text string
			d.decode(n.values[key], reflect.ValueOf(&text).Elem())
			device.ByNode[key] = text
		}
	default:
		d.want(n, "a device, or a map from nodes to devices", "write /dev/..., UUID=..., LABEL=... or the path of an image file")
	}
}

func (d decoder) access(n *node, v reflect.Value) {
	access := v.Addr().Interface().(*Access) //nolint:errcheck,forcetypeassert // decode checked the type
	switch {
	case n.kind == kindText && n.text == accessAny:
		access.Any = true
	case n.kind == kindList:
		d.list(n, reflect.ValueOf(&access.Others).Elem())
	default:
		d.want(n, "a list of addresses, or the word any", "write addresses and networks, such as [10.0.0.21, 10.9.0.0/24]")
	}
}

// keysOf returns the keys that a struct type takes, in the order of its
// fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if key := f.Tag.Get("yaml"); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

func fieldOf(t reflect.Type, key string) (int, bool) {
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag == key && tag != "-" && tag != "" {
			return i, true
		}
	}
	return 0, false
}

// unknownKeyHint names the place where a key belongs, the nearest known key,
// or all of them.
func unknownKeyHint(t reflect.Type, key string, known []string) string {
	if places := placesBelow(t, key); len(places) > 0 {
		return fmt.Sprintf("%s belongs below %s", key, strings.Join(places, " or "))
	}
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "the keys here are " + strings.Join(known, ", ")
}

// placesBelow returns the paths of the structs inside t that have the key.
func placesBelow(t reflect.Type, key string) []string {
	var places []string
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		field := f.Type
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		if field.Kind() != reflect.Struct || name == "" || name == "-" {
			continue
		}
		if _, ok := fieldOf(field, key); ok {
			places = append(places, name)
		}
		for _, place := range placesBelow(field, key) {
			places = append(places, name+"."+place)
		}
	}
	return places
}
