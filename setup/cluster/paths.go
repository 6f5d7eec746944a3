package cluster

import (
	"fmt"
	"path"
	"strings"
)

// maxPath keeps the files that GlusterFS names after a host and a brick, and
// systemd after a mount point, below 255 characters.
const maxPath = 128

// pathProblem says what is wrong with a mount point, directory or image file,
// or nothing.
func pathProblem(p string) (message, hint string) {
	switch {
	case p == "":
		return "the path is empty", "write an absolute path such as /server"
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("path %q is not absolute", p), "start it with /"
	case strings.ContainsAny(p, " \t\n\r"):
		return fmt.Sprintf("path %q has white space", p), "choose a path without; fstab and gluster take none"
	case path.Clean(p) != p:
		return fmt.Sprintf("path %s is not in its shortest form", p), "write " + path.Clean(p)
	case p == "/":
		return "/ is the root directory", "choose a directory of its own, such as /server"
	case !pathRE.MatchString(p):
		bad := notForPaths.FindString(p)
		return fmt.Sprintf("path %s contains %q", p, bad), "a path is made of letters, digits and . _ + @ - here; fstab, systemd and gluster do not all take others"
	case len(p) > maxPath:
		return fmt.Sprintf("path %s has %d characters", p, len(p)), fmt.Sprintf("use at most %d; GlusterFS names files after it", maxPath)
	}
	return systemPathProblem(p)
}

// systemPathProblem refuses to hide or fill directories that the system
// needs.
func systemPathProblem(p string) (message, hint string) {
	const choose = "choose a directory of its own, such as /server or /srv/server"
	// Nothing of ours belongs into these.
	for _, dir := range []string{
		"/etc", "/usr", "/boot", "/efi", "/proc", "/sys", "/dev", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
		"/var/lib/glusterd", "/var/log/glusterfs", "/var/run", "/run/gluster", "/run/systemd", "/run/user", "/run/lock", "/lost+found",
	} {
		if p == dir {
			return p + " is a system directory", choose
		}
		if strings.HasPrefix(p, dir+"/") {
			return fmt.Sprintf("%s is in the system directory %s", p, dir), choose
		}
	}
	// These hold other things; a directory below them is fine.
	switch p {
	case "/home", "/root", "/run", "/tmp", "/var", "/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/tmp", "/var/mail":
		return p + " is a system directory", "choose a directory below it, or one such as /server"
	}
	return "", ""
}

// within says whether p is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}
