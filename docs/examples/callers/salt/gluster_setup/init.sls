# Makes a minion what the cluster file says. The cluster file lies beside this one, as cluster.yaml, and is the same for all minions.
#
# It goes to a place of its own: apply takes it over into /etc/brickyard/cluster.yaml when it is sound, so a mistake in it never reaches the
# units that read it at boot. The document that apply prints tells Salt whether anything changed, and what; with test=True, plan decides.

/etc/brickyard/wanted.yaml:
  file.managed:
    - source: salt://gluster_setup/cluster.yaml
    - makedirs: True
    - mode: "0644"

gluster-setup apply --output json --file /etc/brickyard/wanted.yaml:
  cmd.run:
    - stateful: True
    - unless: gluster-setup plan --file /etc/brickyard/wanted.yaml
    - require:
        - file: /etc/brickyard/wanted.yaml
