package check

import (
	"fmt"
	"os"
)

// SetsOf reads the replica sets of a volume as its clients know them from the store of this node's glusterd.
func SetsOf(volume string, ipv6 bool) ([]Set, error) {
	path := fmt.Sprintf("/var/lib/glusterd/vols/%s/trusted-%s.tcp-fuse.vol", volume, volume)
	text, err := os.ReadFile(path) //nolint:gosec // glusterd's own directory
	if err != nil {
		return nil, fmt.Errorf("volume %s is not known to this node's glusterd: %w: run \"gluster-setup apply\" first",
			volume, err)
	}
	sets, err := Sets(string(text), ipv6)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sets, nil
}
