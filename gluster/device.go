package gluster

import "strings"

// Device is what mount.glusterfs(8) mounts, and what tables of mounts call it.
type Device struct {
	Servers   []string // that are asked for the volume, in order
	Volume    string
	Directory string // of the volume, "" where it is the whole
}

// ParseDevice reads SERVER[,SERVER]:/VOLUME[/DIRECTORY], where the slash before the volume may be absent. An IPv6 address has
// colons of its own, and no slash. Without a colon there is no server.
func ParseDevice(text string) Device {
	i := strings.Index(text, ":/")
	if i < 0 {
		i = strings.LastIndex(text, ":")
	}
	var d Device
	d.Volume, d.Directory, _ = strings.Cut(strings.TrimLeft(text[i+1:], "/"), "/")
	if i >= 0 {
		d.Servers = strings.Split(text[:i], ",")
	}
	return d
}
