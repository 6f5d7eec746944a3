# Makes a node what the cluster file says. The cluster file lies in the module, as files/cluster.yaml, and is the same for all nodes.
#
# It goes to a place of its own: apply takes it over into /etc/brickyard/cluster.yaml when it is sound, so a mistake in it never reaches the
# units that read it at boot. The exit status of plan is 0 only when there is nothing to do; whatever is wrong, apply runs and says it.
#
# gluster-setup itself comes from its package, or from anywhere else in the path.
class gluster_setup (
  String $source = 'puppet:///modules/gluster_setup/cluster.yaml',
  Integer $timeout = 600, # seconds; apply itself gives up after --timeout
) {
  file { '/etc/brickyard':
    ensure => directory,
    mode   => '0755',
  }
  -> file { '/etc/brickyard/wanted.yaml':
    source => $source,
    mode   => '0644',
  }
  -> exec { 'gluster-setup apply --file /etc/brickyard/wanted.yaml':
    unless  => 'gluster-setup plan --file /etc/brickyard/wanted.yaml',
    path    => ['/usr/local/sbin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'],
    timeout => $timeout,
  }
}
