package cluster

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// DeviceKind says how a device of a brick is named.
type DeviceKind int

// The kinds of device.
const (
	BlockDevice DeviceKind = iota // a path below /dev
	UUIDDevice                    // UUID=..., the identity of a file system that exists
	LabelDevice                   // LABEL=..., the label of a file system that exists
	ImageFile                     // the path of a file that is mounted through a loop device
)

// KindOf returns the kind of a device string that has passed validation.
func KindOf(device string) DeviceKind {
	switch {
	case strings.HasPrefix(device, "UUID="):
		return UUIDDevice
	case strings.HasPrefix(device, "LABEL="):
		return LabelDevice
	case strings.HasPrefix(device, "/dev/"):
		return BlockDevice
	default:
		return ImageFile
	}
}

// For returns the device of a node, or "" for a node without one.
func (d Device) For(node string) string {
	if d.ByNode != nil {
		return d.ByNode[node]
	}
	return d.All
}

// each calls f for every device with the node it is for; node is empty for
// the one device of all nodes.
func (d Device) each(f func(node, device string)) {
	if d.ByNode == nil {
		f("", d.All)
		return
	}
	for _, node := range slices.Sorted(maps.Keys(d.ByNode)) {
		f(node, d.ByNode[node])
	}
}

// MarshalJSON writes the device as the file has it: one string or a map.
func (d Device) MarshalJSON() ([]byte, error) {
	if d.ByNode != nil {
		return json.Marshal(d.ByNode)
	}
	return json.Marshal(d.All)
}
