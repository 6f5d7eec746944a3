package cluster

import (
	"fmt"
	"slices"
	"strings"
)

// device checks the device key of a disk, and whether size makes sense with
// it.
func (v validator) device(what string, vol Volume, n *node) {
	field := n.get("device")
	if field == nil || field.bad {
		return
	}
	d := *vol.Bricks.Disk
	images := false
	if d.Device.ByNode == nil {
		images = v.oneDevice(what, d, field)
	} else {
		for _, name := range field.keys {
			child := field.values[name]
			if !child.bad && v.oneDevice(what, d, child) {
				images = true
			}
		}
		v.deviceNodes(what, vol, field)
	}
	if size := n.get("size"); size != nil && !images && !field.bad {
		v.r.atKey(size, what+": size is for image files; a device has the size it has", "remove size")
	}
}

// deviceNodes checks that a map of devices names exactly the brick nodes.
func (v validator) deviceNodes(what string, vol Volume, field *node) {
	for _, name := range field.keys {
		if !slices.Contains(vol.Bricks.Nodes, name) {
			hint := "remove it, or add the node to bricks.nodes"
			if near := nearest(name, vol.Bricks.Nodes); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			v.r.atKey(field.values[name], fmt.Sprintf("%s: device is given for %s, which holds no brick", what, name), hint)
		}
	}
	var missing []string
	for _, name := range vol.Bricks.Nodes {
		if field.values[name] == nil && name != "" && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		v.r.at(field, fmt.Sprintf("%s: device says nothing for %s", what, strings.Join(missing, ", ")), "give every brick node its device, or one device for all")
	}
}

// oneDevice checks one device and returns whether it is an image file.
func (v validator) oneDevice(what string, d Disk, n *node) (image bool) {
	message, hint := deviceProblem(n.text, d)
	if message != "" {
		v.r.at(n, what+": "+message, hint)
		n.bad = true
	}
	return KindOf(n.text) == ImageFile
}

func deviceProblem(s string, d Disk) (message, hint string) {
	tag, value, _ := strings.Cut(s, "=")
	value = strings.Trim(value, `"'`)
	switch {
	case s == "":
		return "the device is empty", "write /dev/..., UUID=..., LABEL=... or the path of an image file"
	case tag == "UUID":
		return uuidProblem(s, value)
	case tag == "LABEL":
		return labelProblem(value, d.Fstype)
	case tag == "PARTUUID":
		return s + " names a partition", "write /dev/disk/by-partuuid/" + value
	case tag == "PARTLABEL":
		return s + " names a partition", "write /dev/disk/by-partlabel/" + value
	case slices.Contains([]string{"uuid", "label"}, strings.ToLower(tag)):
		return fmt.Sprintf("device %q is unknown", s), fmt.Sprintf("write %s=%s", strings.ToUpper(tag), value)
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("device %q is unknown", s), "write /dev/..., UUID=..., LABEL=... or the absolute path of an image file"
	case s == "/dev" || strings.HasPrefix(s, "/dev/"):
		return devPathProblem(s)
	}
	if message, hint = pathProblem(s); message != "" {
		return "image file: " + message, hint
	}
	if d.Mount != "" && within(s, d.Mount) {
		return fmt.Sprintf("image file %s lies below its own mount point %s", s, d.Mount), "put it elsewhere, such as /var/lib/bricks"
	}
	return "", ""
}

func uuidProblem(s, value string) (message, hint string) {
	good := "UUID=" + strings.ToLower(value)
	if !deviceRE.MatchString(good) {
		return fmt.Sprintf("device %s is not a file system's UUID", s), "blkid prints it: 8-4-4-4-12 hexadecimal digits"
	}
	if s != good {
		return fmt.Sprintf("device %s is not written as the kernel writes it", s), "write " + good
	}
	return "", ""
}

func labelProblem(value, fstype string) (message, hint string) {
	longest := 12
	if fstype == FstypeExt4 {
		longest = 16
	}
	switch {
	case !deviceRE.MatchString("LABEL=" + value[:min(len(value), 16)]):
		return fmt.Sprintf("%q is not a label", value), "a label is made of letters, digits and . _ + - here"
	case len(value) > longest:
		return fmt.Sprintf("label %s has %d characters", value, len(value)), fmt.Sprintf("%s labels have at most %d", fstype, longest)
	}
	return "", ""
}

func devPathProblem(s string) (message, hint string) {
	switch {
	case strings.HasPrefix(s, "/dev/shm/"), strings.HasPrefix(s, "/dev/pts/"), s == "/dev/null", s == "/dev/zero", s == "/dev":
		return s + " is no block device", "write the path of a disk or partition, such as /dev/vdb"
	case strings.Contains(s, "//"), strings.Contains(s, "/./"), strings.Contains(s, "/../"), strings.HasSuffix(s, "/"), strings.HasSuffix(s, "/.."):
		return fmt.Sprintf("device %s is not in its shortest form", s), "write the path without //, . and .."
	case !deviceRE.MatchString(s):
		return fmt.Sprintf("device %q has characters that fstab does not take", s), "use another of its links; ls -l /dev/disk/by-* shows them"
	}
	return "", ""
}

// devices reports a device or image file that two volumes use on one node.
func (v validator) devices(root *node) {
	type use struct{ node, device string }
	users := map[use]string{}
	for _, name := range v.c.VolumeOrder {
		field := root.get("volumes").get(name).get("bricks").get("disk").get("device")
		disk := v.c.Volumes[name].Bricks.Disk
		if disk == nil || field == nil || field.bad {
			continue
		}
		disk.Device.each(func(node, device string) {
			at, nodes := field, v.c.Volumes[name].Bricks.Nodes
			if node != "" {
				at, nodes = field.values[node], []string{node}
			}
			for _, on := range nodes {
				key := use{on, device}
				if other, taken := users[key]; taken && other != name {
					v.r.at(at, fmt.Sprintf("volume %s: device %s of node %s is already that of volume %s", name, device, on, other),
						"give every volume a device of its own, or use directory bricks on one file system")
					return
				}
				users[key] = name
			}
		})
	}
}
