// Package etchosts says what /etc/hosts has lost of the lines that apply wrote,
// and puts them back.
package etchosts

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
	"brickyard/templates"
)

// writtenLines are the lines that apply has written into /etc/hosts; none where it did not.
func writtenLines(s *desired.State) ([]string, error) {
	if _, err := os.Stat(s.ClusterFile); err != nil || !s.ManageHosts {
		return nil, nil //nolint:nilerr // apply did not write it here
	}
	set, err := templates.Installed()
	if err != nil {
		return nil, err
	}
	r, err := s.Render(set, nil)
	if err != nil {
		return nil, err
	}
	return r.HostsBlock, nil
}

// Lost says what /etc/hosts does not have any more of what apply wrote, or "".
func Lost(s *desired.State) string {
	lines, err := writtenLines(s)
	if err != nil || len(lines) == 0 {
		return "" // apply says what is wrong
	}
	text, err := os.ReadFile(host.HostsPath)
	if err != nil {
		return fmt.Sprintf("%s cannot be read: %v", host.HostsPath, err)
	}
	return lostWords(textfile.LostHosts(string(text), lines, s.Node))
}

// Restore puts the nodes' lines back into /etc/hosts, which cloud-init and its kind write anew at a boot.
func Restore(s *desired.State, log *slog.Logger) error {
	lines, err := writtenLines(s)
	if err != nil || len(lines) == 0 {
		return err
	}
	old, err := os.ReadFile(host.HostsPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own, err := machine.Addresses()
	if err != nil {
		return err
	}
	text, lost, err := withLostLines(string(old), lines, s.Node, func(a netip.Addr) bool { return machine.IsLocal(a, own) })
	if err != nil || len(lost) == 0 {
		return err
	}
	if err := machine.WriteFile(host.HostsPath, []byte(text), 0o644); err != nil {
		return err
	}
	log.Warn("/etc/hosts had lost the lines of gluster-setup: they are put back; "+
		"gluster-setup plan says what takes them out, where it is known", "names", strings.Join(lost, ", "))
	return nil
}

// withLostLines returns the text of /etc/hosts with the lines that it has lost, and the names that were not known.
// What somebody else wrote about a node is left as it is: apply says what is to be done about it.
func withLostLines(text string, lines []string, self string, local func(netip.Addr) bool) (now string, lost []string, err error) {
	if lost, _ = textfile.LostHosts(text, lines, self); len(lost) == 0 {
		return text, nil, nil
	}
	now, problems := textfile.EditHosts(text, lines, self, local)
	if len(problems) > 0 {
		p := problems[0]
		return "", nil, fmt.Errorf("%s:%d: %s, and the lines of gluster-setup are gone: %s, then run gluster-setup apply",
			host.HostsPath, p.Line, p.Problem, p.Remedy)
	}
	return now, lost, nil
}

// lostWords says that names are not known, or not at the address of the cluster file.
func lostWords(names []string, block bool) string {
	if len(names) == 0 {
		return ""
	}
	what, are := "has lost the lines of gluster-setup", "is"
	if block {
		what = "is not as the cluster file has it"
	}
	if len(names) > 1 {
		are = "are"
	}
	return fmt.Sprintf("%s %s (%s %s not known): run gluster-setup apply", host.HostsPath, what, strings.Join(names, ", "), are)
}
