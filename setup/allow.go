package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"brickyard/setup/onefile"
)

// allowFlags are the flags of commands that refuse what is risky at this moment only, and can be told to do it.
type allowFlags struct {
	Allow []consent `placeholder:"CODE:OBJECT" sep:"none" help:"Do what is refused otherwise, as the conflict says: older-file:NODE applies a cluster file that other nodes have replaced. Repeatable."`
}

// consent is what a person allows one run to do, by code and object of the conflict that refuses it.
type consent struct{ code, object string }

// UnmarshalText reads CODE:OBJECT. A code that nothing can be allowed of is an error: a typing mistake must not be taken for a "no".
func (c *consent) UnmarshalText(text []byte) error {
	code, object, ok := strings.Cut(string(text), ":")
	switch {
	case !ok || object == "":
		return fmt.Errorf("%q is not of the form CODE:OBJECT, as in %s:web1.example.com: take it as the conflict prints it", text, onefile.CodeOlder)
	case !slices.Contains(allowable(), code):
		return fmt.Errorf("%q: nothing of code %q can be allowed, only of %s", text, code, strings.Join(allowable(), ", "))
	}
	*c = consent{code, object}
	return nil
}

func (c consent) String() string { return c.code + ":" + c.object }

// allowable are the codes of conflicts that a person may allow for one run. What takes something away for good is declared in the cluster file.
func allowable() []string { return []string{onefile.CodeOlder} }

// consents reads what Ansible's list allows.
func consents(list []string) ([]consent, error) {
	out := make([]consent, len(list))
	for i, text := range list {
		if err := out[i].UnmarshalText([]byte(text)); err != nil {
			return nil, fmt.Errorf("allow: %w", err)
		}
	}
	return out, nil
}

// allow notes what a person allowed this run to do.
func (n *node) allow(list []consent) {
	n.allowed = list
	n.applied.Allowed = slices.Contains(list, consent{onefile.CodeOlder, n.state.Node})
}

// allowedInVain says what was allowed although nothing here is refused for it: perhaps another node was meant, or it is long done.
func (n *node) allowedInVain(ctx context.Context) ([]string, error) {
	if len(n.allowed) == 0 {
		return nil, nil
	}
	v, err := n.applied.View(ctx)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, c := range n.allowed {
		if c.object != n.state.Node || len(v.Newer()) == 0 {
			words = append(words, fmt.Sprintf("--allow %s fits nothing on this node: no conflict of that code and object refuses anything here", c))
		}
	}
	return words, nil
}
