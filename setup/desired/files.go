package desired

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"brickyard/setup/textfile"
	"brickyard/templates"
)

// File is a file that belongs to gluster-setup as a whole.
type File struct {
	Path    string
	Mode    fs.FileMode
	Content string
	Unit    bool // systemd must be told when it changes
}

// Rendered is what the templates make of a State.
type Rendered struct {
	HostsBlock []string // lines of our block in /etc/hosts
	FstabBlock []string // lines of our block in /etc/fstab
	Files      []File
}

// Render executes the templates for the node. clusterFile is the text of the
// cluster file, which every node keeps for its units. It is an error when an
// overridden fstab template leaves out a mount that the cluster file asks for.
func (s *State) Render(set *templates.Set, clusterFile []byte) (*Rendered, error) {
	r := &Rendered{}
	if s.ManageHosts {
		text, err := set.Render("hosts", s)
		if err != nil {
			return nil, err
		}
		r.HostsBlock = lines(text)
	}
	text, err := set.Render("fstab", s)
	if err != nil {
		return nil, err
	}
	r.FstabBlock = lines(text)
	if err := s.checkFstab(r.FstabBlock); err != nil {
		return nil, err
	}
	r.Files = append(r.Files, File{Path: s.ClusterFile, Mode: 0o644, Content: string(clusterFile)})
	type source struct{ template, path string }
	var units []source
	if s.Server {
		units = append(units, source{"glusterd.conf", path.Join(unitDir, dropIn)})
	}
	if len(s.ClientMounts) > 0 {
		units = append(units, source{"gluster-setup-wait@.service", path.Join(unitDir, fmt.Sprintf(WaitUnit, ""))})
	}
	for _, u := range units {
		text, err := set.Render(u.template, s)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, File{Path: u.path, Mode: 0o644, Content: text, Unit: true})
	}
	return r, nil
}

func (s *State) checkFstab(block []string) error {
	have := map[string]string{}
	for _, l := range block {
		if e, ok := textfile.ParseFstab(l); ok {
			have[e.File] = e.Type
		}
	}
	check := func(p, fstype string) error {
		if have[p] != fstype {
			return fmt.Errorf("the fstab template writes no %s line for %s, which the cluster file asks for", fstype, p)
		}
		return nil
	}
	for _, m := range s.BrickMounts {
		if err := check(m.Path, m.Fstype); err != nil {
			return err
		}
	}
	for _, m := range s.ClientMounts {
		if err := check(m.Path, "glusterfs"); err != nil {
			return err
		}
	}
	return nil
}

// lines splits rendered text into lines without the empty ones.
func lines(text string) []string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if l = strings.TrimRight(l, " \t\r"); l != "" {
			out = append(out, l)
		}
	}
	return out
}
