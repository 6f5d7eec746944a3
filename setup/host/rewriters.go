package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"brickyard/setup/textfile"
)

// cloudFiles are where cloud-init takes its settings from, in the order in which later ones win: the image's, and what it was
// told by the cloud and by the machine's user data.
func cloudFiles(root string) ([]string, error) {
	dropIns, err := filepath.Glob(filepath.Join(root, "/etc/cloud/cloud.cfg.d/*.cfg")) // sorted, as cloud-init does
	if err != nil {
		return nil, err
	}
	files := append([]string{filepath.Join(root, "/etc/cloud/cloud.cfg")}, dropIns...)
	for _, name := range []string{"vendor-cloud-config.txt", "vendor2-cloud-config.txt", "cloud-config.txt"} {
		files = append(files, filepath.Join(root, "/var/lib/cloud/instance", name))
	}
	return files, nil
}

// manageKey finds the setting; a deeper line is part of something else, such as a file to write.
var manageKey = regexp.MustCompile(`(?m)^\{?["']?manage_etc_hosts["']?\s*:\s*["']?([A-Za-z0-9]+)`)

// cloudManages returns whether cloud-init's settings make it write /etc/hosts anew at every boot, in which file that stands and
// how. With "localhost" it only adds a line for the machine's own name. stated is false where no file has the setting.
func cloudManages(files []string, read func(string) ([]byte, error)) (file, value string, stated bool, err error) {
	for _, f := range files {
		text, err := read(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", false, err
		}
		for _, m := range manageKey.FindAllSubmatch(text, -1) {
			file, value, stated = f, strings.ToLower(string(m[1])), true
		}
	}
	if !slices.Contains([]string{"true", "yes", "on", "1", "template"}, value) {
		return "", "", stated, nil
	}
	return file, value, true, nil
}

// generated finds the comments by which a program says that it writes a file, and that edits are lost.
var generated = regexp.MustCompile(`(?i)\bmanage_etc_hosts\b|\bauto(matically |-)?generated\b|\bgenerated (automatically )?by\b|\bmanaged by\b|\bdo not edit\b|\bwill be (lost|overwritten)\b`)

// header returns the first such comment outside our block.
func header(hosts string) (line textfile.Line, found bool) {
	f, problem := textfile.Split(hosts)
	if problem != nil {
		return textfile.Line{}, false
	}
	for _, l := range f.Outside() {
		if text := strings.TrimSpace(l.Text); strings.HasPrefix(text, "#") && generated.MatchString(text) {
			return textfile.Line{Number: l.Number, Text: text}, true
		}
	}
	return textfile.Line{}, false
}

// Rewriters says, in words, what takes our lines out of /etc/hosts again, below a root ("" is "/").
func Rewriters(root string) ([]string, error) {
	hosts, err := readText(filepath.Join(root, HostsPath))
	if err != nil {
		return nil, err
	}
	return rewriters(root, hosts)
}

func rewriters(root, hosts string) ([]string, error) {
	const (
		back = "the lines of gluster-setup are gone then, until the units of glusterd and of the mounts put them back"
		gone = "the lines of gluster-setup would be gone, and glusterd would know no other node, until its unit puts them back when it starts the next time"
		own  = "or write `manage: {hosts: false}` into the cluster file and the nodes into "
	)
	var warnings []string
	line, said := header(hosts)
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if _, err := os.Stat(filepath.Join(root, "/etc/cloud/cloud-init.disabled")); err == nil && (!said || isCloud(line.Text)) {
		return warnings, nil
	}
	files, err := cloudFiles(root)
	if err != nil {
		return nil, err
	}
	file, value, stated, err := cloudManages(files, os.ReadFile)
	if err != nil {
		return nil, err
	}
	const template = "the template below /etc/cloud/templates from which it writes the file"
	switch {
	case value != "":
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(file, root), "/")
		remedy := "write `manage_etc_hosts: false` there"
		if strings.HasPrefix(name, "/var/lib/cloud/") {
			remedy = "write `manage_etc_hosts: false` into the machine's user data or the cloud's vendor data, from where this comes"
		}
		warn("%s: cloud-init writes /etc/hosts anew at every boot (manage_etc_hosts: %s in %s): %s. %s, %s%s", HostsPath, value, name, back, strings.ToUpper(remedy[:1])+remedy[1:], own, template)
	case said && isCloud(line.Text) && !stated:
		warn("%s:%d: cloud-init has written this file (%q) and may do so at every boot: %s. Write `manage_etc_hosts: false` into /etc/cloud/cloud.cfg.d/99-gluster-setup.cfg, %s%s", HostsPath, line.Number, line.Text, back, own, template)
	case said && !isCloud(line.Text):
		warn("%s:%d: another program says that it writes this file (%q): when it does so again, %s. Have it leave the file alone and remove this line, %swhat it writes the file from", HostsPath, line.Number, line.Text, gone, own)
	}
	return warnings, nil
}

// isCloud reports whether a comment is cloud-init's.
func isCloud(text string) bool {
	return strings.Contains(text, "manage_etc_hosts") || strings.Contains(text, "cloud-init")
}
