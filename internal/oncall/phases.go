package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// trafficUnit writes and reads on both mounts of a client, at every boot, as any service that needs them.
const trafficUnit = `[Unit]
Description=Write and read on the volumes
RequiresMountsFor=/cache_client /web_client
After=remote-fs.target

[Service]
ExecStart=/bin/bash -c 'n=0; while :; do n=$$(((n + 1) %% 40)); for m in /cache_client /web_client; do mountpoint -q $$m || continue; mkdir -p $$m/traffic; \
  head -c 20000 /dev/urandom >$$m/traffic/$$HOSTNAME-$$n; cat $$m/traffic/*-$$n >/dev/null; done 2>/dev/null; sleep 1; done'

[Install]
WantedBy=multi-user.target
`

const (
	rulesDir      = "/etc/prometheus/rules"
	prometheusYML = "/etc/prometheus/prometheus.yml"
	alertmanager  = "/etc/prometheus/alertmanager.yml"
	clusterFile   = "/etc/brickyard/cluster.yaml"
)

// probed is where the cluster file of the scenario says how the exporters run.
const probed = "^exporter: .*"

// prepare starts the monitor and the traffic.
func (d *driver) prepare(ctx context.Context) error {
	say("== the monitor, and traffic on the clients")
	if _, err := d.do(ctx, "up", monitor+":31"); err != nil {
		return err
	}
	address, err := d.do(ctx, "address", monitor)
	if err != nil {
		return err
	}
	d.watch = watch{prometheus: "http://" + address + ":9090", alertmanager: "http://" + address + ":9093"}
	scenario := filepath.Join(d.root, "molecule", "oncall")
	filled, err := d.do(ctx, "fill", filepath.Join(scenario, "prometheus.yml.in"))
	if err != nil {
		return err
	}
	if err := d.write(ctx, monitor, prometheusYML, filled+"\n"); err != nil {
		return err
	}
	if _, err := d.do(ctx, "copy", filepath.Join(scenario, "alertmanager.yml.in"), monitor+":"+alertmanager); err != nil {
		return err
	}
	if _, err := d.on(ctx, monitor, "mkdir -p "+rulesDir); err != nil {
		return err
	}
	if err := d.load(ctx, d.Speed); err != nil {
		return err
	}
	for _, name := range clients() {
		if err := d.write(ctx, name, "/etc/systemd/system/oncall-traffic.service", trafficUnit); err != nil {
			return err
		}
	}
	return d.onAll(ctx, clients(), "systemctl daemon-reload; systemctl enable -q --now oncall-traffic.service")
}

// write makes a file on a host.
func (d *driver) write(ctx context.Context, host, path, text string) error {
	file, err := os.CreateTemp("", "oncall")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // a small temporary file
	// Prometheus is not root.
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	_, err = d.do(ctx, "copy", file.Name(), host+":"+path)
	return err
}

// load gives Prometheus the rules, their durations divided, and waits until it has them.
func (d *driver) load(ctx context.Context, by int) error {
	for _, name := range ruleFiles() {
		text, err := os.ReadFile(filepath.Join(d.root, "dashboards", "rules", name))
		if err != nil {
			return err
		}
		rules, err := scale(string(text), by)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := d.write(ctx, monitor, rulesDir+"/"+name, rules); err != nil {
			return err
		}
	}
	if _, err := d.on(ctx, monitor, "systemctl start prometheus-alertmanager.service; systemctl reload-or-restart prometheus.service"); err != nil {
		return err
	}
	return until(ctx, 10*time.Minute, "Prometheus does not load the rules", func() error {
		waits, err := d.watch.waits(ctx)
		if want := 120 / float64(by); err == nil && waits["GlusterBrickDown"] != want {
			err = fmt.Errorf("GlusterBrickDown waits for %g s, not %g", waits["GlusterBrickDown"], want)
		}
		d.waits = waits
		return err
	})
}

// configure has every node apply a changed cluster file: another interval of the prober, and further flags of the exporter.
func (d *driver) configure(ctx context.Context, flags string) error {
	// 15 seconds are the default; divided like the rules, so that as many probes fail before anybody is told.
	interval := max((15+d.Speed-1)/d.Speed, 2)
	line := fmt.Sprintf("exporter: {probe_interval_seconds: %d, flags: [%s]}", interval, flags)
	return d.onAll(ctx, everywhere(), fmt.Sprintf("sed -i 's/%s/%s/' %s; gluster-setup apply", probed, line, clusterFile))
}

