package main

import (
	"context"
	"fmt"
	"time"
)

// What is more than a line to break or to repair.

// power switches hosts on or off.
func power(how string, names ...string) func(context.Context, hosts) error {
	return func(ctx context.Context, h hosts) error {
		_, err := h.do(ctx, append([]string{how}, names...)...)
		return err
	}
}

func rejoined(ctx context.Context, h hosts) error { return h.join(ctx, everywhere()...) }

// spoilContents changes contents below one brick, as a disk that returns something else would, and has check find it.
func spoilContents(ctx context.Context, h hosts) error {
	if _, err := h.on(ctx, web1, "echo the right contents >/web_client/differs; sync -f /web_client/differs"); err != nil {
		return err
	}
	if _, err := h.on(ctx, cache2, "printf wrong | dd of=/web_server/brick/differs conv=notrunc status=none"); err != nil {
		return err
	}
	// Its exit status is 3 when bricks differ.
	_, err := h.on(ctx, cache1, `rc=0; gluster-setup check --content --rate 0 --bandwidth 0 web || rc=$?
		if gluster volume heal web info | grep differs; then exit 1; fi
		[ "$rc" = 3 ]`)
	return err
}

// agree is what docs/check.md says.
func agree(ctx context.Context, h hosts) error {
	if _, err := h.on(ctx, web1, "echo the right contents >/web_client/differs.new; mv /web_client/differs.new /web_client/differs"); err != nil {
		return err
	}
	// Entries that wait to be healed make it end with 4; what counts here are those that differ.
	return until(ctx, 20*time.Minute, "check finds differences", func() error {
		_, err := h.on(ctx, cache1, "gluster-setup check --content --rate 0 --bandwidth 0 web")
		return err
	})
}

// tear has each client reach one server only, and each change the same file.
func tear(ctx context.Context, h hosts) error {
	if _, err := h.on(ctx, web1, "echo both >/web_client/torn; sync -f /web_client/torn"); err != nil {
		return err
	}
	for _, pair := range [][2]string{{cache1, cache2}, {web1, cache2}, {web2, cache1}} {
		if err := h.cut(ctx, pair[0], pair[1], true); err != nil {
			return err
		}
	}
	err := h.onAll(ctx, clients(), `
		for try in $(seq 600); do
			echo "only $HOSTNAME" >/web_client/torn && sync -f /web_client/torn
			[ "$(cat /web_client/.meta/graphs/active/web-client-*/private | grep -c '^connected = 1')" != 1 ] || break
			sleep 0.5
		done
		echo "only $HOSTNAME, and nobody else" >/web_client/torn; sync -f /web_client/torn`)
	if err != nil {
		return err
	}
	return rejoined(ctx, h)
}

// mend is what the runbook of split-brain says. What the prober and other writers tore with it is mended, too.
func mend(ctx context.Context, h hosts) error {
	return until(ctx, 20*time.Minute, "files are in split-brain", func() error {
		// What it prints is in the error. A command that hangs is for the next try; that the daemons do not look again now, as while
		// one of them starts, leaves nothing torn.
		_, err := h.on(ctx, cache1, `
			heal() { timeout 120 gluster volume heal web "$@" || echo "heal web $*: exit status $?"; }
			heal info | tee /root/oncall.unhealed
			for file in $(sed -nE 's,^(/[^ ]+).*,\1,p' /root/oncall.unhealed | sort -u); do
				heal split-brain source-brick cache1.example.com:/web_server/brick "$file"
			done
			heal
			heal info split-brain | tee /root/oncall.torn
			awk '/^Number of entries in split-brain:/ {n++; torn += $6} END {exit n != 2 || torn > 0}' /root/oncall.torn`)
		return err
	})
}

// management is the port of glusterd; bricks and clients go on without it.
const management = "24007"

// parted keeps the glusterds of the servers apart.
func (h hosts) parted(ctx context.Context) error {
	for _, name := range servers() {
		if err := h.firewall(ctx, name, "-A INPUT -p tcp --dport "+management+" ! -i lo -j REJECT --reject-with tcp-reset"); err != nil {
			return err
		}
	}
	return nil
}

// setAlone sets an option that the other server cannot hear of.
func setAlone(ctx context.Context, h hosts) error {
	if err := h.parted(ctx); err != nil {
		return err
	}
	// The first try finds out that the connection is dead.
	return until(ctx, 10*time.Minute, "the option is refused", func() error {
		_, err := h.on(ctx, cache1, "gluster --mode=script volume set web diagnostics.client-log-level WARNING")
		return err
	})
}

func setTogether(ctx context.Context, h hosts) error {
	if err := rejoined(ctx, h); err != nil {
		return err
	}
	err := until(ctx, 10*time.Minute, "the servers do not find each other", func() error {
		out, err := h.on(ctx, cache1, "gluster pool list")
		if err == nil && !connected(out, cache2+domain) {
			err = fmt.Errorf("no %s in %s", cache2, out)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = h.on(ctx, cache1, "gluster --mode=script volume reset web diagnostics.client-log-level")
	return err
}

// doubt is a brick whose node lost power while its file system was not mounted sync, and whose peer is away: it is withheld.
func doubt(ctx context.Context, h hosts) error {
	_, err := h.on(ctx, cache2, unattended+`
		pkill -KILL -f '[g]lusterfsd .*/web_server/brick'
		while pgrep -f '[g]lusterfsd .*/web_server/brick' >/dev/null; do sleep 0.1; done
		mount -o remount,async /web_server
		gluster-setup guard
		mount -o remount,sync /web_server
		[ ! -e /web_server/brick ]`)
	if err != nil {
		return err
	}
	if err := h.parted(ctx); err != nil {
		return err
	}
	// It waits, as its unit would, and says for what in the file that the exporter reads: before its time is over, unless the machine is busy.
	return until(ctx, 10*time.Minute, "recover does not say that the brick is suspect", func() error {
		_, err := h.on(ctx, cache2, `rc=0; gluster-setup recover --timeout 15s || rc=$?; [ "$rc" = 1 ]; grep '"suspect": true' /var/lib/brickyard/recovery.json`)
		return err
	})
}

func undoubt(ctx context.Context, h hosts) error {
	if err := rejoined(ctx, h); err != nil {
		return err
	}
	_, err := h.on(ctx, cache2, attended)
	return err
}
