package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxHostName is the longest server name that mount.glusterfs accepts
// (is_valid_hostname in mount.glusterfs.in); it skips longer ones silently.
const maxHostName = 63

// maxVolumeName is well inside what GlusterFS accepts in every version, and
// keeps the names of its files per brick short.
const maxVolumeName = 64

// hostNameProblem says what is wrong with a host name, or nothing.
func hostNameProblem(name string) (message, hint string) {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return "a host name is empty", "write the name that the machine is known by"
	case isAddress(name):
		return name + " is an address, not a host name", "name the node and write `address: " + name + "`"
	case slices.Contains([]string{"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "broadcasthost"}, lower):
		return name + " means another machine on every machine", "write the name that the other nodes know it by"
	case lower != name:
		return fmt.Sprintf("host name %s has capital letters", name), "host names are written in lower case here: " + lower
	case len(name) > maxHostName:
		return fmt.Sprintf("host name %s has %d characters", name, len(name)),
			fmt.Sprintf("mount.glusterfs ignores servers whose names have more than %d characters; use a shorter one", maxHostName)
	case strings.HasSuffix(name, "."):
		return fmt.Sprintf("host name %s ends with a dot", name), "write " + strings.TrimRight(name, ".")
	case !hostNameRE.MatchString(name):
		return fmt.Sprintf("%q is not a host name", name),
			"a host name is made of letters, digits and -, in parts of up to 63 characters with dots between them, none of which starts or ends with -"
	case endsInNumber.MatchString(name):
		return fmt.Sprintf("host name %s ends like an address", name), "the last part of a host name needs a letter"
	}
	return "", ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// addressProblem says what is wrong with a node's address, or nothing.
func addressProblem(text string) (addr netip.Addr, message, hint string) {
	const want = "write an IPv4 or IPv6 address such as 10.0.0.1 or 2001:db8::1"
	addr, err := netip.ParseAddr(text)
	if err != nil {
		message = fmt.Sprintf("%q is not an IP address", text)
		if prefix, err := netip.ParsePrefix(text); err == nil {
			return addr, message, "leave the prefix length out: " + prefix.Addr().String()
		}
		if port, err := netip.ParseAddrPort(text); err == nil {
			return addr, message, "leave the port out: " + port.Addr().String()
		}
		if bare := strings.Trim(text, "[]"); bare != text && isAddress(bare) {
			return addr, message, "leave the brackets out: " + bare
		}
		if m, _ := hostNameProblem(text); m == "" {
			return addr, message, "a name cannot stand here; " + want
		}
		return addr, message, want
	}
	switch {
	case addr.Zone() != "":
		return addr, text + " has a zone", "zones mean something else on every machine; use a routable address"
	case addr.Is4In6():
		return addr, text + " is an IPv4 address written as IPv6", "write " + addr.Unmap().String()
	case addr.IsUnspecified():
		return addr, text + " is no machine's address", want
	case addr.IsLoopback():
		return addr, text + " is a loopback address, which is every machine's own", "write the address that the other nodes reach this node by"
	case addr.IsMulticast(), text == "255.255.255.255":
		return addr, text + " is a multicast or broadcast address", "write the address of the machine"
	case addr.Is6() && addr.IsLinkLocalUnicast():
		return addr, text + " is a link-local address, which is useless without a zone", "use a routable or unique local (fd00::/8) address"
	}
	return addr, "", ""
}

// volumeNameProblem applies the rules of gluster volume create
// (cli_validate_volname in cli/src/cli-cmd-parser.c).
func volumeNameProblem(name string) (message, hint string) {
	reserved := []string{
		"all", "volume", "type", "subvolumes", "option", "end-volume", "volume_not_in_ring", "description", "force",
		"snap-max-hard-limit", "snap-max-soft-limit", "auto-delete", "activate-on-create",
	}
	const rule = "a volume name is made of letters, digits, _ and -, and does not start with -"
	switch {
	case name == "":
		return "a volume name is empty", rule
	case slices.Contains(reserved, name):
		return fmt.Sprintf("%s cannot be the name of a volume", name), "GlusterFS uses the word itself; choose another name"
	case len(name) > maxVolumeName:
		return fmt.Sprintf("volume name %s has %d characters", name, len(name)), fmt.Sprintf("use at most %d", maxVolumeName)
	case !volumeNameRE.MatchString(name):
		return fmt.Sprintf("%q is not a volume name", name), rule
	}
	return "", ""
}
