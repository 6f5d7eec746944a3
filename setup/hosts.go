package main

import (
	"fmt"
	"os"
	"strings"

	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/textfile"
)

// lostHosts says what /etc/hosts does not have any more of what apply wrote, or "".
func lostHosts(s *desired.State) string {
	if _, err := os.Stat(s.ClusterFile); err != nil || !s.ManageHosts {
		return "" // apply did not write it here
	}
	set, err := templateSet("")
	if err != nil {
		return "" // apply says it
	}
	r, err := s.Render(set, nil)
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(host.HostsPath)
	if err != nil {
		return fmt.Sprintf("%s cannot be read: %v", host.HostsPath, err)
	}
	return hostsWords(textfile.LostHosts(string(text), r.HostsBlock, s.Node))
}

// hostsWords says that names are not known, or not at the address of the cluster file.
func hostsWords(names []string, block bool) string {
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
