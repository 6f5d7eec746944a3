#!/usr/bin/python
# Copyright: the Brickyard authors
# Apache License 2.0 (see LICENSE)

"""Documentation of gluster_setup; the work is done by a program for the target's architecture."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: gluster_setup
short_description: Make a machine a node of a replicated GlusterFS cluster
version_added: 0.1.0
author:
  - The Brickyard authors (@brickyard)
description:
  - Makes the machine the node that one cluster file describes. It writes the node's lines of C(/etc/hosts) and C(/etc/fstab)
    and its units, mounts brick file systems, forms the trusted pool, creates, configures and starts the volumes, and mounts them.
  - The module is the program C(gluster-setup) itself. It installs itself on the node, because units call it at boot, and the
    exporter when the cluster file asks for it.
  - The changes of the pool are made by one node, the others wait for it. Run the task on all nodes at once, or use the role
    P(brickyard.gluster.gluster#role), which is right with any O(ignore:serial) and O(ignore:forks).
options:
  cluster:
    description:
      - The cluster file, as a mapping or as its YAML text. It is written to C(/etc/brickyard/cluster.yaml).
      - The order of the keys of C(nodes) decides which server makes the changes of the pool when none is in a pool yet.
      - Mutually exclusive with O(config).
    type: raw
  config:
    description:
      - Path of the cluster file on the node.
      - Without it and O(cluster) it is C(/etc/brickyard/cluster.yaml).
    type: path
  node:
    description:
      - The node's name in the cluster file. Without it the node is found by its host name or address.
    type: str
  parts:
    description:
      - What to do. V(host) is everything that concerns this machine alone and waits for nobody, V(pool) the trusted pool and its volumes,
        V(client) the mounts of volumes.
    type: list
    elements: str
    choices: [host, pool, client]
    default: [host, pool, client]
  allow:
    description:
      - What this run may do although it is refused otherwise, each as C(CODE:OBJECT), as the refusal says.
      - C(older-file:NODE) applies a cluster file on the node that other nodes have replaced, and takes back what they changed.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - How long to wait for other nodes, in seconds or as a time such as V(10m).
    type: str
    default: 5m
  templates:
    description:
      - Directory on the node with templates that replace the built-in ones. Without it C(/etc/brickyard/templates), if it exists.
    type: path
  wait_for_others:
    description:
      - V(false) makes what this node can make and leaves the rest, with RV(settled=false), as soon as only another node can go on.
    type: bool
    default: true
attributes:
  check_mode:
    description: Returns exactly the changes that a run then makes, as long as nothing else changes the cluster meanwhile.
    support: full
  diff_mode:
    description: One entry for each file, and one for all commands.
    support: full
  async:
    description: Can be run in the background.
    support: full
  platform:
    description: Linux on amd64 or arm64. Python is not needed on the node.
    support: full
    platforms: Linux
requirements:
  - root on the node
"""

EXAMPLES = r"""
- name: A cache in memory
  brickyard.gluster.gluster_setup:
    cluster:
      nodes:
        cache1.example.com: {address: 10.0.0.1}
        cache2.example.com: {address: 10.0.0.2}
        web1.example.com: {address: 10.0.0.11}
      volumes:
        server:
          replica: 2
          bricks:
            nodes: [cache1.example.com, cache2.example.com]
            tmpfs: {mount: /cache_server, size: 512m}
          profile: cache
      mounts:
        - {volume: server, path: /cache_client, nodes: [web1.example.com]}
  become: true

- name: The cluster file is on the node already
  brickyard.gluster.gluster_setup:
    config: /etc/brickyard/cluster.yaml
    timeout: 10m
  become: true

- name: Only what waits for nobody
  brickyard.gluster.gluster_setup:
    cluster: "{{ lookup('ansible.builtin.file', 'cluster.yaml') }}"
    parts: [host]
  become: true
"""

RETURN = r"""
changes:
  description: What this node made, or would make in check mode, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - {part: host, object: /cache_server, code: brick-mount, action: mount, why: the brick file system of volume server is not mounted,
       commands: [mkdir -p /cache_server, mount /cache_server], status: done, duration_seconds: 0.01}
others:
  description: What other nodes have to make, with the node in C(by).
  returned: always
  type: list
  elements: dict
settled:
  description: Nothing is left to do or to wait for, in the parts that were asked for.
  returned: always
  type: bool
waits:
  description: What the node waits for, in words.
  returned: always
  type: list
  elements: str
conflicts:
  description: What a person must decide first, each with C(code), C(object), C(problem) and C(remedy). Nothing is changed then.
  returned: always
  type: list
  elements: dict
reason:
  description: Why the task failed.
  returned: failure
  type: str
  sample: conflict
  choices: [conflict, refused, timeout, interrupted, invalid, usage, error]
node:
  description: The node's name in the cluster file.
  returned: always
  type: str
file:
  description: The cluster file on the node.
  returned: always
  type: str
gluster:
  description: What the node sees of the pool, its volumes and mounts, as C(gluster-setup status) does.
  returned: success
  type: dict
  contains:
    healthy:
      description: Everything that the cluster file asks for is there and complete.
      type: bool
      returned: success
    problems:
      description: What is not, in sentences.
      type: list
      elements: str
      returned: success
    peers:
      description: The servers of the pool with C(name), C(address), C(uuid), C(state) and C(connected).
      type: list
      elements: dict
      returned: success
    volumes:
      description: The volumes with C(name), C(type), C(status) and their C(bricks).
      type: list
      elements: dict
      returned: success
    mounts:
      description: The client mounts of the node with C(volume), C(path), C(mounted) and C(answers).
      type: list
      elements: dict
      returned: success
duration_seconds:
  description: What the module took.
  returned: always
  type: float
"""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            "allow": {"type": "list", "elements": "str", "default": []},
            "cluster": {"type": "raw"},
            "config": {"type": "path"},
            "node": {"type": "str"},
            "parts": {"type": "list", "elements": "str", "choices": ["host", "pool", "client"], "default": ["host", "pool", "client"]},
            "timeout": {"type": "str", "default": "5m"},
            "templates": {"type": "path"},
            "wait_for_others": {"type": "bool", "default": True},
        },
        mutually_exclusive=[("cluster", "config")],
        supports_check_mode=True,
    )
    module.fail_json(
        msg="gluster_setup was started without its action plugin: call it as brickyard.gluster.gluster_setup, from an installed collection",
    )


if __name__ == "__main__":
    main()
