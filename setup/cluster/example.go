package cluster

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed examples/*.yaml
var exampleFiles embed.FS

// ExampleKinds returns what Example takes.
func ExampleKinds() []string {
	return []string{ProfileWeb, ProfileCache}
}

// Example returns a commented cluster file to start from: "web" for web
// servers that share their source tree on disks, "cache" for a cache in memory.
func Example(kind string) ([]byte, error) {
	for _, known := range ExampleKinds() {
		if kind == known {
			data, err := exampleFiles.ReadFile("examples/" + kind + ".yaml")
			if err != nil {
				return nil, fmt.Errorf("example cluster file %s: %w", kind, err)
			}
			return data, nil
		}
	}
	return nil, fmt.Errorf("no example cluster file %q; there is %s", kind, strings.Join(ExampleKinds(), " and "))
}
