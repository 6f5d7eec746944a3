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

// Unit is a unit of ours that must be enabled on the node.
type Unit struct {
	Name  string
	Start bool // it must run now as well, not only from the next boot on
	// Program is what it runs for as long as it is active: it is restarted when the program or the unit is newer. "" where it is not.
	Program string
	// Socket is the unit that listens for it: it comes and goes with it and is not enabled itself. "" where nothing does.
	Socket string
	Aside  bool // nothing rests on it: see change.Change
	Why    string
}

// Units are the units of ours that must be enabled.
// gluster-setup-wait@ is none of them, the client mounts require it.
func (s *State) Units() []Unit {
	var units []Unit
	if s.Server {
		units = []Unit{
			{Name: "gluster-setup-recover.service", Why: "bricks must come back after a boot"},
			{Name: "gluster-setup-recover.timer", Start: true, Why: "a brick whose process dies must come back"},
			{Name: "gluster-setup-hold.service", Start: true, Why: "a shutdown must wait while others heal from the last complete copy"},
		}
	}
	if len(s.LastingBricks()) > 0 {
		units = append(units, Unit{Name: "gluster-setup-guard.service", Start: true, Why: "a brick that lost power must not be read before it was compared"})
	}
	if s.Check != "" {
		units = append(units, Unit{Name: "gluster-setup-check.timer", Start: true, Why: "the cluster file asks for a regular comparison of the bricks"})
	}
	if s.Exporter != nil {
		units = append(units, Unit{Name: ExporterUnit, Start: true, Program: s.Exporter.Binary, Socket: ExporterSocket, Aside: true, Why: "the cluster file asks for the exporter"})
	}
	return units
}

// UnitPath is where a unit of ours lies.
func UnitPath(name string) string { return path.Join(unitDir, name) }

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
		if r.HostsBlock, err = block("hosts", text); err != nil {
			return nil, err
		}
	}
	text, err := set.Render("fstab", s)
	if err != nil {
		return nil, err
	}
	if r.FstabBlock, err = block("fstab", text); err != nil {
		return nil, err
	}
	if err := s.checkFstab(r.FstabBlock); err != nil {
		return nil, err
	}
	r.Files = append(r.Files, File{Path: s.ClusterFile, Mode: 0o644, Content: string(clusterFile)})
	type source struct{ template, path string }
	var units []source
	if s.Server {
		units = append(units, source{"glusterd.conf", DropIn()})
	}
	for _, u := range s.Units() {
		if u.Socket != "" {
			units = append(units, source{u.Socket, UnitPath(u.Socket)})
		}
		units = append(units, source{u.Name, UnitPath(u.Name)})
	}
	if s.Check != "" {
		units = append(units, source{"gluster-setup-check.service", UnitPath("gluster-setup-check.service")})
	}
	if len(s.ClientMounts) > 0 {
		units = append(units, source{"gluster-setup-wait@.service", WaitTemplate()})
	}
	for _, u := range units {
		text, err := set.Render(u.template, s)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, File{Path: u.path, Mode: 0o644, Content: s.mark(text), Unit: true})
	}
	return r, nil
}

func (s *State) checkFstab(block []string) error {
	have := map[string]string{}
	for _, l := range block {
		e, ok := textfile.ParseFstab(l)
		if !ok {
			continue
		}
		if _, twice := have[e.File]; twice {
			return fmt.Errorf("the fstab template writes two lines for %s; systemd takes only one", e.File)
		}
		have[e.File] = e.Type
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

// block splits rendered text into the lines of a managed block, without the
// empty ones.
func block(template, text string) ([]string, error) {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if l = strings.TrimRight(l, " \t\r"); l != "" {
			out = append(out, l)
		}
	}
	if err := textfile.CheckBlock(out); err != nil {
		return nil, fmt.Errorf("the %s template: %w", template, err)
	}
	return out, nil
}
