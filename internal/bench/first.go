package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// bareScript is the cluster by the commands that a person would type.
const bareScript = "/usr/local/lib/brickyard-bench/bare"

func (s *session) apply(ctx context.Context) (cost, error) {
	return s.together(ctx, all, "gluster-setup", "apply")
}

func (s *session) bare(ctx context.Context) (cost, error) {
	var sum cost
	for _, step := range []struct {
		name  string
		hosts []string
	}{{"node", all}, {"pool", all[:1]}, {"join", all[1:]}} {
		c, err := s.together(ctx, step.hosts, bareScript, step.name)
		if err != nil {
			return cost{}, err
		}
		sum.add(c)
	}
	return sum, nil
}

// replicates expects, whatever made the cluster, that a file which web1 writes is read on web2 and lies on both bricks.
func (s *session) replicates(ctx context.Context) error {
	_, err := s.hosts(ctx, "run", "web1", "bash", "-euc", "findmnt -t fuse.glusterfs /cache_client >/dev/null; echo same >/cache_client/checked")
	if err != nil {
		return err
	}
	read, err := s.hosts(ctx, "run", "web2", "bash", "-c", "until [[ -s /cache_client/checked ]] || ((i++ > 600)); do sleep 0.1; done; cat /cache_client/checked")
	if err != nil || read != "same" {
		return errors.Join(err, fmt.Errorf("web2 reads %q", read))
	}
	for _, h := range []string{"cache1", "cache2"} {
		if _, err := s.hosts(ctx, "run", h, "grep", "-q", "same", "/cache_server/brick/checked"); err != nil {
			return fmt.Errorf("%s has no copy of what web1 wrote: %w", h, err)
		}
	}
	return nil
}

func (s *session) first(ctx context.Context) error {
	type way struct {
		name string
		make func(context.Context) (cost, error)
	}
	of := samples{}
	for round := range s.Rounds {
		ways := []way{{"apply", s.apply}, {"bare", s.bare}}
		if round%2 == 1 { // neither is always the one that finds the machine warm
			slices.Reverse(ways)
		}
		for _, w := range ways {
			s.progress("first apply, round %d of %d: %s", round+1, s.Rounds, w.name)
			if err := s.fresh(ctx); err != nil {
				return err
			}
			c, err := w.make(ctx)
			if err == nil {
				err = s.replicates(ctx)
			}
			if err != nil {
				return err
			}
			of.add(w.name, "wall", round, c.wall.Seconds())
			of.add(w.name, "hosts", round, c.hosts.Seconds())
			of.add(w.name, "own", round, c.own.Seconds())
			s.applied = w.name == "apply"
		}
	}
	s.heading(fmt.Sprintf("2. From four blank hosts to the mounted cache, in seconds: median of %d rounds (lowest-highest), fresh hosts each time", s.Rounds))
	s.measured("apply", "gluster-setup apply, on all four at once")
	s.measured("shell", "hack/bench-files/bare node on all four at once, then pool on cache1, then join on cache2, web1 and web2 at once")
	s.show(of.table([]named{{"wall", "wall"}, {"hosts", "CPU of all hosts"}, {"own", "CPU of the commands"}},
		[]named{{"apply", "gluster-setup apply"}, {"bare", "bare commands in a shell"}}, []ratio{{"apply", "bare", "apply / shell"}}))
	fmt.Fprintln(s.out, "   CPU of all hosts includes the daemons that were started; CPU of the commands is the command's own and its children's.")
	return nil
}
