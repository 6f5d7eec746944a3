# Copyright: the Brickyard authors
# Apache License 2.0 (see LICENSE)

"""Runs gluster-setup, as a module, in the build for the architecture of the target."""

from __future__ import annotations

import lzma
import os
import shlex
import shutil
import tempfile

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

# What `uname -m` says, and what Go calls it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(COLLECTION, "files", "bin")
CLUSTER_FILE = "/etc/brickyard/cluster.yaml"
EXPORTER = "gluster_exporter"
INSTALLED_EXPORTER = "/usr/local/sbin/" + EXPORTER


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        self._supports_check_mode = True
        self._supports_async = True
        result = super().run(tmp, task_vars)
        del tmp  # deprecated
        wrap_async = self._task.async_val and not self._connection.has_native_async
        try:
            machine, installed, wanted = self._look()
            program = f"gluster_setup_linux_{self._architecture(machine)}"
            if not os.path.exists(os.path.join(PROGRAMS, program)):
                raise AnsibleActionFail(f"the collection has no program {program}: it was not built by `make collection`")
            if wanted:
                self._send_exporter(ARCHITECTURES[machine], installed)
            # Only for this task, which has a process of its own.
            self._shared_loader_obj.module_loader.add_directory(PROGRAMS)
            result = merge_hash(result, self._execute_module(module_name=f"ansible.legacy.{program}", task_vars=task_vars, wrap_async=wrap_async))
        finally:
            if not wrap_async:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _look(self):
        """The machine, the hash of the exporter that is installed ("" for none), and whether one may be wanted."""
        cluster = self._task.args.get("cluster")
        wanted = isinstance(cluster, (str, dict)) and "exporter" in cluster
        question = f"uname -m; sha256sum {INSTALLED_EXPORTER} 2>/dev/null | cut -c 1-64"
        if not cluster:
            path = str(self._task.args.get("config") or CLUSTER_FILE)
            question += f"; grep -l exporter {shlex.quote(path)} 2>/dev/null"
        answer = self._low_level_execute_command(question + "; true")
        lines = [line.strip() for line in answer.get("stdout", "").splitlines() if line.strip()]
        if answer.get("rc") != 0 or not lines:
            raise AnsibleActionFail(f"cannot ask the node for its architecture: {answer.get('stderr') or answer.get('stdout')}")
        installed = next((line for line in lines[1:] if len(line) == 64 and not line.startswith("/")), "")
        return lines[0], installed, wanted or any(line.startswith("/") for line in lines[1:])

    def _architecture(self, machine):
        if machine not in ARCHITECTURES:
            raise AnsibleActionFail(f"there is no gluster-setup for {machine}, only for {', '.join(sorted(ARCHITECTURES))}")
        return ARCHITECTURES[machine]

    def _send_exporter(self, architecture, installed):
        """Puts the exporter beside the module, which installs it from there, unless the node has the same one."""
        packed = os.path.join(PROGRAMS, f"{EXPORTER}_linux_{architecture}.xz")
        if not os.path.exists(packed):
            return  # then gluster-setup says what is missing, if anything is
        with open(packed[: -len(".xz")] + ".sha256", encoding="ascii") as known:
            if known.read().strip() == installed:
                return
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        with lzma.open(packed) as program, tempfile.NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP) as local:
            shutil.copyfileobj(program, local)
            local.flush()
            self._transfer_file(local.name, self._connection._shell.join_path(self._connection._shell.tmpdir, EXPORTER))
