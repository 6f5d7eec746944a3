"""Connection to the hosts of hack/hosts: one `runc exec` for each module.

The connection of containers.podman copies every module into the container
before it runs it, six programs a task where one will do. `podman exec` takes
five times the processor time of `runc exec`, which does the same for who knows
the container's full id.
"""

import os
import subprocess

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: podman_exec
short_description: Run modules in containers with pipelining
description: Runs modules in a running container through C(runc exec), or C(podman exec) where its name is all that is known.
options:
  remote_addr:
    description: Full id of the container, or its name.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
"""

# Where runc has a directory for each container that runs, named like its id.
RUNNING = "/run/runc"


class Connection(ConnectionBase):
    transport = "podman_exec"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def _run(self, command, **how):
        container = self.get_option("remote_addr")
        argv = ["podman", "--runtime", "runc", "exec", "-i"]
        if os.path.isdir(os.path.join(RUNNING, container)):
            argv = ["runc", "exec"]
        return subprocess.run([*argv, container, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **how)

    def _copy(self, command, **how):
        done = self._run(command, **how)
        if done.returncode != 0:
            raise AnsibleConnectionFailure(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = self._run(["/bin/sh", "-c", cmd], input=in_data or b"")
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        with open(in_path, "rb") as source:
            self._copy(["dd", f"of={out_path}", "bs=1M", "status=none"], stdin=source)

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        done = self._copy(["cat", in_path])
        with open(out_path, "wb") as target:
            target.write(done.stdout)