// quiet has traffic, an administrator at work and a client that is restarted. Nobody may hear of it.
func (d *driver) quiet(ctx context.Context) error {
	if err := d.settle(ctx, nil); err != nil {
		return err
	}
	say("== all is well, for %s: traffic, an apply that changes something and one that does not", d.Quiet)
	began := time.Now()
	if err := d.configure(ctx, ""); err != nil {
		return err
	}
	if err := d.onAll(ctx, everywhere(), "gluster-setup apply"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d.Quiet - time.Since(began)):
	}
	if err := d.silent(ctx, began); err != nil {
		return err
	}
	// A boot takes as long as it takes: the rules as they are say whether it is too long.
	say("== a client is restarted, under the rules as they are")
	if err := d.load(ctx, 1); err != nil {
		return err
	}
	began = time.Now()
	if _, err := d.do(ctx, "restart", web2); err != nil {
		return err
	}
	if err := d.settle(ctx, nil); err != nil {
		return err
	}
	err := until(ctx, 10*time.Minute, "something is still wrong after the restart", func() error {
		pending, err := d.query(ctx, "ALERTS")
		if err == nil && len(pending) > 0 {
			err = fmt.Errorf("%v", pending)
		}
		return err
	})
	say("   nothing is pending any more after %.0f s", since(began))
	if err := errors.Join(err, d.silent(ctx, began)); err != nil {
		return err
	}
	return d.load(ctx, d.Speed)
}

// silent is an error if anything fired since then.
func (d *driver) silent(ctx context.Context, then time.Time) error {
	fired, err := d.fired(ctx, then)
	for _, have := range fired {
		d.bad("%s fires while all is well", have)
	}
	return err
}

// panels switches on what is off unless asked for, so that every panel has had data, and asks the queries of all of them.
func (d *driver) panels(ctx context.Context) error {
	if err := d.settle(ctx, nil); err != nil {
		return err
	}
	say("== exact counts, profiling and a rebalance, which are off or not needed otherwise")
	if err := d.configure(ctx, "--collector.heal-info"); err != nil {
		return err
	}
	_, err := d.on(ctx, cache1, `
		gluster --mode=script volume profile server start
		mkdir -p /srv
		bricks=
		for n in 1 2; do for host in cache1 cache2; do bricks="$bricks $host.example.com:/srv/spread$n"; done; done
		gluster --mode=script volume create spread replica 2 $bricks force
		gluster --mode=script volume start spread
		gluster --mode=script volume rebalance spread start`)
	if err != nil {
		return err
	}
	err = until(ctx, 10*time.Minute, "not all of it has data", func() error {
		// The status makes glusterd note what the rebalance did.
		if _, err := d.on(ctx, cache1, "gluster --mode=script volume rebalance spread status | grep -q completed"); err != nil {
			return err
		}
		for _, expr := range []string{"gluster_rebalance_scanned_files", "gluster_heal_info_pending_entries", "rate(gluster_brick_fop_seconds_total[1m]) > 0"} {
			if found, err := d.query(ctx, expr); err != nil || len(found) == 0 {
				return errors.Join(err, fmt.Errorf("nothing has %s", expr))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = d.on(ctx, cache1, `
		gluster --mode=script volume profile server stop
		gluster --mode=script volume stop spread
		gluster --mode=script volume delete spread`)
	if err != nil {
		return err
	}
	say("== the metrics of all rules and the queries of all panels, over the whole time")
	if err := d.metrics(ctx); err != nil {
		return err
	}
	out, err := d.command(ctx, "go", "run", "./dashboards/ask", "-prometheus", d.prometheus, "-since", time.Since(d.began).Truncate(time.Second).String(), "-full", "-except", afterPowerCut, "-except", geoReplicated, "-except", foretold)
	if err != nil {
		d.bad("panels: %s", err)
		return nil
	}
	fmt.Println(out)
	return nil
}

// afterPowerCut begins the metrics of comparisons after a power cut. A container that is killed loses nothing of what
// it wrote, and the volume on disks is mounted sync: here nothing is compared. The virtual machines are for that.
const afterPowerCut = "gluster_recovery_resync_"

// geoReplicated begins the metrics of geo-replication, for which the hosts have no second pool. A lab test of the exporter has.
const geoReplicated = "gluster_georep_"

// foretold is in queries that look back an hour before they foretell anything: the scenario is shorter.
const foretold = "offset 1h"

// metrics looks whether every metric that a rule asks for was there at any time.
func (d *driver) metrics(ctx context.Context) error {
	rules, err := readRules(d.root)
	if err != nil {
		return err
	}
	names := metricsOf(rules)
	for _, name := range names {
		found, err := d.query(ctx, fmt.Sprintf("last_over_time({__name__=%q}[%ds])", name, int(since(d.began))+1))
		if err != nil {
			return err
		}
		if len(found) == 0 && !strings.HasPrefix(name, afterPowerCut) && !strings.HasPrefix(name, geoReplicated) {
			d.bad("nothing ever had the metric %s, for which a rule asks", name)
		}
	}
	say("   %d metrics of %d rules", len(names), len(rules))
	return nil
}
