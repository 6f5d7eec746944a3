package collector

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/prometheus/procfs"

	"brickyard/exporter/node"
)

type processMetrics struct {
	running, cpu, resident, virtual, fds, maxFDs, threads, start *Metric
}

func processes() Collector {
	// daemon is glusterd, brick, self-heal, mount or geo-replication; name is the brick, the volume of a self-heal daemon's configuration, the mount point, or
	// the volume that geo-replication mounts, at a path that changes with each start of a worker.
	labels := []string{"daemon", "name"}
	m := processMetrics{
		running:  gauge("process_running", "Processes of GlusterFS. daemon is glusterd, brick, self-heal, mount or geo-replication; name is the brick's directory, the self-heal daemon's configuration, the mount point, the volume that geo-replication mounts for itself, or empty. 1, and gone with the process; glusterd is 0 where it ran once and does not.", labels...),
		cpu:      counter("process_cpu_seconds_total", "Processor time that the process has used, in user and kernel mode.", labels...),
		resident: gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", labels...),
		virtual:  gauge("process_virtual_memory_bytes", "Address space of the process.", labels...),
		fds:      gauge("process_open_fds", "File descriptors that the process has open.", labels...),
		maxFDs:   gauge("process_max_fds", "File descriptors that the process may have open.", labels...),
		threads:  gauge("process_threads", "Threads of the process.", labels...),
		start:    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", labels...),
	}
	return Collector{
		Name: "processes", Help: "processor time, memory and descriptors of GlusterFS's processes on this machine", Cost: "four small files in /proc for each process of GlusterFS, and the names of all processes",
		Metrics: []*Metric{m.running, m.cpu, m.resident, m.virtual, m.fds, m.maxFDs, m.threads, m.start},
		collect: m.collect,
	}
}

func (m *processMetrics) collect(_ context.Context, s *node.Scrape, to sink) error {
	all, err := s.Processes()
	if err != nil {
		return err
	}
	proc, err := procfs.NewFS(s.Proc())
	if err != nil {
		return err
	}
	// Asked once: the kernel counts all interrupts for this file.
	system, err := proc.Stat()
	if err != nil {
		return err
	}
	var errs []error
	done := map[[2]string]bool{}
	one := func(daemon, name string, pid int) {
		if done[[2]string{daemon, name}] {
			return // two for one, as while one takes over from the other
		}
		ran, err := m.process(proc, pid, system.BootTime, to, daemon, name)
		done[[2]string{daemon, name}] = ran
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, pid := range all.Glusterd {
		one("glusterd", "", pid)
	}
	if _, _, server, _ := s.Server(); server && !done[[2]string{"glusterd", ""}] { //nolint:errcheck // the collector config says so
		to.set(m.running, 0, "glusterd", "")
	}
	for _, b := range all.Bricks {
		one("brick", b.Path, b.PID)
	}
	for _, d := range all.SelfHeal {
		one("self-heal", strings.TrimPrefix(strings.TrimPrefix(d.Volfile, "shd/"), "gluster/"), d.PID)
	}
	for _, mount := range all.Mounts {
		if mount.OfGsyncd() {
			one("geo-replication", strings.TrimPrefix(mount.Volfile, "/"), mount.PID)
		} else {
			one("mount", mount.Path, mount.PID)
		}
	}
	return errors.Join(errs...)
}

// userHZ is the unit of the times in /proc, on every architecture that Debian has.
const userHZ = 100

// process reports whether the process was still there.
func (m *processMetrics) process(proc procfs.FS, pid int, boot uint64, to sink, daemon, name string) (ran bool, err error) {
	p, err := proc.Proc(pid)
	if err != nil {
		return false, err
	}
	stat, err := p.Stat()
	if err != nil {
		return false, err
	}
	to.set(m.running, 1, daemon, name)
	to.set(m.cpu, stat.CPUTime(), daemon, name)
	to.set(m.resident, float64(stat.ResidentMemory()), daemon, name)
	to.set(m.virtual, float64(stat.VirtualMemory()), daemon, name)
	to.set(m.threads, float64(stat.NumThreads), daemon, name)
	to.set(m.start, float64(boot)+float64(stat.Starttime)/userHZ, daemon, name)
	fds, err := p.FileDescriptorsLen()
	if err != nil {
		return true, err
	}
	to.set(m.fds, float64(fds), daemon, name)
	limits, err := p.Limits()
	if err != nil {
		return true, err
	}
	to.set(m.maxFDs, float64(limits.OpenFiles), daemon, name)
	return true, nil
}
